"""The audit trail: a change and its entry are one transaction, and entries are only ever added.

    async with pool.connection() as connection, connection.transaction():
        ...the change...
        await audit.append(connection, actor, "partner.create", "acme", before=None, after=row)

Appending takes a lock until the end of the transaction, so do it last. Entries get their time from
the database: there is one clock, and times follow the order of the chain.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, class_row

from domain.audit import EMPTY, Head, digest, follow
from infra import metrics
from infra.postgres.pool import Pool
from schemas.audit_entry import ActorKind, AuditAction, AuditEntry, AuditFact

Connection = AsyncConnection[TupleRow]

ADVISORY_LOCK = 0x6D67_6175_6469_74
READ_ROWS = 500
COLUMNS = (
    "sequence", "at_ms", "actor_kind", "actor", "action", "subject", "before_sha256",
    "after_sha256", "request_id", "source", "prev_sha256", "entry_sha256",
)  # fmt: skip
NAMES = ", ".join(COLUMNS)
# Under a pool that does not wait for the disk: what the topic may already have must not be lost.
DURABLE = "SET LOCAL synchronous_commit TO on"
LOCK = "SELECT pg_advisory_xact_lock(%s)"
# A statement of its own: it must see what the transaction that held the lock has committed.
LAST = "SELECT sequence, entry_sha256 FROM audit_entries ORDER BY sequence DESC LIMIT 1"
CLOCK = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
INSERT = f"""
INSERT INTO audit_entries ({NAMES}) VALUES ({", ".join(f"%({name})s" for name in COLUMNS)})
"""  # noqa: S608 - constants only
AFTER = f"""
SELECT {NAMES} FROM audit_entries WHERE sequence > %s ORDER BY sequence LIMIT %s
"""  # noqa: S608
PAGE = f"""
SELECT {NAMES} FROM audit_entries
WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(action)s::text IS NULL OR action = %(action)s)
  AND (%(since_ms)s::bigint IS NULL OR at_ms >= %(since_ms)s)
  AND (%(before)s::bigint IS NULL OR sequence < %(before)s)
ORDER BY sequence DESC LIMIT %(limit)s
"""  # noqa: S608
MARKED = "SELECT sequence FROM audit_published"
# Another process that publishes holds the row; this one then does nothing.
MARKED_ALONE = MARKED + " FOR UPDATE SKIP LOCKED"
MARK = "UPDATE audit_published SET sequence = %s"
# Until the transaction ends the session can be used, but neither ended nor given another token.
HOLD_SESSION = "SELECT 1 FROM operator_sessions WHERE token_sha256 = %s FOR KEY SHARE"


class SessionEnded(Exception):
    """The session that somebody acts in has ended, or has another token; nothing is changed."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which request, and from which address.

    ``session_sha256`` is the hash of a session's token: what this actor does is only done if there
    is such a session when its entry is added. None: whatever became of sessions.
    """

    kind: ActorKind
    name: str
    request_id: str | None = None
    source: str | None = None
    session_sha256: bytes | None = field(default=None, repr=False)

    def without_session(self) -> "Actor":
        """Return who acts for what ends the session, or for the rest of what was begun in it."""
        return replace(self, session_sha256=None)


class Filter(NamedTuple):
    """Which entries a page has; None asks for nothing. ``before``: sequence numbers below."""

    actor: str | None = None
    action: str | None = None
    since_ms: int | None = None
    before: int | None = None


async def append(
    connection: Connection,
    actor: Actor,
    action: AuditAction,
    subject: str,
    before: Any = None,
    after: Any = None,
) -> AuditEntry:
    """Add an entry within the caller's transaction and return it.

    Args:
        connection: in a transaction; the entry is there if and only if it commits.
        actor: who acts.
        action: what was done, from the bounded list.
        subject: to what or whom: a name or an id.
        before: the subject as it was, as JSON would hold it; only its hash is kept. None: nothing.
        after: the subject as it is now.

    Raises:
        RuntimeError: there is no transaction.
        SessionEnded: the actor's session is no more; the caller's transaction must not commit.
    """
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise RuntimeError("an audit entry is written in the transaction of what it tells")
    # Before the lock: who ends a session holds its row and then waits for the lock.
    await hold_session(connection, actor)
    await connection.execute(DURABLE)
    await connection.execute(LOCK, (ADVISORY_LOCK,))
    head = await read_head(connection)
    fact = AuditFact(
        actor_kind=actor.kind,
        actor=actor.name,
        action=action,
        subject=subject,
        at_ms=await read_clock(connection),
        before_sha256=digest(before),
        after_sha256=digest(after),
        request_id=actor.request_id,
        source=actor.source,
    )
    entry = follow(head, fact)
    await connection.execute(INSERT, entry.model_dump())
    metrics.AUDIT_ENTRIES.labels(actor.kind).inc()
    return entry


async def read_clock(connection: Connection) -> int:
    """Return the time of the database, the one that entries have."""
    row = await (await connection.execute(CLOCK)).fetchone()
    assert row is not None
    return int(row[0])


async def hold_session(connection: Connection, actor: Actor) -> None:
    """Keep the actor's session, if it acts in one, from ending until the transaction does.

    Who may act is decided when a request begins; its body, or a hash, may take seconds more. Either
    the session's end waits for the change, or the change finds that there is no session.

    Raises:
        SessionEnded: see ``append``.
    """
    if actor.session_sha256 is None:
        return
    held = await connection.execute(HOLD_SESSION, (actor.session_sha256,))
    if await held.fetchone() is None:
        raise SessionEnded(f"the session of {actor.name!r} has ended")


async def read_head(connection: Connection) -> Head:
    """Return the last entry's number and hash."""
    row = await (await connection.execute(LAST)).fetchone()
    return EMPTY if row is None else Head(*row)


async def read_after(connection: Connection, sequence: int, limit: int) -> list[AuditEntry]:
    """Return up to ``limit`` entries after ``sequence``, oldest first."""
    async with connection.cursor(row_factory=class_row(AuditEntry)) as cursor:
        return await (await cursor.execute(AFTER, (sequence, limit))).fetchall()


async def read_marked(connection: Connection) -> int | None:
    """Return the number of the last entry that is known to be in the topic.

    None: somebody removed the row that says it.
    """
    row = await (await connection.execute(MARKED)).fetchone()
    return None if row is None else int(row[0])


class AuditTrail:
    """Reads the trail."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, wanted: Filter, limit: int) -> list[AuditEntry]:
        """Return up to ``limit`` entries that the filter lets through, newest first."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(AuditEntry)) as cursor,
        ):
            await cursor.execute(PAGE, {**wanted._asdict(), "limit": limit})
            return await cursor.fetchall()

    async def entries(self) -> AsyncIterator[list[AuditEntry]]:
        """Yield all entries, oldest first, in batches."""
        last = 0
        while True:
            async with self._pool.connection() as connection:
                batch = await read_after(connection, last, READ_ROWS)
            if not batch:
                return
            yield batch
            last = batch[-1].sequence

    async def marked(self) -> tuple[int | None, int]:
        """Return what ``read_marked`` does, and the time of the database just before."""
        async with self._pool.connection() as connection:
            now_ms = await read_clock(connection)
            return await read_marked(connection), now_ms
