"""Operators in a real database, for tests: made at once, without prompts."""

import base64

from domain.identity.totp import code_at, step_at
from infra.postgres.audit import Actor
from infra.postgres.operators import NewFactor, Operator, OperatorStore
from infra.postgres.pool import Pool
from infra.security.passwords import Cost, PasswordHashing
from infra.security.sealing import Sealer
from infra.wall_clock import now_ms

KEY = base64.b64encode(bytes(range(32))).decode()
PASSWORD = "kestrel orbits the violet lamp"
SECRET = b"the secret of an app"
SALT = b"s" * 16
CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
CLI = Actor("cli", "cli:test")


def current_code(away: int = 0) -> str:
    """Return the code of this moment, or of a step ``away`` from it."""
    return code_at(SECRET, step_at(now_ms()) + away)


async def add_operator(
    pool: Pool,
    name: str,
    *,
    role: str = "admin",
    recovery: tuple[str, ...] = (),
    cost: Cost = CHEAP,
    key: str = KEY,
) -> Operator:
    """Add an operator whose app has ``SECRET``, sealed with ``key``; nobody has logged in yet.

    Recovery codes are found only at the cost of the server that looks for them.
    """
    hashing = PasswordHashing(cost)
    added = Operator(f"op_{name}", name, role, None, 0, 0, now_ms(), len(recovery))
    hashes = await hashing.hash_recovery(list(recovery), SALT)
    factor = NewFactor(SECRET, 0, SALT, hashes)
    store = OperatorStore(pool, Sealer(key))
    await store.create(CLI, added, await hashing.hash(PASSWORD), factor)
    hashing.close()
    return added
