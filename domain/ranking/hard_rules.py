"""Hard rules: which titles may be shown in a region now, and to viewers of an age.

The answer for a region is a mask over all titles that is kept and corrected, never computed per
viewer: a title is looked at again when its content changes, and when one of its offers opens or
closes, to the millisecond.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.availability import FOREVER_MS, Offer, is_open, offers_of, unchanged_span
from domain.ranking.maturity import age_of
from schemas.content import Content

Flags = NDArray[np.bool_]


class _Facts(NamedTuple):
    """What the rules know of one title."""

    offers: tuple[Offer, ...]
    age: int


class _Mask:
    """The titles that may be shown in one region up to one age.

    It holds as it is from ``_since_ms`` until the first of ``_looks``.
    """

    def __init__(self, region: str | None, age_max: int) -> None:
        self._region, self._age_max = region, age_max
        self._flags = np.ones(1024, dtype=bool)
        self._now_ms = 0
        self._since_ms = FOREVER_MS
        self._looks: list[tuple[int, int]] = []  # heap of (when, title): it may change then
        self._next_ms: dict[int, int] = {}  # the newest of these by title: no look is noted twice

    def first(self, size: int) -> Flags:
        """Return the flags of the first ``size`` titles."""
        if size > len(self._flags):
            more = np.ones(max(size, 2 * len(self._flags)) - len(self._flags), dtype=bool)
            self._flags = np.concatenate([self._flags, more])
        return self._flags[:size]

    def look_at(self, title: int, facts: _Facts | None) -> None:
        """Decide on one title as of now, and note when to look again."""
        if facts is None:
            self.first(title + 1)[title] = True
            return
        suits = facts.age <= self._age_max
        self.first(title + 1)[title] = suits and is_open(facts.offers, self._region, self._now_ms)
        since_ms, next_ms = unchanged_span(facts.offers, self._now_ms)
        self._since_ms = max(self._since_ms, since_ms)
        if next_ms < FOREVER_MS and self._next_ms.get(title) != next_ms:
            self._next_ms[title] = next_ms
            heapq.heappush(self._looks, (next_ms, title))

    def move_to(self, now_ms: int, facts: dict[int, _Facts]) -> None:
        """Bring the mask to a time; at first, and back in time (a replay), look at all titles."""
        self._now_ms = now_ms
        if now_ms < self._since_ms:
            self._since_ms, self._looks, self._next_ms = -FOREVER_MS, [], {}
            for title, found in facts.items():
                self.look_at(title, found)
        while self._looks and self._looks[0][0] <= now_ms:
            title = heapq.heappop(self._looks)[1]
            self.look_at(title, facts.get(title))


class HardRules:
    """Availability and maturity of all titles; title = dense index."""

    def __init__(self) -> None:
        self._facts: dict[int, _Facts] = {}
        self._masks: dict[tuple[str | None, int], _Mask] = {}

    def put(self, title: int, content: Content | None) -> None:
        """Set what is known of a title; None: nothing, so nothing holds it back."""
        before = self._facts.pop(title, None)
        facts = None
        if content is not None:
            facts = _Facts(offers_of(content), age_of(content.maturity_rating))
            self._facts[title] = facts
        if facts != before:
            for mask in self._masks.values():
                mask.look_at(title, facts)

    def allowed(self, region: str | None, age_max: int, now_ms: int, size: int) -> Flags:
        """Return which of the first ``size`` titles may be shown; to be read at once, not kept.

        Args:
            region: of the viewer; without one an offer anywhere will do.
            age_max: titles for older viewers, or without a known rating, are out; 99: none is.
            now_ms: the moment.
            size: how many titles.
        """
        mask = self._masks.get((region, age_max))
        if mask is None:
            mask = self._masks[region, age_max] = _Mask(region, age_max)
        mask.move_to(now_ms, self._facts)
        return mask.first(size)
