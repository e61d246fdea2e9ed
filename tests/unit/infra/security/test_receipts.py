import orjson
import pytest

from cli.erasing.receipt import formatted
from infra.security.receipts import (
    ReceiptError,
    create_receipt_key,
    key_id_of,
    sign,
    verify,
)
from schemas.erasure import ErasedStore, ErasureReceipt, ReceiptAudit, Signature, SignedReceipt

RECEIPT = ErasureReceipt(
    receipt_id="r-1", user="ab" * 32, keyed=True, erased_at="2026-01-01T00:00:00.000Z",
    counted_since="2026-01-01T00:00:00.000Z",
    issued_at="2026-01-01T00:00:09.000Z", mark="3@17",
    stores=(
        ErasedStore(store="watch_states", kind="table", removed=6, note='says "ü"'),
        ErasedStore(store="api", kind="cache", gone_by="2026-01-01T00:00:12.000Z"),
    ),
    audit=ReceiptAudit(
        table="erasures", key="ab" * 32, erased_at="2026-01-01T00:00:00.000Z", sequence=7
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def key():
    return create_receipt_key()


def document(key):
    signature = Signature(key_id=key.key_id, value=sign(RECEIPT, key))
    return orjson.loads(formatted(SignedReceipt(receipt=RECEIPT, signature=signature)))


def test_a_receipt_as_it_is_handed_out_is_valid(key):
    assert key_id_of(document(key)) == key.key_id
    verify(document(key), key.public)


def test_there_is_one_line_a_store():
    lines = formatted(SignedReceipt(receipt=RECEIPT, unsigned="no key")).splitlines()
    assert sum('"store":' in line for line in lines) == len(RECEIPT.stores)


@pytest.mark.parametrize("path", [("removed", 7), ("left", 1), ("store", "other")])
def test_any_change_is_noticed(key, path):
    changed = document(key)
    changed["receipt"]["stores"][0][path[0]] = path[1]
    with pytest.raises(ReceiptError, match="not what was signed"):
        verify(changed, key.public)


def test_another_key_and_a_broken_signature_are_noticed(key):
    with pytest.raises(ReceiptError, match="not what was signed"):
        verify(document(key), create_receipt_key().public)
    for value in ("", "####", "AAAA"):
        broken = document(key)
        broken["signature"]["value"] = value
        with pytest.raises(ReceiptError):
            verify(broken, key.public)
    other = document(key)
    other["signature"]["algorithm"] = "none"
    with pytest.raises(ReceiptError, match="not Ed25519"):
        verify(other, key.public)
    with pytest.raises(ReceiptError, match="not what was signed"):
        verify(document(key), b"short")


def test_a_receipt_without_signature_says_why():
    unsigned = orjson.loads(formatted(SignedReceipt(receipt=RECEIPT, unsigned="there is no key")))
    with pytest.raises(ReceiptError, match="not signed: there is no key"):
        verify(unsigned, b"0" * 32)
