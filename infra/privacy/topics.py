"""Every record of every topic that holds a user id, and what becomes of it.

Only records that name the id are kept in memory, so a topic of any size can be searched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from infra.kafka.admin import ActualTopic
from infra.privacy.retention import Limits, limits_of
from infra.privacy.words import Word
from infra.replay.snapshot import Snapshots

Advance = Callable[[int], object]


class Seen(NamedTuple):
    """One record that names the id; ``own``: its key begins with the id, so it is the user's."""

    partition: int
    offset: int
    at_ms: int
    is_tombstone: bool
    own: bool = True


@dataclass(slots=True)
class TopicFinding:
    """What one topic holds of the id.

    Attributes:
        topic: its name.
        limits: its configuration.
        live: newest records of their keys, with a value; all records of a topic that is not
            compacted.
        superseded: records that a newer one of their key replaced; compaction removes them.
        tombstones: newest records of their keys, without a value.
        removals: tombstones of the user, superseded or not, that replaced a value.
        replaced_at_ms: when the newest record came that replaces a superseded one.
    """

    topic: str
    limits: Limits
    live: list[Seen] = field(default_factory=list)
    superseded: list[Seen] = field(default_factory=list)
    tombstones: list[Seen] = field(default_factory=list)
    removals: list[Seen] = field(default_factory=list)
    replaced_at_ms: int = 0

    @property
    def records(self) -> int:
        """All records that were found."""
        return len(self.live) + len(self.superseded) + len(self.tombstones)

    def gone_by(self) -> int | None:
        """Return when everything found but live state is gone; None: nothing limits it."""
        limits = self.limits
        if not limits.compacted:
            return limits.deleted_by(max((each.at_ms for each in self.live), default=0))
        times = [limits.compacted_by(self.replaced_at_ms)] if self.superseded else []
        times += [limits.tombstone_gone_by(each.at_ms) for each in self.tombstones]
        known = [each for each in times if each is not None]
        return max(known, default=0) if len(known) == len(times) else None


async def search_topic(
    snapshots: Snapshots,
    topic: ActualTopic,
    word: Word,
    partitions: Sequence[int] | None = None,
    advance: Advance = lambda count: None,
) -> TopicFinding:
    """Search the records of a topic as it is now: keys, values and headers.

    Args:
        snapshots: reads it.
        topic: as it is in the cluster.
        word: the id.
        partitions: only these; None: all.
        advance: is told how many records were looked at.
    """
    finding = TopicFinding(topic.name, limits_of(topic.config))
    bounds = await snapshots.bounds(topic.name, topic.partitions)
    for partition in range(topic.partitions) if partitions is None else partitions:
        newest: dict[bytes, Seen] = {}
        async for records in snapshots.records(bounds, partition):
            for record in records:
                _look(record, word, newest, finding)
            advance(len(records))
        for seen in newest.values():
            (finding.tombstones if seen.is_tombstone else finding.live).append(seen)
    return finding


def _look(record: Any, word: Word, newest: dict[bytes, Seen], finding: TopicFinding) -> None:
    """Take one record in. ``newest`` has the newest record of each key that names the id."""
    key = record.key or b""
    named = word.is_in(key) or word.is_in(record.value)
    named = named or any(word.is_in(value) for _, value in record.headers)
    before = newest.pop(key, None) if finding.limits.compacted else None
    if before is not None:
        finding.superseded.append(before)
        finding.replaced_at_ms = max(finding.replaced_at_ms, record.timestamp)
    if not named:
        return
    own = word.begins(key)
    seen = Seen(record.partition, record.offset, record.timestamp, record.value is None, own)
    if own and seen.is_tombstone and before is not None and not before.is_tombstone:
        finding.removals.append(seen)
    if finding.limits.compacted:
        newest[key] = seen
    else:
        finding.live.append(seen)
