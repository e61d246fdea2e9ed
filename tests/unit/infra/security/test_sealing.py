import base64

import pytest

from infra.security.sealing import Sealer, SealingError

KEY = base64.b64encode(bytes(range(32))).decode()


def test_a_sealed_secret_opens_with_the_same_key_and_owner():
    sealed = Sealer(KEY).seal(b"secret", "acme")
    assert b"secret" not in sealed.encode()
    assert base64.b64encode(b"secret").decode() not in sealed
    assert Sealer(KEY).open(sealed, "acme") == b"secret"


def test_two_seals_of_one_secret_differ():
    assert Sealer(KEY).seal(b"secret", "acme") != Sealer(KEY).seal(b"secret", "acme")


def test_another_owner_another_key_or_a_changed_byte_do_not_open_it():
    sealed = Sealer(KEY).seal(b"secret", "acme")
    other_key = base64.b64encode(bytes(32)).decode()
    damaged = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")
    for sealer, text, owner in (
        (Sealer(KEY), sealed, "other"),
        (Sealer(other_key), sealed, "acme"),
        (Sealer(KEY), damaged, "acme"),
        (Sealer(KEY), "aes256gcm:!", "acme"),
        (Sealer(KEY), "aes256gcm:", "acme"),
        (Sealer(KEY), "plain:!", "acme"),
        (Sealer(""), sealed, "acme"),
        (Sealer(""), "unknown", "acme"),
    ):
        with pytest.raises(SealingError):
            sealer.open(text, owner)


def test_without_a_key_secrets_are_marked_as_plain_and_stay_readable_later():
    sealed = Sealer("").seal(b"secret", "acme")
    assert sealed.startswith("plain:")
    assert Sealer(KEY).open(sealed, "acme") == b"secret"


@pytest.mark.parametrize("key", ["x", "!!!!", base64.b64encode(b"short").decode()])
def test_a_bad_key_is_refused_at_once(key):
    with pytest.raises(SealingError):
        Sealer(key)
