"""Configuration of a topic -> when a record has left its files at the latest.

Both limits assume that records keep coming into the partition: Kafka closes a segment when the
first record after its time arrives, and only closed segments are compacted or deleted by age.
"""

from collections.abc import Mapping
from typing import NamedTuple

CHECK_MS = 5 * 60 * 1000  # log.retention.check.interval.ms, Kafka's default
FILE_DELETE_MS = 60 * 1000  # file.delete.delay.ms, Kafka's default


class Limits(NamedTuple):
    """What Kafka is told about one topic; None: no limit is set."""

    compacted: bool
    retention_ms: int | None
    segment_ms: int
    compaction_lag_ms: int | None
    tombstone_ms: int

    def deleted_by(self, at_ms: int) -> int | None:
        """Return when a record of that time has left a topic that deletes by age."""
        if self.retention_ms is None:
            return None
        return at_ms + self.segment_ms + self.retention_ms + CHECK_MS + FILE_DELETE_MS

    def compacted_by(self, superseded_at_ms: int) -> int | None:
        """Return when a record has gone after a newer one of its key came at that time."""
        if self.compaction_lag_ms is None:
            return None
        return superseded_at_ms + self.compaction_lag_ms + CHECK_MS + FILE_DELETE_MS

    def tombstone_gone_by(self, at_ms: int) -> int | None:
        """Return when a tombstone of that time has gone: two compactions and what is between."""
        first = self.compacted_by(at_ms)
        if first is None or self.compaction_lag_ms is None:
            return None
        return first + self.tombstone_ms + self.compaction_lag_ms


def limits_of(config: Mapping[str, str]) -> Limits:
    """Return the limits in a topic's effective configuration."""
    retention, lag = int(config["retention.ms"]), int(config["max.compaction.lag.ms"])
    return Limits(
        compacted="compact" in config["cleanup.policy"],
        retention_ms=None if retention < 0 else retention,
        segment_ms=int(config["segment.ms"]),
        compaction_lag_ms=None if lag >= 2**62 else lag,  # Kafka's default is the largest number
        tombstone_ms=int(config["delete.retention.ms"]),
    )
