"""What a search of a topic takes for removed: a value that a tombstone replaced."""

from typing import NamedTuple

import pytest

from infra.kafka.admin import ActualTopic
from infra.privacy.topics import search_topic
from infra.privacy.words import Word
from infra.replay.snapshot import Bounds

CONFIG = {
    "cleanup.policy": "compact", "retention.ms": "-1", "max.compaction.lag.ms": "1000",
    "segment.ms": "1000", "delete.retention.ms": "1000",
}  # fmt: skip


class Record(NamedTuple):
    key: bytes
    value: bytes | None
    offset: int
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def timestamp(self) -> int:
        return 1000 + self.offset


class OnePartition:
    """A topic that is a list of records."""

    def __init__(self, *records: tuple[bytes, bytes | None]) -> None:
        self._records = [Record(*pair, offset) for offset, pair in enumerate(records)]

    async def bounds(self, topic, partitions):
        return Bounds(topic, {0: 0}, {0: len(self._records)})

    async def records(self, bounds, partition):
        yield self._records


KEY, OTHER = b"user-1|a", b"user-1|b"


@pytest.mark.parametrize(
    ("records", "offsets"),
    [
        ([(KEY, b"{}"), (KEY, None)], [1]),
        ([(KEY, b"{}"), (OTHER, b"{}"), (KEY, b"{}"), (KEY, None), (OTHER, None)], [3, 4]),
        ([(KEY, b"{}"), (KEY, None), (KEY, None)], [1]),
        ([(KEY, b"{}"), (KEY, None), (KEY, b"{}")], [1]),
        ([(KEY, b"{}"), (KEY, None), (KEY, b"{}"), (KEY, None)], [1, 3]),
        ([(KEY, None)], []),  # nobody knew the user
        ([(KEY, b"{}"), (OTHER, None)], []),
    ],
)
async def test_a_tombstone_removes_where_a_value_was(records, offsets):
    topic = ActualTopic("t", 1, 1, CONFIG)
    found = await search_topic(OnePartition(*records), topic, Word("user-1"))
    assert [each.offset for each in found.removals] == offsets
    assert all(each.is_tombstone for each in found.removals)


async def test_a_record_is_the_users_when_its_key_begins_with_the_id():
    topic = ActualTopic("t", 1, 1, CONFIG)
    records = [(b"user-1", b"x"), (KEY, b"x"), (b"user-2|user-1", b"x"), (b"b", b"user-1")]
    found = await search_topic(OnePartition(*records, (b"b", None)), topic, Word("user-1"))
    assert [(each.offset, each.own) for each in found.live] == [(0, True), (1, True), (2, False)]
    assert found.removals == []
