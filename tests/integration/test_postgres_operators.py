"""Operators on a real Postgres: fifty tries of one code, the lockout, sessions, sealing anew."""

import asyncio
import base64
import itertools
from collections import Counter

import psycopg
import pytest

from domain.audit import verify
from domain.identity.lockout import MINUTE_MS
from domain.identity.login import Given, Outcome
from domain.identity.totp import code_at, step_at
from infra.postgres.audit import Actor, AuditTrail
from infra.postgres.migrate import migrate
from infra.postgres.operator_addresses import KEPT_MAX, KEPT_MS, is_familiar
from infra.postgres.operator_logins import LoginAttempt, LoginStore, StepUp
from infra.postgres.operator_sessions import SessionStore, limits_of
from infra.postgres.operators import NewFactor, NoSuchOperator, OperatorExists, OperatorStore
from infra.postgres.partners import Key, NewPartner, PartnerStore
from infra.postgres.pool import create_pool
from infra.postgres.receipt_keys import ReceiptKeyStore
from infra.postgres.sealed_columns import reseal
from infra.postgres.signing_keys import NewSigningKey, SigningKeyStore
from infra.security.operator_secrets import create_token, hash_token
from infra.security.passwords import PasswordHashing
from infra.security.sealing import Sealer, SealingError
from infra.security.signing import create_seed
from infra.settings import Settings
from infra.wall_clock import now_ms
from tests.support.operators import CHEAP, CLI, KEY, SALT, SECRET, add_operator

NOW_MS = 1_767_300_000_000
ADA = Actor("operator", "ada", "request", "203.0.113.7")
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
OTHER_KEY = base64.b64encode(bytes(range(50, 82))).decode()


class Stores:
    def __init__(self, pool, settings):
        self.pool = pool
        self.sessions = SessionStore(pool, limits_of(settings))
        self.logins = LoginStore(pool, Sealer(KEY), self.sessions.ended_before)
        self.operators = OperatorStore(pool, Sealer(KEY))
        self.trail = AuditTrail(pool)

    async def log_in(self, given, now=NOW_MS, token=None, name="ada", address=HOME):
        stored = (await self.operators.find_credentials(name)).password_hash
        token_sha256 = hash_token(token or create_token())
        attempt = LoginAttempt(f"op_{name}", given, token_sha256, stored, address)
        return await self.logins.log_in(attempt, ADA, now)

    async def entries(self):
        return [entry async for batch in self.trail.entries() for entry in batch]

    async def actions(self):
        return [entry.action for entry in await self.entries()]


@pytest.fixture
async def stores(fresh_database_url):
    migrate(fresh_database_url)
    settings = Settings(database_url=fresh_database_url)
    async with create_pool(settings, synchronous_commit=False) as pool:
        await add_operator(pool, "ada", recovery=("ABCDEFGH",))
        yield Stores(pool, settings)


WRONG = Given(False, "000000")


def code(away=0, at_ms=NOW_MS):
    return code_at(SECRET, step_at(at_ms) + away)


async def test_of_fifty_tries_of_one_code_at_once_exactly_one_succeeds(stores):
    outcomes = Counter(
        await asyncio.gather(*(stores.log_in(Given(True, code())) for _ in range(50)))
    )
    assert outcomes[Outcome.ACCEPTED] == 1
    assert outcomes[Outcome.REPLAYED] == 5  # the fifth locks the account for the rest
    assert outcomes[Outcome.LOCKED] == 44
    actions = Counter(await stores.actions())
    assert actions == {
        "operator.create": 1, "operator.login": 1, "operator.code-replayed": 5,
        "operator.lockout": 1,
    }  # fmt: skip
    assert verify(await stores.entries()) is None


async def test_wrong_attempts_at_once_are_counted_one_by_one(stores):
    tries = (stores.log_in(Given(False, code())) for _ in range(50))
    outcomes = Counter(await asyncio.gather(*tries))
    assert outcomes == {Outcome.WRONG_PASSWORD: 5, Outcome.LOCKED: 45}
    assert await stores.log_in(Given(True, code())) is Outcome.LOCKED
    await stores.operators.unlock(CLI, "ada")
    assert await stores.log_in(Given(True, code())) is Outcome.ACCEPTED


async def strangers_lock_out_strangers(stores, now=NOW_MS):
    """Five wrong passwords from an address that nobody logged in from; return a minute later."""
    for _ in range(5):
        await stores.log_in(WRONG, now, address=ELSEWHERE)
    assert await stores.log_in(WRONG, now, address=ELSEWHERE) is Outcome.LOCKED
    later = now + MINUTE_MS
    right = Given(True, code(at_ms=later))
    assert await stores.log_in(right, later, address="2001:db8::/64") is Outcome.LOCKED
    return later


async def test_strangers_do_not_lock_out_who_logged_in_from_here_before(stores):
    assert await stores.log_in(Given(True, code())) is Outcome.ACCEPTED
    later = await strangers_lock_out_strangers(stores)
    right = Given(True, code(at_ms=later))
    assert await stores.log_in(right, later, name="ada") is Outcome.ACCEPTED
    assert await stores.log_in(WRONG, later, address=ELSEWHERE) is Outcome.LOCKED
    [ada] = await stores.operators.list_all()
    assert ada.locked_until_ms == NOW_MS + 15 * MINUTE_MS
    assert ada.familiar_locked_until_ms == 0
    assert Counter(await stores.actions()) == {
        "operator.create": 1, "operator.login": 2, "operator.login-failed": 5,
        "operator.lockout": 1,
    }  # fmt: skip


async def test_familiar_addresses_are_locked_out_by_their_own_failures_and_unlocked(stores):
    await stores.log_in(Given(True, code()))
    for _ in range(5):
        await stores.log_in(WRONG)
    [ada] = await stores.operators.list_all()
    assert (ada.locked_until_ms, ada.familiar_locked_until_ms) == (0, NOW_MS + 15 * MINUTE_MS)
    assert await stores.log_in(WRONG, address=ELSEWHERE) is Outcome.LOCKED  # five this minute
    await stores.operators.unlock(CLI, "ada")
    assert await stores.log_in(Given(True, code(1))) is Outcome.ACCEPTED


async def test_a_session_steps_up_while_strangers_are_locked_out(stores):
    token, new = create_token(), create_token()
    await stores.log_in(Given(True, code()), token=token)
    for place in (HOME, ELSEWHERE):  # also those who share the operator's network
        for _ in range(5):
            await stores.log_in(WRONG, address=place)
        assert await stores.log_in(Given(True, code(1)), address=place) is Outcome.LOCKED
    step = StepUp("op_ada", code(1), hash_token(token), hash_token(new))
    assert await stores.logins.step_up(step, ADA, NOW_MS) is Outcome.ACCEPTED


async def test_wrong_step_ups_lock_out_step_ups_until_they_are_unlocked(stores):
    token = create_token()
    await stores.log_in(Given(True, code()), token=token)

    def step_up(given_code):
        step = StepUp("op_ada", given_code, hash_token(token), hash_token(token))
        return stores.logins.step_up(step, ADA, NOW_MS)

    outcomes = Counter(await asyncio.gather(*(step_up("000000") for _ in range(9))))
    assert outcomes == {Outcome.WRONG_CODE: 5, Outcome.LOCKED: 4}
    [ada] = await stores.operators.list_all()
    assert (ada.locked_until_ms, ada.familiar_locked_until_ms) == (0, 0)
    assert ada.step_up_locked_until_ms == NOW_MS + 15 * MINUTE_MS
    assert (await stores.actions()).count("operator.lockout") == 1
    assert await step_up(code(1)) is Outcome.LOCKED
    assert await stores.log_in(Given(True, code(1)), address=ELSEWHERE) is Outcome.ACCEPTED
    await stores.operators.unlock(CLI, "ada")
    assert await step_up("000000") is Outcome.WRONG_CODE


@pytest.mark.parametrize("change", ["disable", "set_password", "reset_factor"])
async def test_no_address_is_familiar_once_sessions_were_ended(stores, change):
    await stores.log_in(Given(True, code()))
    operators = stores.operators
    if change == "disable":
        await operators.disable(CLI, "ada", NOW_MS)
        await operators.enable(CLI, "ada")
    elif change == "set_password":
        await operators.set_password(CLI, "ada", "$argon2id$another")
    else:
        await operators.reset_factor(CLI, "ada", NewFactor(SECRET, 0, SALT, []))
    later = await strangers_lock_out_strangers(stores)
    right = Given(True, code(at_ms=later))
    assert await stores.log_in(right, later) is Outcome.LOCKED


@pytest.mark.parametrize("change", ["set_password", "reset_factor"])
async def test_whoever_gets_another_password_or_app_begins_without_wrong_attempts(stores, change):
    for _ in range(5):
        await stores.log_in(WRONG)
    assert await stores.log_in(Given(True, code())) is Outcome.LOCKED
    if change == "set_password":
        await stores.operators.set_password(CLI, "ada", "another hash")
    else:
        await stores.operators.reset_factor(CLI, "ada", NewFactor(SECRET, 0, SALT, []))
    assert await stores.log_in(Given(True, code())) is Outcome.ACCEPTED


async def test_the_newest_addresses_are_kept_for_some_time(stores):
    async def familiar(now):
        async with stores.pool.connection() as connection:
            return {
                each for each in ("2001:db8::/64", *addresses)
                if await is_familiar(connection, "op_ada", each, now)
            }  # fmt: skip

    addresses = [f"198.51.100.{number}" for number in range(KEPT_MAX + 1)]
    now = NOW_MS
    for address in addresses:
        now += MINUTE_MS
        given = Given(True, code(at_ms=now))
        assert await stores.log_in(given, now, address=address) is Outcome.ACCEPTED
    assert await familiar(now) == set(addresses[1:])
    last_ms = now + KEPT_MS - 1
    assert await familiar(last_ms) == {addresses[-1]}
    given = Given(True, code(at_ms=last_ms))
    assert await stores.log_in(given, last_ms, address=addresses[-1]) is Outcome.ACCEPTED
    async with stores.pool.connection() as connection:
        kept = await connection.execute("SELECT address, seen_at_ms FROM operator_addresses")
        assert await kept.fetchall() == [(addresses[-1], last_ms)]


async def test_a_recovery_code_works_once_also_at_once(stores):
    [hashed] = await PasswordHashing(CHEAP).hash_recovery(["ABCDEFGH"], SALT)
    given = Given(True, recovery=hashed)
    outcomes = Counter(await asyncio.gather(*(stores.log_in(given) for _ in range(5))))
    assert outcomes == {Outcome.ACCEPTED: 1, Outcome.WRONG_CODE: 4}
    [ada] = await stores.operators.list_all()
    assert ada.recovery_codes_left == 0
    assert "operator.use-recovery-code" in await stores.actions()


async def test_what_is_replaced_shows_in_the_hashes_of_its_entry(stores):
    """The operator looks the same before and after: as many codes, never locked, no sessions."""
    one, other = [b"a" * 32, b"b" * 32], [b"c" * 32, b"d" * 32]
    await stores.operators.renew_recovery_codes(CLI, "ada", SALT, one)
    changes = (
        stores.operators.renew_recovery_codes(CLI, "ada", SALT, other),
        stores.operators.renew_recovery_codes(CLI, "ada", b"t" * 16, other),
        stores.operators.set_password(CLI, "ada", "another hash"),
        stores.operators.reset_factor(CLI, "ada", NewFactor(SECRET, 0, SALT, other)),
    )
    for change in changes:
        await change
    *_, renewed, codes, salt, password, app = await stores.entries()
    for before, entry in itertools.pairwise((renewed, codes, salt, password, app)):
        assert before.after_sha256 == entry.before_sha256
        assert entry.before_sha256 != entry.after_sha256, entry.action
    await stores.operators.enable(CLI, "ada")  # it was: nothing changes
    [*_, nothing] = await stores.entries()
    assert nothing.before_sha256 == nothing.after_sha256


async def test_a_session_is_found_replaced_and_ended(stores):
    token, other = create_token(), create_token()
    await stores.log_in(Given(True, code()), token=token)
    found = await stores.sessions.find(hash_token(token), NOW_MS + 60_000)
    assert (found.name, found.role, found.times.code_at_ms) == ("ada", "admin", NOW_MS)
    again = await stores.sessions.find(hash_token(token), NOW_MS + 60_001)
    assert again.times.seen_at_ms == NOW_MS + 60_000
    rotations = [
        stores.sessions.rotate(hash_token(token), hash_token(create_token()), NOW_MS)
        for _ in range(9)
    ] + [stores.sessions.rotate(hash_token(token), hash_token(other), NOW_MS)]
    assert Counter(await asyncio.gather(*rotations)) == {True: 1, False: 9}
    assert await stores.sessions.find(hash_token(token), NOW_MS) is None
    assert await stores.sessions.end_all("op_ada", ADA) == 1


async def test_a_session_ends_with_its_pause_its_life_and_its_operator(stores):
    token = create_token()
    await stores.log_in(Given(True, code()), token=token)
    half_an_hour = 30 * 60_000
    assert await stores.sessions.find(hash_token(token), NOW_MS + half_an_hour) is None
    assert await stores.sessions.find(hash_token(token), NOW_MS) is not None
    await stores.operators.disable(CLI, "ada", NOW_MS)
    assert await stores.sessions.find(hash_token(token), NOW_MS) is None
    assert await stores.log_in(Given(True, code(1))) is Outcome.DISABLED
    await stores.operators.enable(CLI, "ada")
    assert await stores.sessions.find(hash_token(token), NOW_MS) is None
    assert await stores.log_in(Given(True, code(1)), now=NOW_MS) is Outcome.ACCEPTED


async def test_a_login_removes_sessions_that_have_ended(stores):
    await stores.log_in(Given(True, code()))
    later = NOW_MS + 30 * 60_000
    await stores.log_in(Given(True, code(at_ms=later)), now=later)
    async with stores.pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM operator_sessions")).fetchone()
    assert row == (1,)


async def test_a_step_up_replaces_the_token_and_never_brings_a_session_back(stores):
    token, stepped = create_token(), create_token()
    await stores.log_in(Given(True, code()), token=token)
    later = NOW_MS + 60_000
    step = StepUp("op_ada", code(at_ms=later), hash_token(token), hash_token(stepped))
    assert await stores.logins.step_up(step, ADA, later) is Outcome.ACCEPTED
    found = await stores.sessions.find(hash_token(stepped), later)
    assert found.times == (type(found.times))(NOW_MS, later, later)
    await stores.sessions.end(hash_token(stepped), ADA)
    later += 60_000
    step = StepUp("op_ada", code(at_ms=later), hash_token(stepped), hash_token(create_token()))
    assert await stores.logins.step_up(step, ADA, later) is None


async def test_another_app_secret_another_password_and_new_recovery_codes(stores):
    token = create_token()
    await stores.log_in(Given(True, code()), token=token)
    hashes = await PasswordHashing(CHEAP).hash_recovery(["ABCDEFGH", "HGFEDCBA"], b"t" * 16)
    other = b"another secret of ap"
    factor = NewFactor(other, step_at(NOW_MS), b"t" * 16, hashes)
    await stores.operators.reset_factor(CLI, "ada", factor)
    assert await stores.sessions.find(hash_token(token), NOW_MS) is None
    assert await stores.log_in(Given(True, code(1))) is Outcome.WRONG_CODE
    enrolled = code_at(other, step_at(NOW_MS))  # the code that completed the enrolment is used up
    assert await stores.log_in(Given(True, enrolled)) is Outcome.REPLAYED
    fresh = code_at(other, step_at(NOW_MS) + 1)
    assert await stores.log_in(Given(True, fresh)) is Outcome.ACCEPTED
    await stores.operators.set_password(CLI, "ada", "another hash")
    assert (await stores.operators.find_credentials("ada")).password_hash == "another hash"
    await stores.operators.rehash("op_ada", "a hash of before", "stale")
    assert (await stores.operators.find_credentials("ada")).password_hash == "another hash"
    await stores.operators.renew_recovery_codes(ADA, "ada", b"u" * 16, hashes[:1])
    [ada] = await stores.operators.list_all()
    assert ada.recovery_codes_left == 1
    assert (await stores.actions())[-2:] == [
        "operator.set-password", "operator.renew-recovery-codes",
    ]  # fmt: skip
    assert verify(await stores.entries()) is None


async def test_a_password_that_is_changed_while_it_is_checked_opens_nothing(stores):
    checked = (await stores.operators.find_credentials("ada")).password_hash
    await stores.operators.set_password(CLI, "ada", "another hash")
    given = Given(True, code())
    attempt = LoginAttempt("op_ada", given, hash_token(create_token()), checked, HOME)
    assert await stores.logins.log_in(attempt, ADA, NOW_MS) is Outcome.WRONG_PASSWORD


async def test_names_are_taken_once_and_unknown_ones_refused(stores):
    with pytest.raises(OperatorExists):
        await add_operator(stores.pool, "ada")
    with pytest.raises(NoSuchOperator):
        await stores.operators.disable(CLI, "nobody", now_ms())
    assert await stores.operators.find_credentials("nobody") is None
    assert await stores.actions() == ["operator.create"]  # what failed left no entry


async def test_an_app_secret_is_stored_encrypted_or_not_at_all(stores):
    async with stores.pool.connection() as connection:
        row = await (await connection.execute("SELECT sealed_totp FROM operators")).fetchone()
        assert row[0].startswith("aes256gcm:")
        assert base64.b64encode(SECRET).decode().rstrip("=") not in row[0]
        with pytest.raises(psycopg.errors.CheckViolation):
            await connection.execute("UPDATE operators SET sealed_totp = 'plain:AAAA'")
    store = OperatorStore(stores.pool, Sealer(""))
    with pytest.raises(SealingError, match="MEDIA_GATEWAY_SECRETS_KEY"):
        await store.reset_factor(CLI, "ada", NewFactor(SECRET, 0, SALT, []))
    assert await stores.log_in(Given(True, code())) is Outcome.ACCEPTED


async def test_a_secret_moved_to_another_operator_does_not_open(stores):
    await add_operator(stores.pool, "eve")
    async with stores.pool.connection() as connection:
        await connection.execute(
            "UPDATE operators SET sealed_totp = (SELECT sealed_totp FROM operators WHERE name = "
            "'eve') WHERE name = 'ada'"
        )
    with pytest.raises(SealingError):
        await stores.log_in(Given(True, code()))
    # Nobody needs it for a wrong one, so a name that exists is refused as one that does not.
    assert await stores.log_in(WRONG) is Outcome.WRONG_PASSWORD


async def test_a_change_of_key_seals_every_secret_anew_or_none(stores):
    partners = PartnerStore(stores.pool, Sealer(KEY), now_ms)
    await partners.create(CLI, NewPartner("acme", "generic"), [Key("secret", b"s" * 32)])
    await partners.create(CLI, NewPartner("plain", "generic"), [Key("secret", b"p" * 32)])
    async with stores.pool.connection() as connection:  # as versions of before stored it
        await connection.execute(
            "UPDATE partner_secrets SET sealed = %s WHERE partner = 'plain'",
            (Sealer("").seal(b"p" * 32, "plain"),),
        )
    signing = NewSigningKey("k1", create_seed(), now_ms() - 1, now_ms() - 1)
    await SigningKeyStore(stores.pool, Sealer(KEY)).rotate(CLI, signing, now_ms())
    with pytest.raises(SealingError):  # the key of what is there is not among those given
        await reseal(stores.pool, Sealer(OTHER_KEY), CLI)
    assert (await partners.find("acme")).keyring.secrets == (b"s" * 32,)
    both = Sealer(OTHER_KEY, KEY)
    await ReceiptKeyStore(stores.pool, Sealer(KEY)).current(now_ms())
    changed = {"partner_secrets": 2, "operators": 1, "signing_keys": 1, "receipt_keys": 1}
    assert await reseal(stores.pool, both, CLI) == changed
    assert await reseal(stores.pool, both, CLI) == dict.fromkeys(changed, 0)
    renewed = PartnerStore(stores.pool, Sealer(OTHER_KEY), now_ms)
    assert (await renewed.find("acme")).keyring.secrets == (b"s" * 32,)
    assert (await renewed.find("plain")).keyring.secrets == (b"p" * 32,)
    kept = await SigningKeyStore(stores.pool, Sealer(OTHER_KEY)).current(now_ms())
    assert kept is not None
    stores.logins = LoginStore(stores.pool, Sealer(OTHER_KEY), stores.sessions.ended_before)
    assert await stores.log_in(Given(True, code())) is Outcome.ACCEPTED
    assert (await stores.actions()).count("secrets.rotate") == 2
