"""dead-letter topics -> [dead-letters-*] -> Postgres rows that operators and partners work with.

One sink a topic. A row is named by where the record was, so a dead letter that is written or read
twice, also after a crash or a replay, is one row and keeps what was decided about it.
"""

from collections.abc import Sequence

from agents.spec import Record, Reject, SinkAgent
from domain.dead_letters import LetterError, identify, pack_headers, read_letter
from infra.postgres import dead_letters
from infra.postgres.pool import Pool
from infra.security.pseudonyms import WITHOUT_KEY, Pseudonyms
from topics.catalog import DEAD_LETTERS

KEY_FIELDS = {topic.name: topic.key for topic in DEAD_LETTERS}
GATHER_MS = 250  # nobody waits for a dead letter as for a slate


async def flush_dead_letters(
    pool: Pool, records: Sequence[Record], pseudonyms: Pseudonyms = WITHOUT_KEY
) -> Sequence[Reject]:
    """Write dead letters; what has not the headers of one is rejected."""
    rows: list[dead_letters.LetterRow] = []
    rejects: list[Reject] = []
    for record in records:
        try:
            rows.append(letter_row(record))
        except LetterError as error:
            rejects.append(Reject(record, "decode", str(error)))
    names = pseudonyms.pairs_of(row.user_id for row in rows if row.user_id is not None)
    async with pool.connection() as connection:
        await dead_letters.upsert(connection, rows, names)
    return rejects


def letter_row(record: Record) -> dead_letters.LetterRow:
    """Return the row of a dead letter; it failed when its letter was written.

    Raises:
        LetterError: the record has not the headers of a dead letter.
    """
    letter = read_letter(record.headers)
    identity = identify(KEY_FIELDS[record.topic], record.key, record.value)
    return dead_letters.LetterRow(
        source_topic=letter.origin.topic,
        source_partition=letter.origin.partition,
        source_offset=letter.origin.offset,
        version=record.offset,
        agent=letter.failure.agent,
        reason=letter.failure.reason,
        detail=letter.failure.detail,
        failed_at_ms=record.timestamp_ms,
        **identity._asdict(),
        key=record.key,
        value=record.value,
        headers=pack_headers(record.headers),
        attempts=letter.attempts,
        first_offset=letter.first_offset,
    )


SPECS: tuple[SinkAgent, ...] = tuple(
    SinkAgent(
        name=reader, source=topic, flush=flush_dead_letters, gather_ms=GATHER_MS, by_user=True
    )
    for topic in DEAD_LETTERS
    for reader in topic.readers
)
