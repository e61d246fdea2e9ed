"""Replicated records -> the content side: contents, trending, rows, statistics."""

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
import orjson

from agents.spec import Record
from domain.ranking.statistics import NO_STATISTICS, TitleStatistics
from domain.slate_index import COWATCH, EMBEDDING, NEXT, TOGETHER, ContentSide
from schemas.codec import decode
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.trending import TrendingPartial
from topics import catalog
from topics.spec import TopicSpec

ROWS_PER_TICK = 200  # a refit's burst is taken in over many ticks, beside the hot path
REBUILD_INTERVAL_MS = 2500  # partials arrive every few seconds
TABLE_OF = {
    catalog.NEIGHBOURS.name: COWATCH,
    catalog.TOGETHER.name: TOGETHER,
    catalog.NEXT_TITLES.name: NEXT,
    catalog.EMBEDDING_NEIGHBOURS.name: EMBEDDING,
}


def key_of(record: Record) -> str:
    """Return the key of a record.

    Raises:
        ValueError: it has none.
    """
    if record.key is None:
        raise ValueError(f"{record.topic}/{record.partition}@{record.offset} has no key")
    return record.key.decode()


def put_content(content: ContentSide, record: Record) -> None:
    """Take in one content or its tombstone."""
    if record.value is None:
        content.remove_content(key_of(record))
    else:
        content.put_content(decode(Content, record.value))


def put_row(content: ContentSide, table: str, record: Record) -> None:
    """Take in one row of a table or its tombstone."""
    if record.value is None:
        content.remove_row(table, key_of(record))
        return
    # Not through the codec: models for a refit's million weights would take seconds.
    row = orjson.loads(record.value)
    neighbours = row["neighbours"]
    weights = np.array([each["weight"] for each in neighbours], dtype=np.float64)
    ids = [each["content_id"] for each in neighbours]
    if table == EMBEDDING:
        content.put_pairs(row["content_id"], row["model_version"], ids, weights)
        return
    content.put_row(table, row["content_id"], ids, weights)
    if table == COWATCH:
        content.model_version = max(content.model_version, row["model_version"])


def put_statistics(content: ContentSide, record: Record) -> None:
    """Take in the statistics of one title; with a tombstone nobody watched it."""
    title = content.index_of(key_of(record))
    if record.value is None:
        content.statistics.put(title, NO_STATISTICS)
        return
    row = orjson.loads(record.value)
    del row["content_id"]
    decayed = tuple(row.pop("decayed"))
    content.statistics.put(title, TitleStatistics(decayed=decayed, **row))


def put_trending(content: ContentSide, record: Record) -> None:
    """Take in one partial of trending or its tombstone; visible after a rebuild."""
    if record.value is None:
        content.remove_trending(key_of(record))
    else:
        content.put_trending(decode(TrendingPartial, record.value))


def put_rule(content: ContentSide, record: Record) -> None:
    """Take in one ranking rule or its tombstone; the next slate knows."""
    if record.value is None:
        content.ranking_rules.remove(key_of(record))
    else:
        content.ranking_rules.put(decode(RankingRule, record.value))


class ContentIntake:
    """Brings replicated records into the content side without holding up the hot path.

    A refit sends thousands of rows at once: they wait undecoded, and a few are taken in per tick.
    What is the same for all viewers is computed anew every few seconds at most: ``rebuild`` is
    called then.
    """

    def __init__(self, content: ContentSide, rebuild: Callable[[], None]) -> None:
        self._content = content
        self._rebuild = rebuild
        self._rows: deque[Record] = deque()
        self._changed = False
        self._rebuilt_at_ms: int | None = None

    def add(self, topic: TopicSpec, records: Iterable[Record]) -> None:
        """Take records of one topic; contents count at once."""
        self._changed = True
        if topic.name in TABLE_OF:
            self._rows.extend(records)
            return
        for record in records:
            if topic == catalog.CONTENTS:
                put_content(self._content, record)
            elif topic == catalog.TITLE_STATISTICS:
                put_statistics(self._content, record)
            else:
                put_trending(self._content, record)

    def work(self, now_ms: int) -> None:
        """Take in a few waiting rows; rebuild what is stale and due.

        The first call takes in everything: before it there is no model to go on with.
        """
        first = self._rebuilt_at_ms is None
        count = len(self._rows) if first else ROWS_PER_TICK
        for _ in range(min(count, len(self._rows))):
            record = self._rows.popleft()
            put_row(self._content, TABLE_OF[record.topic], record)
        if self._rebuilt_at_ms is not None and now_ms - self._rebuilt_at_ms < REBUILD_INTERVAL_MS:
            return
        self._rebuilt_at_ms = now_ms
        if self._changed:
            self._changed = False
            self._content.rebuild_trending()
            self._rebuild()
