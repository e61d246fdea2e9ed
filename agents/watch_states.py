"""playback.progress-events -> [watch-states] -> playback.watch-states, playback.interactions.

The table ``watch-ledger`` holds one bytes value a user (``domain.watch.ledger``). A redelivered
record is recognised by its offset, a repeated event by its fingerprint; late ones merge like any
other. The mark of an erasure deletes the user's value and takes back what was published; what is
left is the pseudonym with the time, by which later deliveries of older events are refused.
"""

from collections.abc import Sequence

from agents.erasures import Erasures
from agents.spec import BaseStep, Emit, Outcome, Record, Reject, StreamAgent, TableView
from domain.watch import outcomes
from domain.watch.erasure import Erasure
from domain.watch.ledger import UserLedger
from domain.watch.reports import RuleError
from domain.watch.title import Title
from domain.watch.view import Stamp, watch_state_bytes
from infra.metrics import ERASED_EVENTS
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings
from schemas.codec import DecodeError, decode
from schemas.progress import ALL_TITLES, PROGRESS_BYTES_MAX, ProgressEvent
from topics.catalog import INTERACTIONS, PROGRESS, WATCH_STATES

TABLE = "watch-ledger"
_new = tuple.__new__  # a third of the time of calling the class, which matters per event


class WatchStatesStep(BaseStep):
    """Applies batches of progress events to user ledgers; keeps only who was erased in memory."""

    def __init__(self, abandoned_days: int, pseudonyms: Pseudonyms) -> None:
        self._abandoned_days = abandoned_days
        self._pseudonyms = pseudonyms
        self._erasures: dict[int, Erasures] = {}  # a cache of the tables

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Apply one batch; each touched title is emitted once, as its last event left it."""
        if partition not in self._erasures:
            self._erasures[partition] = Erasures(table, self._pseudonyms)
        batch = _Batch(partition, table, self._abandoned_days, self._erasures[partition])
        for record in records:
            try:
                batch.take(record, parse(record))
            except DecodeError as error:
                batch.outcome.rejects.append(Reject(record, "decode", str(error)))
            except RuleError as error:
                batch.outcome.rejects.append(Reject(record, "rule", str(error)))
        return batch.close()

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Forget who was erased; the table knows."""
        for partition in partitions:
            self._erasures.pop(partition, None)


class _Batch:
    """The work on one batch: ledgers opened so far, and what they will emit."""

    def __init__(
        self, partition: int, table: TableView, abandoned_days: int, erasures: Erasures
    ) -> None:
        self.outcome = Outcome()
        self._partition = partition
        self._table = table
        self._abandoned_days = abandoned_days
        self._erasures = erasures
        self._erased: dict[str, Erasure] = {}  # of users of this batch
        self._ledgers: dict[str, UserLedger] = {}
        self._touched: dict[tuple[str, str], tuple[Title, Stamp]] = {}

    def take(self, record: Record, event: ProgressEvent) -> None:
        """Apply one event unless it was applied before."""
        user_id, content_id = event.user_id, event.content_id
        ledger = self._ledgers.get(user_id)
        if ledger is None:
            ledger = self._open(user_id)
        offset = record.offset
        if event.state == "erased":
            self._erase(record, event, ledger)
            return
        if offset <= ledger.applied_offset or (self._erased and self._refuses(record, event)):
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

    def _open(self, user_id: str) -> UserLedger:
        ledger = self._ledgers[user_id] = UserLedger(self._table.get(user_id))
        erasure = self._erasures.find(user_id)
        if erasure is not None:
            self._erased[user_id] = erasure
        return ledger

    def _refuses(self, record: Record, event: ProgressEvent) -> bool:
        """Whether an event is of the time before its user was erased."""
        erasure = self._erased.get(event.user_id)
        if erasure is None or erasure.admits(record.offset, event.occurred_at_ms):
            return False
        ERASED_EVENTS.labels("watch-states").inc()
        return True

    def _erase(self, record: Record, mark: ProgressEvent, ledger: UserLedger) -> None:
        """Forget a user; a mark that repeats an erasure takes back the title that it names."""
        user_id, offset = mark.user_id, record.offset
        if not self._erasures.knows(mark.device_id, user_id):
            raise RuleError(
                "device_id: not the user's pseudonym under MEDIA_GATEWAY_ERASURE_KEY of this worker"
            )
        self.outcome.applied += 1
        before = self._erased.get(user_id)
        if before is not None and offset < before.offset:
            return  # redelivered: a later erasure had its effect
        if before is None or mark.occurred_at_ms > before.erased_at_ms or offset == before.offset:
            if ledger.applied_offset < offset:
                self._take_back(user_id, ledger.content_ids())
                self._ledgers[user_id] = UserLedger(None)
            self._emit(record, mark, [outcomes.erased(mark)])
            self._erased[user_id] = Erasure(offset, mark.occurred_at_ms)
            self._erasures.put(self._table, mark.device_id, self._erased[user_id])
        # Beyond its limits a ledger forgets titles whose states stay published.
        if mark.content_id not in (ALL_TITLES, *self._ledgers[user_id].content_ids()):
            self._take_back(user_id, [mark.content_id])

    def _take_back(self, user_id: str, content_ids: Sequence[str]) -> None:
        """Emit tombstones at once: states of the same titles may follow in this batch."""
        for content_id in content_ids:
            self._touched.pop((user_id, content_id), None)
            key = f"{user_id}|{content_id}".encode()
            self.outcome.emits.append(Emit(WATCH_STATES, key, None, self._partition))

    def close(self) -> Outcome:
        """Write each ledger once and emit each touched title."""
        for user_id, ledger in self._ledgers.items():
            if ledger.is_changed():
                self._table.put(user_id, ledger.seal())
            elif user_id in self._erased and not ledger.is_known() and self._table.get(user_id):
                self._table.delete(user_id)
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
    return WatchStatesStep(settings.abandoned_row_days, Pseudonyms(settings.erasure_key))


SPEC = StreamAgent(
    name="watch-states",
    source=PROGRESS,
    table=TABLE,
    emits=(WATCH_STATES, INTERACTIONS),
    create_step=create_step,
)
