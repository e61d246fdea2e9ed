"""Dead letters -> their source topics again: the original bytes, acknowledged, then the row marked.

The rows are locked while their records are on the way, so two who redrive the same ones at once
send each once. If this process dies before the rows are marked they stay open, and a second redrive
sends the records once more: consumers know their event ids, so nothing takes effect twice. The
audit trail has an entry of all letters before the first is sent, and one of each few that are
marked, in the transaction that marks them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from domain.dead_letters import (
    Header,
    LetterError,
    redrive_headers,
    unpack_headers,
    with_mapper,
)
from infra.kafka.cluster import Cluster, open_producer
from infra.kafka.producer import KafkaUnavailable
from infra.kafka.sizes import BATCH_BYTES_MAX, LETTER_REQUEST_BYTES_MAX, RECORD_OVERHEAD_BYTES
from infra.postgres.audit import Actor
from infra.postgres.dead_letters import (
    REDRIVEN,
    Change,
    DeadLetter,
    WholeLetter,
    announce,
    claim,
    mark,
)
from infra.postgres.pool import Pool
from topics.catalog import CATALOG

AT_ONCE = 25  # letters of one transaction: bounds memory, and what a crash makes be sent again

SOURCES = {topic.name: topic for topic in CATALOG if topic.dead_letter}


class Refused(NamedTuple):
    """A letter that stays open, and why."""

    letter: DeadLetter
    why: str


class Outcome(NamedTuple):
    """What became of some letters; those that were not open are in neither list."""

    redriven: list[DeadLetter]
    refused: list[Refused]


class Prepared(NamedTuple):
    """The record that a letter becomes; its partition is the letter's."""

    letter: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: list[Header]


class Redriver:
    """Redrives letters through a started ``AIOKafkaProducer``."""

    def __init__(self, pool: Pool, client: Any, clock_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._client = client
        self._clock_ms = clock_ms

    async def redrive(
        self, actor: Actor, letter_ids: Sequence[int], *, mapper: str | None = None
    ) -> AsyncIterator[Outcome]:
        """Redrive the open ones of ``letter_ids``; yield what became of each few, when it is kept.

        Args:
            actor: who does it: remembered with each letter, and in the audit trail.
            letter_ids: rows; those that are not open are left alone.
            mapper: write webhooks anew with this mapper, else the bytes are the original ones.

        Raises:
            KafkaError: a record was not acknowledged; its letter is open still, and those whose
                records were acknowledged are marked.
            SessionEnded: the actor's session is no more; nothing was sent.
        """
        await announce(self._pool, actor, letter_ids)
        actor = actor.without_session()  # what was sent is marked, whatever becomes of the session
        for first in range(0, len(letter_ids), AT_ONCE):
            yield await self._redrive_few(actor, letter_ids[first : first + AT_ONCE], mapper)

    async def _redrive_few(
        self, actor: Actor, letter_ids: Sequence[int], mapper: str | None
    ) -> Outcome:
        prepared: list[Prepared] = []
        refused: list[Refused] = []
        async with self._pool.connection() as connection, connection.transaction():
            for whole in await claim(connection, letter_ids):
                try:
                    prepared.append(prepare(whole, mapper))
                except LetterError as error:
                    refused.append(Refused(whole.letter, str(error)))
            errors = await self._produce(prepared)
            done = [each.letter for each in prepared if each.letter.letter_id not in errors]
            change = Change(REDRIVEN, self._clock_ms(), actor, note_of(mapper))
            await mark(connection, [each.letter_id for each in done], change)
        if errors:
            raise next(iter(errors.values()))
        return Outcome(done, refused)

    async def _produce(self, prepared: Sequence[Prepared]) -> dict[int, Exception]:
        """Send records, wait for all of them; return the errors by letter id."""
        waiting: dict[int, Awaitable[Any]] = {}
        errors: dict[int, Exception] = {}
        for each in prepared:
            try:
                waiting[each.letter.letter_id] = await self._send(each)
            except Exception as error:
                errors[each.letter.letter_id] = error
        for letter_id, acknowledgement in waiting.items():
            try:
                await acknowledgement
            except Exception as error:
                errors[letter_id] = error
        return errors

    async def _send(self, record: Prepared) -> Awaitable[Any]:
        topic, partition = record.letter.source_topic, record.letter.source_partition
        sent: Awaitable[Any]
        if record.key is None and record.value is None:  # the client's send refuses it
            batch = self._client.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=record.headers)
            sent = await self._client.send_batch(batch, topic, partition=partition)
        else:
            sent = await self._client.send(
                topic, record.value, record.key, partition, headers=record.headers
            )
        return sent


def prepare(whole: WholeLetter, mapper: str | None) -> Prepared:
    """Return the record that a letter becomes.

    Raises:
        LetterError: its topic is not one that has dead letters, its bytes cannot be given another
            mapper, or they are too many for the topic.
    """
    letter = whole.letter
    spec = SOURCES.get(letter.source_topic)
    if spec is None:
        raise LetterError(f"{letter.source_topic} is no topic of this version")
    value, before = whole.value, None
    if mapper is not None:
        value, before = with_mapper(value, mapper)
    headers = redrive_headers(unpack_headers(whole.headers), before)
    size = len(whole.key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
    size += sum(len(name) + len(text or b"") for name, text in headers)
    if size > spec.message_bytes_max:
        raise LetterError(f"would have {size} bytes; {spec.name} takes {spec.message_bytes_max}")
    return Prepared(letter, whole.key, value, headers)


def note_of(mapper: str | None) -> str | None:
    """Return what is remembered of a redrive that changed bytes."""
    return None if mapper is None else f"mapper {mapper}"


@asynccontextmanager
async def open_redriver(
    cluster: Cluster, pool: Pool, clock_ms: Callable[[], int]
) -> AsyncIterator[Redriver]:
    """Open a redriver with a producer of its own.

    Raises:
        KafkaUnreachable: no broker takes the producer.
    """
    async with open_producer(
        cluster,
        acks="all",
        enable_idempotence=True,
        max_request_size=LETTER_REQUEST_BYTES_MAX,
        max_batch_size=BATCH_BYTES_MAX,
    ) as client:
        yield Redriver(pool, client, clock_ms)


class RedriveOnDemand:
    """Redrives a few letters at a time, each time through a producer of its own.

    For processes that seldom do it. A producer that failed has no future here: its sequence numbers
    no longer fit, so the next call begins anew.
    """

    def __init__(self, cluster: Cluster, pool: Pool, clock_ms: Callable[[], int]) -> None:
        self._cluster = cluster
        self._pool = pool
        self._clock_ms = clock_ms

    async def redrive(
        self, actor: Actor, letter_ids: Sequence[int], *, mapper: str | None = None
    ) -> Outcome:
        """Redrive the open ones of ``letter_ids`` and return what became of all.

        Raises:
            KafkaUnavailable: a record was not acknowledged; what was before it is redriven, and
                the letters say which.
        """
        whole = Outcome([], [])
        try:
            async with open_redriver(self._cluster, self._pool, self._clock_ms) as redriver:
                async for outcome in redriver.redrive(actor, letter_ids, mapper=mapper):
                    whole.redriven.extend(outcome.redriven)
                    whole.refused.extend(outcome.refused)
        except KafkaError as error:
            raise KafkaUnavailable(f"redrive: {type(error).__name__}") from error
        return whole
