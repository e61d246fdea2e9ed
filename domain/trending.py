"""Trending: unique viewers per title, region and hour, decayed by age. Event time only.

One shard (user partition) counts viewers in hourly buckets, exactly. A partial is a pure function
of the buckets and the shard's watermark (its newest event time); readers add partials up. A replay
gives the same list.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from schemas.trending import TrendingEntry, TrendingPartial

HOUR_MS = 3_600_000
WINDOW_HOURS = 7 * 24
ENTRIES_MAX = 2000  # per partial, best first: a title below this in every shard is not trending
NO_REGION = "ZZ"
DECIMALS = 9  # of scores
SCORE_MIN = 1e-9  # what decayed below it does not trend any more
_BUCKET = struct.Struct(">II")  # hour since 1970, viewers
_START = struct.Struct(">I2sB")  # hour since 1970, region, length of the content id that follows

Buckets = dict[int, int]


def oldest_hour(watermark_ms: int) -> int:
    """Return the first hour (since 1970) that the window behind the watermark still holds."""
    return watermark_ms // HOUR_MS - WINDOW_HOURS + 1


def encode_buckets(buckets: Mapping[int, int]) -> bytes:
    """Pack buckets, oldest first: equal buckets are equal bytes."""
    return b"".join(_BUCKET.pack(hour, viewers) for hour, viewers in sorted(buckets.items()))


def decode_buckets(value: bytes) -> Buckets:
    """Return the buckets that ``encode_buckets`` packed."""
    return dict(_BUCKET.iter_unpack(value))


class Start(NamedTuple):
    """One viewer counted for one title."""

    hour: int  # since 1970
    content_id: str
    region: str


def encode_starts(starts: Iterable[Start]) -> bytes:
    """Pack the starts of one viewer, oldest first: equal starts are equal bytes."""
    return b"".join(
        _START.pack(start.hour, start.region.encode(), len(start.content_id))
        + start.content_id.encode()
        for start in sorted(starts)
    )


def decode_starts(value: bytes) -> list[Start]:
    """Return the starts that ``encode_starts`` packed."""
    starts, place = [], 0
    while place < len(value):
        hour, region, length = _START.unpack_from(value, place)
        place += _START.size + length
        starts.append(Start(hour, value[place - length : place].decode(), region.decode()))
    return starts


def oldest_start(value: bytes) -> int:
    """Return the hour of the oldest start in packed starts (not empty)."""
    return int.from_bytes(value[:4], "big")


def score(buckets: Mapping[int, int], as_of_ms: int, half_life_ms: int) -> float:
    """Return the sum of 2^(-age / half-life) over viewers; the age counts from the hour's start."""
    return sum(
        viewers * math.exp2((hour * HOUR_MS - as_of_ms) / half_life_ms)
        for hour, viewers in sorted(buckets.items())
    )


def partial(
    shard: str,
    counts: Mapping[tuple[str, str], Mapping[int, int]],
    watermark_ms: int,
    half_life_ms: int,
) -> TrendingPartial:
    """Return the shard's part: the best ``ENTRIES_MAX`` pairs, ties by title and region."""
    hours = {hour for buckets in counts.values() for hour in buckets}
    worth = {hour: score({hour: 1}, watermark_ms, half_life_ms) for hour in hours}  # of one viewer
    scored = []
    for key, buckets in counts.items():
        total = sum([viewers * worth[hour] for hour, viewers in sorted(buckets.items())])
        scored.append((-round(total, DECIMALS), *key, sum(buckets.values())))
    return TrendingPartial(
        shard=shard,
        as_of_ms=watermark_ms,
        half_life_ms=half_life_ms,
        entries=tuple(
            TrendingEntry(content_id=content_id, region=region, score=-negative, viewers=viewers)
            for negative, content_id, region, viewers in sorted(scored)[:ENTRIES_MAX]
        ),
    )


class TrendingTitle(NamedTuple):
    """One title of the merged list."""

    content_id: str
    score: float
    viewers: int


def newest_as_of_ms(partials: Iterable[TrendingPartial]) -> int:
    """Return the newest watermark of all parts; 0 when there are none."""
    return max((part.as_of_ms for part in partials), default=0)


def merge(
    partials: Iterable[TrendingPartial],
    *,
    limit: int,
    region: str | None = None,
    keep: Callable[[str], bool] | None = None,
    as_of_ms: int | None = None,
) -> list[TrendingTitle]:
    """Add partials up, each decayed to one common time.

    Args:
        partials: one per shard, in any order; the result does not depend on it.
        limit: titles returned at most.
        region: only viewers of this region; None adds all regions.
        keep: only titles for which it is true (a genre, the catalogue); None keeps all.
        as_of_ms: the common time; None takes the newest watermark.

    Returns:
        Titles by score, best first, ties by content id; none that decayed below ``SCORE_MIN``.
    """
    parts = sorted(partials, key=lambda part: part.shard)
    common_ms = newest_as_of_ms(parts) if as_of_ms is None else as_of_ms
    totals: dict[str, tuple[float, int]] = {}
    for part in parts:
        decay = math.exp2(-max(0, common_ms - part.as_of_ms) / part.half_life_ms)
        for entry in part.entries:
            if region is None or entry.region == region:
                held, viewers = totals.get(entry.content_id, (0.0, 0))
                totals[entry.content_id] = (held + entry.score * decay, viewers + entry.viewers)
    titles = [
        TrendingTitle(content_id, round(total, DECIMALS), viewers)
        for content_id, (total, viewers) in totals.items()
        if total >= SCORE_MIN and (keep is None or keep(content_id))
    ]
    return sorted(titles, key=lambda title: (-title.score, title.content_id))[:limit]
