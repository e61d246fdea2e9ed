"""The learner: every engagement is predicted, then learned, then counted.

For a viewer's first engagement with a title, that title and those that could have been recommended
just before are scored. When the viewer turns out to like it (at once for a rating, at the end for a
film), the value model takes one step with what was known at that moment, never with anything later.
Then the engagement is counted: statistics of the title, and which titles it followed. Episodes and
versions count for their home, a viewer once: by the newest of them, liked when one of them is.

The live agent and the evaluator run this same class over the same states of viewers' titles.
"""

from typing import NamedTuple

import numpy as np

from domain.ranking.history import (
    LIKED,
    RECENCY,
    RECENT,
    Flags,
    Floats,
    History,
    Indices,
    make_history,
)
from domain.ranking.scoring import Ranker, ViewerScores, evidence_of, rank_of, totals_of
from domain.ranking.sequences import SequenceCounts
from domain.ranking.value_model import Lesson, ValueModel
from domain.row_table import NeighbourRow
from domain.seen import Seen
from domain.slate_index import NEXT, ContentSide

PENDING_MAX = 50_000  # lessons that wait for their title to be liked; the oldest are dropped


class Prediction(NamedTuple):
    """What the model said just before an engagement.

    ``rank`` is the number of candidates before the title; ``scores`` are the totals of the
    ``candidates`` and ``matrix`` the scores of all sources for them; ``column`` is the title's
    place among them.
    """

    rank: int
    candidates: Indices
    scores: Floats
    matrix: Floats
    column: int
    evidence: int


class Scoring(NamedTuple):
    """A viewer's history, scores over all titles, and which of these may be recommended now."""

    history: History
    scores: ViewerScores
    allowed: Flags


class FirstTouch(NamedTuple):
    """What was known just before a viewer first engaged with a title.

    ``scores`` are the 0-1 scores of all sources for the title (of its home), in the order of the
    registry. ``prediction`` is None unless the learner keeps them, for a title that could not have
    been recommended, and for one that nobody had engaged with.
    """

    scores: Floats
    prediction: Prediction | None


class _Whole(NamedTuple):
    """What a viewer did with a title or any part of it; ``at_ms`` -1: nothing."""

    engaged: bool
    liked: bool
    at_ms: int


class Learner:
    """Value model, sequence counts and statistics, kept current by each change of a title."""

    def __init__(
        self,
        content: ContentSide,
        model: ValueModel,
        neighbours_max: int,
        *,
        predictions: bool = False,
    ) -> None:
        """Start with nothing seen.

        Args:
            content: of the titles; the learner keeps its statistics and next-title rows current.
            model: learns.
            neighbours_max: titles in a next-title row.
            predictions: whether first touches come with what was predicted of all candidates. What
                is learned is the same.
        """
        self.content = content
        self.model = model
        self.ranker = Ranker(content, model)
        self.sequences = SequenceCounts(RECENT, content.ids)
        self.changed_titles: set[int] = set()  # statistics that changed; readers clear it
        self.changed_rows: set[int] = set()  # rows brought up to date; readers clear it
        self._neighbours_max = neighbours_max
        self._predictions = predictions
        self._viewers: dict[str, dict[str, Seen]] = {}
        self._parts: dict[tuple[str, int], set[str]] = {}  # (viewer, home) -> touched parts
        self._counted: dict[int, dict[str, int]] = {}  # home -> viewer -> the time it counts at
        self._pending: dict[tuple[str, str], Lesson] = {}

    def seen(self, viewer: str) -> dict[str, Seen]:
        """Return what is known of a viewer, by content id; not to be changed."""
        return self._viewers.get(viewer, {})

    def observe(
        self, viewer: str, content_id: str, now: Seen, *, learn: bool = True
    ) -> FirstTouch | None:
        """Take in the latest state of one title of one viewer.

        Args:
            viewer: who.
            content_id: the title.
            now: its state; an older state of the same title is replaced.
            learn: whether a first engagement is scored, predicted and may be learned from.

        Returns:
            What was known before a first engagement; None for a later one or an unknown title.
        """
        before = self._viewers.get(viewer, {}).get(content_id)
        touch = None
        if learn and now.engaged and (before is None or not before.engaged):
            touch = self._first_touch(viewer, content_id)
        if now.evidence >= LIKED and (lesson := self._pending.pop((viewer, content_id), None)):
            self.model.take(lesson)
        self._count(viewer, content_id, now)
        return touch

    def forget(self, viewer: str, content_id: str) -> None:
        """Take one title of one viewer out (erasure).

        Counts, sequences and popularities become what they would be without it. What was learned
        from it stays in the weights, which are no sum that it could be subtracted from; so does the
        time of the newest engagement of all, which is the clock of popularities.
        """
        if content_id in self._viewers.get(viewer, {}):
            self._count(viewer, content_id, None)
            if not self._viewers[viewer]:
                del self._viewers[viewer]
        self._pending.pop((viewer, content_id), None)

    def sync_rows(self, titles: Indices) -> None:
        """Bring the next-title rows of some titles up to date in the content side."""
        changed = list(self.sequences.changed.intersection(titles.tolist()))
        rows = self.sequences.rows(changed, self._neighbours_max)
        for title, row in zip(changed, rows, strict=True):
            self.content.set_row(NEXT, title, row)
        self.sequences.changed.difference_update(changed)
        self.changed_rows.update(changed)

    def sync_row(self, title: int) -> NeighbourRow:
        """Bring one next-title row up to date and return it."""
        self.sync_rows(np.array([title]))
        return self.content.row(NEXT, title)

    def score(self, viewer: str) -> Scoring:
        """Return a viewer's scores from everything known now."""
        history = make_history(self.content, self.seen(viewer))
        self.sync_rows(history.homes)
        self.ranker.refresh()
        scores = self.ranker.score(history)
        return Scoring(history, scores, self._allowed(history, len(scores.total)))

    def _allowed(self, history: History, size: int) -> Flags:
        """Return which of all titles may be recommended to a viewer."""
        allowed = self.content.recommendable[:size].copy()
        allowed[self.content.rollup.homes[history.titles]] = False
        return allowed

    def _first_touch(self, viewer: str, content_id: str) -> FirstTouch | None:
        title = self.content.known.get(content_id)
        if title is None:
            return None
        target = int(self.content.rollup.homes[title])
        history = make_history(self.content, self.seen(viewer))
        self.sync_rows(history.homes[history.counted[RECENCY]])
        table = self.ranker.table(history)
        own = table[:, target].copy()
        allowed = self._allowed(history, table.shape[1])
        if not allowed[target] or self.content.statistics.viewers_of(len(allowed))[target] == 0:
            return FirstTouch(own, None)  # nothing is known of it that could be learned from
        evidence, prediction = evidence_of(history), None
        if self._predictions:
            prediction = self._predict(table, np.flatnonzero(allowed), target, evidence)
        left_out = np.flatnonzero(~allowed)
        table[:, left_out] = 0.0
        self._put_aside((viewer, content_id), self.model.lesson(table, target, evidence, left_out))
        return FirstTouch(own, prediction)

    def _put_aside(self, start: tuple[str, str], lesson: Lesson) -> None:
        self._pending[start] = lesson
        if len(self._pending) > PENDING_MAX:
            del self._pending[next(iter(self._pending))]

    def _predict(
        self, table: Floats, candidates: Indices, target: int, evidence: int
    ) -> Prediction:
        total = totals_of(table, self.model.factors(evidence))
        return Prediction(
            rank_of(total, candidates, target, self.content),
            candidates,
            total[candidates],
            table[:, candidates],
            int(np.searchsorted(candidates, target)),
            evidence,
        )

    def _count(self, viewer: str, content_id: str, now: Seen | None) -> None:
        """Set the state of one title of one viewer (None: take it out), and count what changed."""
        home = int(self.content.rollup.homes[self.content.index_of(content_id)])
        before = self._whole(viewer, home)
        titles = self._viewers.setdefault(viewer, {})
        if now is None:
            del titles[content_id]
            self._remove_part(viewer, home, content_id)
        else:
            titles[content_id] = now
            if self.content.ids[home] != content_id:
                self._parts.setdefault((viewer, home), set()).add(content_id)
        after = self._whole(viewer, home)
        viewers, likes = after.engaged - before.engaged, after.liked - before.liked
        if viewers or likes:
            at_ms = 0 if now is None else now.at_ms
            self.content.statistics.add(home, at_ms, viewers, likes)
            self._note_time(viewer, home, at_ms, viewers)
            self.changed_titles.add(home)
        if after.at_ms != before.at_ms:
            self.sequences.touch(viewer, home, after.at_ms)

    def _note_time(self, viewer: str, home: int, at_ms: int, viewers: int) -> None:
        """Remember when a viewer counts for a title; without one, count the others anew."""
        counted = self._counted.setdefault(home, {})
        if viewers > 0:
            counted[viewer] = at_ms
        elif viewers < 0:
            counted.pop(viewer, None)
            times = np.fromiter(counted.values(), np.int64, len(counted))
            self.content.statistics.recount(home, times)

    def _remove_part(self, viewer: str, home: int, content_id: str) -> None:
        parts = self._parts.get((viewer, home))
        if parts is not None:
            parts.discard(content_id)
            if not parts:
                del self._parts[viewer, home]

    def _whole(self, viewer: str, home: int) -> _Whole:
        titles = self._viewers.get(viewer, {})
        parts = self._parts.get((viewer, home), ())
        seen = [titles[each] for each in (self.content.ids[home], *parts) if each in titles]
        engaged = [each for each in seen if each.engaged]
        return _Whole(
            bool(engaged),
            any(each.evidence >= LIKED for each in engaged),
            max((each.at_ms for each in engaged), default=-1),
        )
