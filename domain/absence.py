"""Why a title is not in a slate: the first rule, or the rank, that kept it out.

Rules are asked in the order of ``domain.slates``. What was decided with the slate is read from its
``SlateRanking`` and not decided again: a title of the pool passed every rule, and one that is not
in it is judged by the region, the age and the filters of that moment. Nothing is scored.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from domain.availability import is_available
from domain.ranking.maturity import age_of
from domain.ranking.rules import matches
from domain.title_attributes import PARTS
from schemas.api import AbsenceReason
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.slate import SlateRanking
from schemas.watch_state import WatchState


class Absence(NamedTuple):
    """What kept a title out: machine-readable, in words, and by which ranking rules."""

    reason: AbsenceReason
    explanation: str
    rules: tuple[str, ...] = ()


class Served(NamedTuple):
    """A slate as served: when it was made, how long it is, how it came about (None: not recorded).

    ``filters`` are those rules named by ``ranking.filters`` that still exist.
    """

    generated_at_ms: int
    size: int
    ranking: SlateRanking | None
    filters: Sequence[RankingRule] = ()


_TOUCHED: tuple[tuple[AbsenceReason, Callable[[WatchState], bool], str], ...] = (
    ("hidden", lambda state: state.hidden, "The viewer hid it"),
    ("dismissed", lambda state: state.dismissed, "The viewer dismissed it"),
    ("watched", lambda state: state.completed or state.completions > 0, "The viewer watched it"),
    ("in_progress", lambda state: state.resumable, "The viewer can continue watching it"),
    ("begun", lambda state: state.started_at_ms is not None, "The viewer began it"),
    ("rated", lambda state: state.rating is not None, "The viewer rated it"),
)


class Judge(NamedTuple):
    """What decides about a title whatever its score, at one moment: offers, age, filters."""

    region: str | None
    age_max: int
    filters: Sequence[RankingRule]
    at_ms: int

    def verdict(self, content: Content) -> Absence | None:
        """Return what keeps a title out; None: it may be shown."""
        if not is_available(content, self.region, self.at_ms):
            where = self.region or "any region"
            return Absence("not_available", f"No offer in {where} held when the list was made")
        if age_of(content.maturity_rating) > self.age_max:
            rating = content.maturity_rating or "not rated"
            return Absence("maturity", f"It is {rating}; the limit is age {self.age_max}")
        rules = tuple(rule.rule_id for rule in self.filters if matches(rule, content))
        if rules:
            return Absence("filtered", f"A ranking rule filters it: {', '.join(rules)}", rules)
        return None


def why_absent(content: Content, states: Sequence[WatchState], served: Served) -> Absence:
    """Return why a title is not in a slate.

    Args:
        content: a title that counts for no other one.
        states: of the viewer, about the title and everything that counts for it.
        served: a slate without the title.
    """
    if content.type in PARTS:
        return Absence("part_of", f"A {content.type} whose series is not in the catalogue")
    touched = _touched(content, states)
    if touched is not None:
        return touched
    if served.ranking is None:
        return Absence("not_recorded", "The slate is older than the records that would tell")
    if content.content_id in served.ranking.pool:
        return _outranked(content.content_id, served.ranking, served.size)
    if content.updated_at_ms > served.generated_at_ms:
        return Absence("newer_than_slate", "It changed after the slate was made")
    region, age_max = served.ranking.region, served.ranking.age_max
    judge = Judge(region, age_max, served.filters, served.generated_at_ms)
    ruled_out = judge.verdict(content)
    if ruled_out is None and len(served.filters) < len(served.ranking.filters):
        return Absence("not_recorded", "A ranking rule that filtered titles then is gone now")
    return ruled_out or _unranked(served.ranking)


def rank_of(content_id: str, ranking: SlateRanking) -> int | None:
    """Return the place of a title by score, 1 is best; None: not among the best."""
    places = {each: place for place, each in enumerate(ranking.pool, 1)}
    return places.get(content_id)


def _touched(content: Content, states: Sequence[WatchState]) -> Absence | None:
    for reason, applies, sentence in _TOUCHED:
        for state in states:
            if applies(state):
                itself = state.content_id == content.content_id
                return Absence(reason, sentence if itself else f"{sentence}: {state.content_id}")
    return None


def _outranked(content_id: str, ranking: SlateRanking, size: int) -> Absence:
    rank = rank_of(content_id, ranking) or 0
    rules = ranking.rules.get(content_id, ())
    if content_id in ranking.displaced:
        sentence = "It was chosen, then a place that explores or a pinned title took its place"
        return Absence("displaced", sentence, rules)
    placed = f"Number {rank} of {ranking.candidates} by score"
    if rank <= size:
        return Absence("diversity", f"{placed}, but too much like titles shown before it", rules)
    return Absence("rank", f"{placed}; {size} are shown", rules)


def _unranked(ranking: SlateRanking) -> Absence:
    """Return why a title is not in the pool that every rule let pass."""
    count = len(ranking.pool)
    if count == ranking.candidates:  # all of them are in the pool
        return Absence(
            "nothing_speaks_for_it", "Nobody has watched it, nor has it to do with what was watched"
        )
    return Absence(
        "below_pool", f"Not among the best {count} of {ranking.candidates} titles by score"
    )
