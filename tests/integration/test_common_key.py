"""Nothing is sealed that could not be opened with the keys of what is stored already."""

import asyncio
import base64

import pytest

from infra.postgres.migrate import migrate
from infra.postgres.operators import NewFactor, OperatorStore
from infra.postgres.partners import Key, NewPartner, Partner, PartnerStore, Unreadable
from infra.postgres.pool import create_pool
from infra.postgres.receipt_keys import ReceiptKeyStore
from infra.postgres.sealed_columns import COLUMNS, KeyMismatch, require_common_key, reseal
from infra.postgres.signing_keys import NewSigningKey, SigningKeyStore
from infra.security.sealing import Sealer, SealingError, key_id
from infra.security.signing import create_seed
from infra.settings import Settings
from infra.wall_clock import now_ms
from tests.support.operators import CLI, KEY, SALT, SECRET, add_operator

OTHER_KEY = base64.b64encode(bytes(range(50, 82))).decode()
KEY_ID = key_id(base64.b64decode(KEY))
FIRST = [Key("secret", b"s" * 32)]


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


async def create_partner(pool, name, sealer):
    await PartnerStore(pool, sealer, now_ms).create(CLI, NewPartner(name, "generic"), FIRST)


async def rotate_partner(pool, sealer):
    await PartnerStore(pool, sealer, now_ms).rotate(CLI, "acme", FIRST[0], overlap_ms=0)


async def rotate_signing_key(pool, sealer):
    new = NewSigningKey("k1", create_seed(), now_ms(), now_ms())
    await SigningKeyStore(pool, sealer).rotate(CLI, new, now_ms() + 1)


async def reset_factor(pool, sealer):
    factor = NewFactor(SECRET, 0, SALT, [])
    await OperatorStore(pool, sealer).reset_factor(CLI, "ada", factor)


async def make_receipt_key(pool, sealer):
    await ReceiptKeyStore(pool, sealer).current(now_ms())


async def contents(pool):
    async with pool.connection() as connection:
        return [
            await (await connection.execute(statement)).fetchall()
            for statement in (
                "SELECT partner, sealed FROM partner_secrets", "SELECT sealed_totp FROM operators",
                "SELECT kid FROM signing_keys", "SELECT key_id FROM receipt_keys",
                "SELECT partner FROM partners", "SELECT sequence FROM audit_entries",
            )
        ]  # fmt: skip


async def test_the_first_key_is_anybodys(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    assert (await PartnerStore(pool, Sealer(KEY), now_ms).find("acme")) is not None


@pytest.mark.parametrize(
    "write", [rotate_partner, rotate_signing_key, reset_factor, make_receipt_key]
)
async def test_another_key_seals_nothing_of_any_kind(pool, write):
    await create_partner(pool, "acme", Sealer(KEY))
    await add_operator(pool, "ada")
    before = await contents(pool)
    with pytest.raises(KeyMismatch, match=f"partner acme is sealed with the key {KEY_ID}"):
        await write(pool, Sealer(OTHER_KEY))
    assert await contents(pool) == before
    await write(pool, Sealer(KEY))
    assert await contents(pool) != before


async def test_a_key_is_compared_with_secrets_of_other_kinds(pool):
    await add_operator(pool, "ada")
    with pytest.raises(KeyMismatch, match="operator ada is sealed"):
        await create_partner(pool, "acme", Sealer(OTHER_KEY))
    with pytest.raises(KeyMismatch, match="operator ada"):
        await create_partner(pool, "acme", Sealer(""))


@pytest.mark.parametrize(
    "seal",
    [rotate_signing_key, make_receipt_key],
)
async def test_keys_that_sign_are_compared_too(pool, seal):
    await seal(pool, Sealer(KEY))
    with pytest.raises(KeyMismatch):
        await create_partner(pool, "acme", Sealer(OTHER_KEY))


async def test_during_a_change_of_key_both_are_given_and_the_new_one_seals(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    await create_partner(pool, "globex", Sealer(OTHER_KEY, KEY))
    with pytest.raises(KeyMismatch, match="partner globex"):  # whoever has not heard of the change
        await create_partner(pool, "initech", Sealer(KEY))
    await reseal(pool, Sealer(OTHER_KEY, KEY), CLI)
    await create_partner(pool, "initech", Sealer(OTHER_KEY))


async def test_nothing_plain_is_stored_beside_what_is_sealed(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    with pytest.raises(KeyMismatch, match="nothing is stored unencrypted beside it"):
        await create_partner(pool, "globex", Sealer(""))


async def test_what_is_plain_is_said_and_may_be_followed_by_a_key(pool, caplog):
    await create_partner(pool, "acme", Sealer(""))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "partner acme: its secret is stored UNENCRYPTED" in caplog.text
    caplog.clear()
    await create_partner(pool, "globex", Sealer(KEY))
    assert not caplog.records
    assert (await reseal(pool, Sealer(KEY), CLI))["partner_secrets"] == 1


async def test_of_two_first_keys_at_once_one_decides(pool):
    results = await asyncio.gather(
        *(create_partner(pool, f"p{n}", Sealer(KEY if n % 2 else OTHER_KEY)) for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, KeyMismatch) for each in results) == 4


async def test_keys_are_compared_in_a_transaction_alone(pool):
    async with pool.connection() as connection:
        with pytest.raises(RuntimeError, match="in the transaction"):
            await require_common_key(connection, Sealer(KEY))


async def test_a_text_of_before_keys_had_ids_is_compared_by_opening_it(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE partner_secrets SET sealed = regexp_replace(sealed, ':.*:', ':')"
        )
    with pytest.raises(KeyMismatch, match="partner acme is sealed with a key, which"):
        await create_partner(pool, "globex", Sealer(OTHER_KEY))
    await create_partner(pool, "globex", Sealer(KEY))


async def test_a_lost_key_hinders_nobody_and_its_secrets_stay(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    after_the_loss = Sealer(OTHER_KEY, "", KEY_ID)
    await create_partner(pool, "globex", after_the_loss)
    assert (await reseal(pool, after_the_loss, CLI))["partner_secrets"] == 0
    await rotate_partner(pool, after_the_loss)
    store = PartnerStore(pool, after_the_loss, now_ms)
    assert [type(each) for each in await store.list_all()] == [Partner, Partner]
    with pytest.raises(SealingError, match="MEDIA_GATEWAY_SECRETS_KEYS_LOST"):
        Sealer(KEY, "", KEY_ID)


async def test_a_lost_key_hinders_no_receipt(pool):
    lost = await ReceiptKeyStore(pool, Sealer(KEY)).current(1)
    with pytest.raises(SealingError):  # nobody said that it is lost
        await ReceiptKeyStore(pool, Sealer(OTHER_KEY)).current(2)
    store = ReceiptKeyStore(pool, Sealer(OTHER_KEY, "", KEY_ID))
    key = await store.current(1)
    assert key.key_id != lost.key_id
    assert await store.current(3) == key
    assert await store.public_key(lost.key_id) == lost.public


async def test_a_partner_that_cannot_be_read_hides_no_other(pool):
    await create_partner(pool, "acme", Sealer(KEY))
    await create_partner(pool, "globex", Sealer(OTHER_KEY, KEY))
    found = await PartnerStore(pool, Sealer(KEY), now_ms).list_all()
    assert [type(each) for each in found] == [Partner, Unreadable]
    assert "'globex'" in found[1].reason
    with pytest.raises(SealingError, match="partner globex: "):
        await reseal(pool, Sealer(base64.b64encode(bytes(32)).decode(), KEY), CLI)


async def test_every_column_of_sealed_secrets_is_compared_and_sealed_anew(pool):
    """A column that a later migration adds under such a name has to be in the list."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name LIKE 'sealed%'"
        )
        assert set(await cursor.fetchall()) == {(each.table, each.column) for each in COLUMNS}
