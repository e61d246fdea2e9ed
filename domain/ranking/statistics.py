"""What the stream knows of every title: viewers, likes, age, and popularity over several spans.

A title's popularity over a span is the number of its viewers, each decayed by age with the span's
half-life, in event time: ``sum of 2 ** (-(now - at) / half-life)``. One number per span is enough:
a viewer adds 1 after what was there has decayed to now. Adding viewers of equal times in another
order gives the same numbers; in general they agree to the last few bits of a float. Now is the
newest first engagement with any title. Who is taken out again (erasure) is taken out exactly: the
title is counted anew from the times of the others. Decayed counts are read rounded, so a process
that knows them from ``get`` has the same popularities as the one that counts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.times import DAY_MS

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
HALF_LIVES_DAYS = (1, 7, 30)
HALF_LIVES_MS = tuple(days * DAY_MS for days in HALF_LIVES_DAYS)
RATE_PRIOR = (2.0, 4.0)  # likes and viewers that a title is given before anybody saw it: rate 0.5
DECIMALS = 6  # of decayed counts where they are read
_UNIT = 10.0**DECIMALS
EXPONENT_MIN = -1000.0  # of a decay: smaller powers of 2 are no ordinary floats, and take long


class TitleStatistics(NamedTuple):
    """One title: ``viewers`` engaged with it, ``likes`` of them with full evidence.

    ``first_at_ms`` is when the first did; ``decayed`` are the popularities at ``as_of_ms``, one for
    each of ``HALF_LIVES_DAYS``.
    """

    viewers: int
    likes: int
    first_at_ms: int
    as_of_ms: int
    decayed: tuple[float, ...]


NO_STATISTICS = TitleStatistics(0, 0, 0, 0, (0.0,) * len(HALF_LIVES_MS))


class StatisticsTable:
    """Statistics of all titles as arrays that grow; title = dense index.

    What depends on the time is written ``into`` an array of the reader's, one number for each of
    the first titles: it is asked for at every lesson.
    """

    def __init__(self) -> None:
        self.viewers = np.zeros(1024)
        self.likes = np.zeros(1024)
        self.first_at_ms = np.zeros(1024)  # whole numbers, as floats: what is computed with them is
        self.as_of_ms = np.zeros(1024)
        self.decayed = np.zeros((len(HALF_LIVES_MS), 1024))
        self.rounded = self.decayed.copy()  # as they are read
        self.newest_at_ms = 0

    def add(self, title: int, at_ms: int, viewers: int, likes: int) -> None:
        """Count viewers (and likes, which may be taken back) of a title at a time."""
        self._grow(title + 1)
        if viewers > 0:
            if self.viewers[title] == 0 or at_ms < self.first_at_ms[title]:
                self.first_at_ms[title] = at_ms
            self._decay(title, at_ms)
            ages_ms = self.as_of_ms[title] - at_ms
            for span, half_life_ms in enumerate(HALF_LIVES_MS):
                self.decayed[span, title] += viewers * 2.0 ** (-ages_ms / half_life_ms)
            self._round(title)
            self.newest_at_ms = max(self.newest_at_ms, at_ms)
        self.viewers[title] = max(0.0, self.viewers[title] + viewers)
        self.likes[title] = max(0.0, self.likes[title] + likes)

    def recount(self, title: int, times_ms: Indices) -> None:
        """Set the viewers of a title anew, each by the time they count at; likes stay."""
        self._grow(title + 1)
        self.viewers[title] = len(times_ms)
        self.first_at_ms[title] = times_ms.min() if len(times_ms) else 0
        self.as_of_ms[title] = times_ms.max(initial=0)
        ages_ms = self.as_of_ms[title] - times_ms
        for span, half_life_ms in enumerate(HALF_LIVES_MS):
            exponents = np.maximum(-ages_ms / half_life_ms, EXPONENT_MIN)
            self.decayed[span, title] = np.exp2(exponents).sum()
        self._round(title)

    def _round(self, title: int) -> None:
        self.rounded[:, title] = np.rint(self.decayed[:, title] * _UNIT) / _UNIT

    def _decay(self, title: int, at_ms: int) -> None:
        age_ms = at_ms - self.as_of_ms[title]
        if age_ms <= 0:
            return
        self.as_of_ms[title] = at_ms
        for span, half_life_ms in enumerate(HALF_LIVES_MS):
            self.decayed[span, title] *= 2.0 ** (-age_ms / half_life_ms)

    def get(self, title: int) -> TitleStatistics:
        """Return the statistics of one title, decayed counts rounded."""
        self._grow(title + 1)
        return TitleStatistics(
            viewers=int(self.viewers[title]),
            likes=int(self.likes[title]),
            first_at_ms=int(self.first_at_ms[title]),
            as_of_ms=int(self.as_of_ms[title]),
            decayed=tuple(self.rounded[:, title].tolist()),
        )

    def put(self, title: int, statistics: TitleStatistics) -> None:
        """Set the statistics of one title, as ``get`` returned them elsewhere."""
        self._grow(title + 1)
        self.viewers[title] = statistics.viewers
        self.likes[title] = statistics.likes
        self.first_at_ms[title] = statistics.first_at_ms
        self.as_of_ms[title] = statistics.as_of_ms
        self.decayed[:, title] = statistics.decayed
        self.rounded[:, title] = np.rint(self.decayed[:, title] * _UNIT) / _UNIT
        self.newest_at_ms = max(self.newest_at_ms, statistics.as_of_ms)

    def popularity(self, span: int, into: Floats) -> None:
        """Write the decayed viewers of the first titles at the newest event time."""
        size = len(into)
        self._grow(size)
        np.subtract(self.newest_at_ms, self.as_of_ms[:size], out=into)
        into /= -HALF_LIVES_MS[span]
        np.maximum(into, EXPONENT_MIN, out=into)
        np.exp2(into, out=into)
        into *= self.rounded[span, :size]

    def viewers_of(self, size: int) -> Floats:
        """Return how many viewers engaged with each of the first ``size`` titles."""
        self._grow(size)
        return self.viewers[:size]

    def likes_of(self, size: int) -> Floats:
        """Return how many viewers liked each of the first ``size`` titles."""
        self._grow(size)
        return self.likes[:size]

    def like_rate(self, into: Floats) -> None:
        """Write the smoothed share of viewers with full evidence (``RATE_PRIOR``)."""
        size = len(into)
        self._grow(size)
        likes, viewers = RATE_PRIOR
        np.add(self.likes[:size], likes, out=into)
        into /= self.viewers[:size] + viewers

    def ages_days(self, into: Floats) -> None:
        """Write days since each of the first titles was first seen; of titles nobody saw 0."""
        size = len(into)
        self._grow(size)
        np.subtract(self.newest_at_ms, self.first_at_ms[:size], out=into)
        into /= DAY_MS
        into *= self.viewers[:size] > 0

    def _grow(self, size: int) -> None:
        held = len(self.viewers)
        if size <= held:
            return
        more = max(size, 2 * held) - held
        self.viewers = _longer(self.viewers, more)
        self.likes = _longer(self.likes, more)
        self.first_at_ms = _longer(self.first_at_ms, more)
        self.as_of_ms = _longer(self.as_of_ms, more)
        none = np.zeros((len(HALF_LIVES_MS), more))
        self.decayed = np.concatenate([self.decayed, none], axis=1)
        self.rounded = np.concatenate([self.rounded, none], axis=1)


def _longer(array: NDArray, more: int) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate([array, np.zeros(more, dtype=array.dtype)])
