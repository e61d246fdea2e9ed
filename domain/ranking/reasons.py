"""Why a title is in a slate: the largest terms of its score, as a viewer can check them.

The score is a sum over sources; a personal source is a sum over the viewer's titles. Terms of one
title are added up over the personal sources. Sources that are the same for everybody count by how
far they lift the title above an average one: what all titles have is no reason for this one.

A title is named only if the score, at the same weights of the sources, falls without it. Taking it
out of the history also makes older titles more recent and brings some into the window, so what is
left is computed, not estimated: for the titles shown and the few that may be named.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from domain.compiled import FLAG_TABLE, FLAGS, FLOATS, INT, INTS, TABLE, compiled, inlined, tuple_of
from domain.ranking.history import HISTORY, Flags, Floats, History, Indices, weights_without
from domain.ranking.scoring import Ranker, ViewerScores
from domain.slate_index import ContentSide
from domain.sources.registry import COMMON, PERSONAL

REASONS = 2
SUSPECTS = 2 * REASONS  # entries with the largest terms, whose drop is computed
NAMED_MIN = 0.05  # of the personal part of a score: less is no reason
HYBRID_MIN = 0.25  # a kind with this part of the score is named in the recommendation type
DROP_MIN = 1e-6  # of a score: less is not seen in a slate
NOBODY = -1  # in place of an entry
HYBRID = -1  # in place of a kind

_KINDS = tuple(dict.fromkeys(source.kind for source in PERSONAL))
_OF_KIND = np.array([[float(source.kind == kind) for source in PERSONAL] for kind in _KINDS])


class Reason(NamedTuple):
    """Why one title: type, ids and signals by size of their terms, and a sentence."""

    recommendation_type: str
    based_on: list[str]
    explanation: str


class _Sources(NamedTuple):
    """What the personal sources are, one number each."""

    weights: Indices  # rows of ``History.weights``
    mass: Floats
    saturates: Flags


class _Said(NamedTuple):
    """What entries of the history say about the picks, one row below the other by source."""

    parts: Floats  # (rows, picks), at weight 1
    entries: Indices
    sources: Indices
    factors: Floats  # by personal source


_SOURCES = _Sources(
    np.array([source.weights_row for source in PERSONAL]),
    np.array([source.mass for source in PERSONAL]),
    np.array([source.saturates for source in PERSONAL]),
)
_SOURCES_TYPE = tuple_of(_Sources, INTS, FLOATS, FLAGS)
_SAID = tuple_of(_Said, TABLE, INTS, INTS, FLOATS)
_TABLE_OF_INTS = INT[:, ::1]


class Terms(NamedTuple):
    """What the scores of some titles, the picks, are made of.

    ``personal`` and ``common`` add up to the score without rules: one row a source, one column a
    pick. ``lifts`` is how far a common source lifts the pick above an average title. ``entries``
    has one row for each entry of the history: what it adds by all personal sources. For each pick,
    ``suspects`` are the entries with the largest terms, ``suspected`` these terms, and ``causes``
    the entries that may be named, largest drop first; ``NOBODY`` and 0 where there are fewer.
    """

    personal: Floats
    common: Floats
    lifts: Floats
    entries: Floats
    suspects: Indices
    suspected: Floats
    causes: Indices

    def largest(self) -> Floats:
        """Return the largest term of each pick: of one title watched or one common source."""
        found: Floats = np.concatenate([self.entries, self.lifts]).max(axis=0)
        return found


_TERMS = tuple_of(Terms, TABLE, TABLE, TABLE, TABLE, _TABLE_OF_INTS, TABLE, _TABLE_OF_INTS)


def terms_of(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> Terms:
    """Return what the score of each picked title is made of."""
    said = _said(history, scores, picks)
    common = ranker.common_parts(scores, picks)
    found: Terms = _terms_of(_SOURCES, said, history, common, ranker.common_means(scores))
    return found


def reasons(content: ContentSide, history: History, terms: Terms) -> list[Reason]:
    """Return the reason of each picked title."""
    if not len(terms.causes):
        return []
    said_of = _Sentences(content, history)
    findings = _findings(_OF_KIND, terms.personal, terms.lifts).tolist()
    return [
        _reason(said_of, finding, causes)
        for finding, causes in zip(findings, terms.causes.tolist(), strict=True)
    ]


def _said(history: History, scores: ViewerScores, picks: Indices) -> _Said:
    factors = scores.factors[: len(PERSONAL)]
    starts, entries, sources = _rows(_SOURCES, factors, history.counted)
    parts = np.zeros((len(entries), len(picks)))
    scores.personal.fill_parts(picks, starts, parts)
    return _Said(parts, entries, sources, factors)


@compiled(types.Tuple((INTS, INTS, INTS)), _SOURCES_TYPE, FLOATS, FLAG_TABLE)
def _rows(sources: _Sources, factors: Floats, counted: Flags) -> tuple[Indices, Indices, Indices]:
    """Return where the rows of each source start (-1: it has none), and of which entry each is.

    A source has a row for each entry that may count for it; one that says nothing now may without
    another.
    """
    entries = np.empty(len(factors) * counted.shape[1], dtype=np.int64)
    sources_of, starts, count = np.empty_like(entries), np.full(len(factors), -1), 0
    for source in range(len(factors)):
        if factors[source] > 0.0:
            starts[source] = count
            for entry in range(counted.shape[1]):
                entries[count], sources_of[count] = entry, source
                count += counted[sources.weights[source], entry]
    return starts, entries[:count], sources_of[:count]


@inlined
def _scores(sources: _Sources, said: _Said, weights: Floats) -> Floats:
    """Return the 0-1 score of each pick by each personal source."""
    found = np.zeros((len(sources.mass), said.parts.shape[1]))
    for row in range(len(said.entries)):
        source = said.sources[row]
        weight = weights[sources.weights[source], said.entries[row]]
        for pick in range(found.shape[1]):
            found[source, pick] += weight * said.parts[row, pick]
    for source in range(len(found)):
        for pick in range(found.shape[1]):
            score = found[source, pick] / sources.mass[source]
            found[source, pick] = score / (1.0 + score) if sources.saturates[source] else score
    return found


@inlined
def _terms(sources: _Sources, said: _Said, weights: Floats, scores: Floats) -> Floats:
    """Return what each entry of the history adds to the score of each pick."""
    found = np.zeros((weights.shape[1], said.parts.shape[1]))
    for row in range(len(said.entries)):
        entry, source = said.entries[row], said.sources[row]
        weight = weights[sources.weights[source], entry] / sources.mass[source]
        weight *= said.factors[source]
        if weight != 0.0:
            for pick in range(found.shape[1]):
                left = 1.0 - scores[source, pick] if sources.saturates[source] else 1.0
                found[entry, pick] += weight * left * said.parts[row, pick]
    return found


@inlined
def _note_largest(terms: Floats, pick: int, least: float, found: Indices) -> None:
    """Note the entries with the largest terms of a pick above ``least``; ties newest first."""
    for entry in range(terms.shape[0]):
        term = terms[entry, pick]
        if term > least:
            place = len(found)
            while place > 0 and (found[place - 1] < 0 or terms[found[place - 1], pick] < term):
                place -= 1
                if place + 1 < len(found):
                    found[place + 1] = found[place]
            if place < len(found):
                found[place] = entry


@inlined
def _left(sources: _Sources, said: _Said, weights: Floats, pick: int) -> float:
    """Return the personal part of a pick's score when the entries have other weights."""
    total = 0.0
    row = 0
    while row < len(said.sources):
        source = said.sources[row]
        left = 0.0
        while row < len(said.sources) and said.sources[row] == source:
            left += weights[sources.weights[source], said.entries[row]] * said.parts[row, pick]
            row += 1
        left /= sources.mass[source]
        if sources.saturates[source]:
            left /= 1.0 + left
        total += left * said.factors[source]
    return total


@inlined
def _take_largest(drops: Floats, suspects: Indices) -> int:
    """Return the suspect with the largest drop, ties newest first, and leave its drop out."""
    best = 0
    for place in range(1, len(drops)):
        tied = drops[place] == drops[best] and suspects[place] < suspects[best]
        if drops[place] > drops[best] or tied:
            best = place
    if not drops[best] > DROP_MIN:
        return NOBODY
    drops[best] = 0.0
    return int(suspects[best])


@inlined
def _suspects(terms: Floats, own: Floats) -> tuple[Indices, Floats]:
    """Return for each pick the entries with the largest terms, ties newest first, and these terms.

    Both of shape (picks, ``SUSPECTS``), ``NOBODY`` and 0 where there are fewer.
    """
    suspects, suspected = np.full((len(own), SUSPECTS), NOBODY), np.zeros((len(own), SUSPECTS))
    for pick in range(len(own)):
        _note_largest(terms, pick, NAMED_MIN * own[pick], suspects[pick])
        for place in range(SUSPECTS):
            if suspects[pick, place] != NOBODY:
                suspected[pick, place] = terms[suspects[pick, place], pick]
    return suspects, suspected


@inlined
def _causes(
    sources: _Sources, said: _Said, history: History, suspects: Indices, own: Floats
) -> Indices:
    """Return which suspects may be named for each pick, largest drop first, ties newest first.

    Shape (picks, ``REASONS``), ``NOBODY`` where there are fewer.
    """
    picks = len(suspects)
    drops = np.zeros(suspects.shape)
    looked_at = np.zeros(len(history.at_ms), dtype=np.bool_)
    for entry in suspects.flat:
        if entry != NOBODY and not looked_at[entry]:
            looked_at[entry] = True
            weights = weights_without(history, int(entry))
            for pick in range(picks):
                for place in range(SUSPECTS):
                    if suspects[pick, place] == entry:
                        drops[pick, place] = own[pick] - _left(sources, said, weights, pick)
    found = np.full((picks, REASONS), NOBODY)
    for pick in range(picks):
        for reason in range(REASONS):
            found[pick, reason] = _take_largest(drops[pick], suspects[pick])
    return found


@compiled(_TERMS, _SOURCES_TYPE, _SAID, HISTORY, TABLE, FLOATS)
def _terms_of(
    sources: _Sources, said: _Said, history: History, common: Floats, means: Floats
) -> Terms:
    """Return the terms of all picks; ``means`` are those of an average title by common sources."""
    at_picks = _scores(sources, said, history.weights)
    personal, own = np.empty_like(at_picks), np.zeros(at_picks.shape[1])
    for source in range(len(personal)):
        personal[source] = at_picks[source] * said.factors[source]
        own += personal[source]
    lifts = np.empty_like(common)
    for source in range(len(common)):
        lifts[source] = common[source] - means[source]
    entries = _terms(sources, said, history.weights, at_picks)
    suspects, suspected = _suspects(entries, own)
    causes = _causes(sources, said, history, suspects, own)
    return Terms(personal, common, lifts, entries, suspects, suspected, causes)


@inlined
def _largest_in(table: Floats, pick: int) -> int:
    """Return the row with the largest number in a column, the first of equals."""
    best = 0
    for row in range(1, table.shape[0]):
        if table[row, pick] > table[best, pick]:
            best = row
    return best


@compiled(_TABLE_OF_INTS, TABLE, TABLE, TABLE)
def _findings(of_kind: Floats, personal: Floats, lifts: Floats) -> Indices:
    """Return what ``_reason`` is told of each pick, shape (picks, numbers); flags are 0 or 1.

    If something of the viewer's speaks for it, not only common sources; of ``_KINDS`` of personal
    sources the one with most, ``HYBRID`` for several; the personal source with the largest term;
    the common source that lifts it most above an average title; if common sources have a large part
    of the score; and if the strongest of them has more than all personal sources.

    Args:
        of_kind: which sources are of each kind, shape (kinds, personal sources).
        personal: terms by personal source, shape (personal sources, picks).
        lifts: how far each common source lifts each pick above an average title.
    """
    picks, raised = personal.shape[1], np.maximum(lifts, 0.0)
    by_kind = np.zeros((of_kind.shape[0], picks))
    for kind in range(of_kind.shape[0]):
        for source in range(personal.shape[0]):
            for pick in range(picks):
                by_kind[kind, pick] += of_kind[kind, source] * personal[source, pick]
    found = np.zeros((picks, 6), dtype=np.int64)
    for pick in range(picks):
        own, shared, large = 0.0, 0.0, 0
        for source in range(personal.shape[0]):
            own += personal[source, pick]
        for source in range(raised.shape[0]):
            shared += raised[source, pick]
        for kind in range(len(by_kind)):
            large += by_kind[kind, pick] >= HYBRID_MIN * own
        strongest = _largest_in(raised, pick)
        found[pick, 0] = own > 0.0 and own >= HYBRID_MIN * (own + shared)
        found[pick, 1] = HYBRID if large > 1 else _largest_in(by_kind, pick)
        found[pick, 2] = _largest_in(personal, pick)
        found[pick, 3] = strongest
        found[pick, 4] = shared >= HYBRID_MIN * (own + shared)
        found[pick, 5] = raised[strongest, pick] > own
    return found


class _Sentences:
    """Ids and sentences for entries of one history; each sentence is made once."""

    def __init__(self, content: ContentSide, history: History) -> None:
        self._content = content
        self._titles: list[int] = history.titles.tolist()
        self._watched = history.watched
        self._made: dict[int, str] = {}

    def id_of(self, entry: int) -> str:
        """Return the content id of an entry."""
        return self._content.ids[self._titles[entry]]

    def because_of(self, entry: int) -> str:
        """Return what is said when an entry is the first cause."""
        found = self._made.get(entry)
        if found is None:
            verb = "watched" if self._watched[entry] else "liked"
            name = self._content.watched_name(self._titles[entry])
            found = self._made[entry] = f"Because you {verb} {name}"
        return found


def _reason(said_of: _Sentences, finding: list[int], causes: list[int]) -> Reason:
    """Return the reason of one pick, from its finding and the entries that may be named."""
    personal, most, largest, strongest, shared, first = finding
    signal = COMMON[strongest]
    if not personal:
        return Reason(signal.kind, [signal.name], signal.label)
    entries = [entry for entry in causes if entry != NOBODY]
    ids = [said_of.id_of(entry) for entry in entries] or [PERSONAL[largest].name]
    kind = "hybrid" if shared or most == HYBRID else _KINDS[most]
    if shared:
        if first:
            return Reason(kind, [signal.name, *ids], signal.label)
        ids.append(signal.name)
    sentence = said_of.because_of(entries[0]) if entries else "Because of what you watched lately"
    return Reason(kind, ids, sentence)
