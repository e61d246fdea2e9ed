"""One call of a step, guarded: what it cannot handle is rejected alone, and what Kafka refuses.

Used by the runner and by replays, so both decide alike.
"""

import logging
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.runtime.table import PartitionTable
from agents.spec import Outcome, Record, Reject
from infra.kafka.sizes import RECORD_OVERHEAD_BYTES

logger = logging.getLogger(__name__)

TABLE_VALUE_BYTES_MAX = 1024 * 1024  # of one key; the changelog takes 8 times as much


def run_step(
    step: Any, partition: int, records: Sequence[Record], table: PartitionTable, now: int
) -> Iterator[tuple[Sequence[Record], Outcome]]:
    """Yield (records, outcome): of all at once or, if the step raises, one record at a time.

    The caller keeps the table's writes before it asks for the next. A step never raises for bad
    input that it knows about. What it does not know about must neither stop the partition for ever
    nor disappear, so a single record that makes it raise is rejected with the error. Nothing of a
    failed call is kept.
    """
    try:
        outcome = checked(step.on_batch(partition, records, table, now), len(records))
        check_sizes(outcome, table)
    except Exception as error:
        table.discard()
        step.on_revoked([partition])  # whatever it cached may be half done
        if len(records) == 1:
            yield records, Outcome(rejects=[reject_of(records[0], error)])
            return
    else:
        yield records, outcome
        return
    for record in records:
        yield from run_step(step, partition, [record], table, now)


class TooLargeError(ValueError):
    """What a step wants to store or emit does not fit into a Kafka record."""


def reject_of(record: Record, error: Exception) -> Reject:
    """Return the reject of a record that alone makes the step fail."""
    if isinstance(error, TooLargeError):
        return Reject(record, "rule", str(error))
    logger.error("step failed on %s/%s@%s", *record[:3], exc_info=error)
    return Reject(record, "step", f"{where_of(error)}; the worker's log has the rest")


def where_of(error: Exception) -> str:
    """Return kind and place of an error, without its message: that may quote anybody's data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def check_sizes(outcome: Outcome, table: PartitionTable) -> None:
    """Refuse what Kafka would refuse later, when the record at fault could no longer be named.

    Raises:
        TooLargeError: an emitted record or a staged table value is too large.
    """
    for emit in outcome.emits:
        size = len(emit.key) + len(emit.value or b"")
        if size > emit.topic.message_bytes_max - RECORD_OVERHEAD_BYTES:
            raise TooLargeError(f"the record for {emit.topic.name} would have {size} bytes")
    size = table.largest_staged()
    if size > TABLE_VALUE_BYTES_MAX:
        raise TooLargeError(f"the state of one key would have {size} bytes")


def checked(outcome: Outcome, given: int) -> Outcome:
    """Return ``outcome`` if it accounts for every record given."""
    accounted = outcome.applied + outcome.deduplicated + len(outcome.rejects)
    if accounted != given:
        raise AssertionError(f"step accounted for {accounted} of {given} records")
    return outcome
