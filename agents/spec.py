"""What an agent is, as data: no Faust, no Kafka, no clock.

A ``StreamAgent`` turns batches of one topic into table writes and emitted records. A ``SinkAgent``
hands batches to an awaited writer (Postgres). A ``FitAgent`` follows topics and refits a model. The
runtime (``agents.runtime``) is the only code that runs them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from domain.dead_letters import Header
from infra.settings import Settings
from topics.spec import TopicSpec, changelog_name


class Record(NamedTuple):
    """One consumed record: raw bytes and where they came from.

    ``headers`` are there for records of an agent's own source, not of replicated topics.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class Emit(NamedTuple):
    """One record to produce.

    ``partition`` None: by the key's hash (murmur2, as in Java). ``timestamp_ms`` None: now; a step
    that derives a record from another may pass on when the first one was accepted.
    """

    topic: TopicSpec
    key: bytes
    value: bytes | None
    partition: int | None
    timestamp_ms: int | None = None


class Reject(NamedTuple):
    """One record that cannot be processed: it goes to the dead letter with its bytes intact."""

    record: Record
    reason: str  # bounded set, a metric label: "decode", "rule", "step"
    detail: str  # for people: which field, why; at most 1 kB is kept


@dataclass(slots=True)
class Outcome:
    """What a step decided. ``applied + deduplicated + len(rejects)`` equals the records given."""

    emits: list[Emit] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    applied: int = 0
    deduplicated: int = 0


class TableView(Protocol):
    """One partition of an agent's table: encoded bytes by key. Reads never create anything."""

    def get(self, key: str) -> bytes | None:
        """Return the value of ``key`` or None."""

    def put(self, key: str, value: bytes) -> None:
        """Set ``key``; visible to later reads at once, in the changelog before the next commit."""

    def delete(self, key: str) -> None:
        """Remove ``key`` and leave a tombstone in the changelog."""

    def keys(self) -> Sequence[str]:
        """All keys of this partition, in no particular order."""


class Step(Protocol):
    """The work of a stream agent.

    ``on_batch`` must be a function of the records and the table: if it raises, its table writes are
    discarded and it is called again record by record, and the one that raises is dead-lettered. So
    anything it keeps in memory besides the table must be a cache that may be lost.
    """

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Process one batch of one partition, in offset order."""

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Called every ``tick_s`` with the owned partitions; may return records to produce."""

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in records of a replicated topic (``replicas``), in offset order per partition.

        Called with the whole topic before the first batch, then as records arrive.
        """

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Forget everything cached about partitions that now belong to another worker."""


class BaseStep:
    """Defaults for the parts of ``Step`` that an agent does not need."""

    def on_tick(self, tables: Mapping[int, TableView], now_ms: int) -> list[Emit]:
        """Emit nothing."""
        return []

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """No replicated topics."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Nothing cached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamAgent:
    """source -> step (+ table) -> emits.

    With ``gather_ms`` the broker may wait that long for more records before it sends some: for an
    agent that nobody waits for, a few large batches in place of many small ones.
    """

    name: str
    source: TopicSpec
    table: str | None
    emits: tuple[TopicSpec, ...]
    replicas: tuple[TopicSpec, ...] = ()
    tick_s: float | None = None
    gather_ms: int = 0
    table_version: int = 1  # bump when the encoded state format changes: the agent starts afresh
    create_step: Callable[[Settings], Step]

    @property
    def changelog(self) -> str:
        """Name of the table's changelog topic.

        Raises:
            ValueError: the agent has no table.
        """
        if self.table is None:
            raise ValueError(f"{self.name} has no table")
        return changelog_name(self.name, self.table, self.table_version)


Flush = Callable[..., Awaitable[Sequence[Reject]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SinkAgent:
    """source -> awaited batch writer. ``flush(pool, records)`` writes one batch in one transaction.

    ``pool`` is a ``psycopg_pool.AsyncConnectionPool``. A raised exception stops the worker; the
    batch is redelivered. A record it returns as a reject stops the worker too: sinks read our own
    topics. ``gather_ms`` as in ``StreamAgent``. Where rows belong to users (``by_user``), ``flush``
    takes ``pseudonyms`` as well, to recognise rows of users who were erased.
    """

    name: str
    source: TopicSpec
    flush: Flush
    gather_ms: int = 0
    by_user: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FitAgent:
    """Replicated sources -> periodic fit in a separate process -> emits (whole new version).

    ``interval_s`` says how much time passes at least between the starts of two fits; with 0 a fit
    follows as soon as there is work. ``niceness`` (0 to 19) lowers the priority of its process.
    """

    name: str
    sources: tuple[TopicSpec, ...]
    emits: tuple[TopicSpec, ...]
    interval_s: Callable[[Settings], float]
    create_fitter: Callable[[Settings], "Fitter"]
    niceness: int = 0


class Fitter(Protocol):
    """Collects the input of a model and says what to fit; the fit runs in another process."""

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in records of a source topic."""

    def changed(self) -> bool:
        """Whether anything arrived since the last ``job``."""

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return a picklable function and its arguments; the runtime runs it in a process pool."""

    def on_fitted(self, result: Any) -> list[Emit]:
        """Turn the result into records; unchanged rows are not emitted again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowAgent:
    """Replicated sources -> state in memory, made again at every start -> emits, tick by tick.

    One process holds it all, so there must be one of it. The first tick comes when the sources were
    read whole.
    """

    name: str
    sources: tuple[TopicSpec, ...]
    emits: tuple[TopicSpec, ...]
    tick_s: float
    create_follower: Callable[[Settings], "Follower"]


class Follower(Protocol):
    """The work of a follow agent."""

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in records of a source topic, in offset order per partition; must be quick."""

    def on_tick(self, now_ms: int) -> list[Emit]:
        """Do a bounded amount of work; return records to produce."""

    def busy(self) -> bool:
        """Whether work is waiting: then the next tick follows at once."""


AgentSpec = StreamAgent | SinkAgent | FitAgent | FollowAgent
