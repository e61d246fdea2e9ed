"""playback.progress-events -> [watch-states] -> playback.watch-states, playback.interactions.

The table ``watch-ledger`` holds one bytes value a user (``domain.watch.ledger``). A redelivered
record is recognised by its offset, a repeated event by its fingerprint; late ones merge like any
other.
"""

from collections.abc import Sequence

from agents.spec import BaseStep, Emit, Outcome, Record, Reject, StreamAgent, TableView
from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from domain.watch.reports import RuleError
from domain.watch.title import Title
from domain.watch.view import Stamp, watch_state_bytes
from infra.settings import Settings
from schemas.codec import DecodeError, decode
from schemas.progress import PROGRESS_BYTES_MAX, ProgressEvent
from topics.catalog import INTERACTIONS, PROGRESS, WATCH_STATES

TABLE = "watch-ledger"
_new = tuple.__new__  # a third of the time of calling the class, which matters per event


class WatchStatesStep(BaseStep):
    """Applies batches of progress events to user ledgers; keeps nothing between batches."""

    def __init__(self, abandoned_days: int) -> None:
        self._abandoned_days = abandoned_days

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Apply one batch; each touched title is emitted once, as its last event left it."""
        batch = _Batch(partition, table, self._abandoned_days)
        for record in records:
            try:
                batch.take(record, parse(record))
            except DecodeError as error:
                batch.outcome.rejects.append(Reject(record, "decode", str(error)))
            except RuleError as error:
                batch.outcome.rejects.append(Reject(record, "rule", str(error)))
        return batch.close()


class _Batch:
    """The work on one batch: ledgers opened so far, and what they will emit."""

    def __init__(self, partition: int, table: TableView, abandoned_days: int) -> None:
        self.outcome = Outcome()
        self._partition = partition
        self._table = table
        self._abandoned_days = abandoned_days
        self._ledgers: dict[str, UserLedger] = {}
        self._touched: dict[tuple[str, str], tuple[Title, Stamp]] = {}

    def take(self, record: Record, event: ProgressEvent) -> None:
        """Apply one event unless it was applied before."""
        user_id, content_id = event.user_id, event.content_id
        ledger = self._ledgers.get(user_id)
        if ledger is None:
            ledger = self._ledgers[user_id] = UserLedger(self._table.get(user_id))
        offset = record.offset
        if offset <= ledger.applied_offset:
            self.outcome.deduplicated += 1
            return
        changes = outcomes.apply(ledger, event, self._abandoned_days)
        ledger.applied_offset = offset
        if changes is None:
            self.outcome.deduplicated += 1
            return
        self.outcome.applied += 1
        if changes:
            ledger.interaction_offset = offset
            self._emit(record, event, changes)
        self._touched[user_id, content_id] = (
            ledger.title(content_id),
            _new(Stamp, (offset, ledger.interaction_offset, ledger.recent)),
        )

    def close(self) -> Outcome:
        """Write each ledger once and emit each touched title."""
        for user_id, ledger in self._ledgers.items():
            if ledger.is_changed():
                self._table.put(user_id, ledger.seal())
        emit, partition = self.outcome.emits.append, self._partition
        for (user_id, content_id), (title, stamp) in self._touched.items():
            value = watch_state_bytes(user_id, content_id, title, stamp)
            key = f"{user_id}|{content_id}".encode()
            emit(_new(Emit, (WATCH_STATES, key, value, partition, None)))
        return self.outcome

    def _emit(self, record: Record, event: ProgressEvent, changes: list[outcomes.Change]) -> None:
        key = event.user_id.encode()
        for ordinal, change in enumerate(changes):
            value = outcomes.interaction_bytes(event, change, record.offset, ordinal)
            emit = Emit(INTERACTIONS, key, value, self._partition, record.timestamp_ms)
            self.outcome.emits.append(emit)


def parse(record: Record) -> ProgressEvent:
    """Return the event of a record.

    Raises:
        DecodeError: too large, not JSON or not the schema.
        RuleError: the key is not the user, so the record may be in another user's partition.
    """
    value = record.value
    if value is not None and len(value) > PROGRESS_BYTES_MAX:
        raise DecodeError(f"value: {len(value)} bytes, at most {PROGRESS_BYTES_MAX} are accepted")
    event = decode(ProgressEvent, value)
    if record.key != event.user_id.encode():
        raise RuleError("key: is not the user_id of the event")
    return event


def create_step(settings: Settings) -> WatchStatesStep:
    """Create the step from settings."""
    return WatchStatesStep(settings.abandoned_row_days)


SPEC = StreamAgent(
    name="watch-states",
    source=PROGRESS,
    table=TABLE,
    emits=(WATCH_STATES, INTERACTIONS),
    create_step=create_step,
)
