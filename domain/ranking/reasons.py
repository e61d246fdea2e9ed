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

from domain.ranking.history import Floats, History, Indices
from domain.ranking.scoring import Ranker, ViewerScores
from domain.slate_index import ContentSide
from domain.sources.registry import COMMON, PERSONAL

REASONS = 2
NAMED_MIN = 0.05  # of the personal part of a score: less is no reason
HYBRID_MIN = 0.25  # a kind with this part of the score is named in the recommendation type
DROP_MIN = 1e-6  # of a score: less is not seen in a slate


class Reason(NamedTuple):
    """Why one title: type, ids and signals by size of their terms, and a sentence."""

    recommendation_type: str
    based_on: list[str]
    explanation: str


class _Parts(NamedTuple):
    """Terms of picked titles: by entry of the history, by personal and by common source."""

    entries: Floats  # (history, picks)
    said: dict[int, Floats]  # by personal source that counts: (its entries, picks), at weight 1
    personal: Floats  # (personal sources, picks)
    common: Floats  # (common sources, picks), above the average title


def reasons(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> list[Reason]:
    """Return the reason of each picked title."""
    if not len(picks):
        return []
    parts = _parts(ranker, history, scores, picks)
    causes = _causes(history, scores, parts, picks)
    lifts = np.maximum(parts.common, 0.0)
    columns = zip(
        parts.personal.T.tolist(), lifts.sum(axis=0).tolist(), lifts.argmax(axis=0).tolist(),
        lifts.max(axis=0).tolist(), causes, strict=True,
    )  # fmt: skip
    return [_reason(ranker.content, history, _Pick(*column)) for column in columns]


class _Pick(NamedTuple):
    """The terms of one picked title."""

    personal: list[float]  # by personal source
    shared: float  # what common sources lift it above an average title
    strongest: int  # the common source that lifts it most
    strongest_part: float
    causes: list[int]  # entries of the history that may be named


def largest_terms(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> Floats:
    """Return the largest term of each picked title: of one title watched or one common source."""
    parts = _parts(ranker, history, scores, picks)
    found: Floats = np.concatenate([parts.entries, parts.common]).max(axis=0)
    return found


def _parts(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> _Parts:
    entries = np.zeros((len(history.titles), len(picks)))
    said: dict[int, Floats] = {}
    personal = np.zeros((len(PERSONAL), len(picks)))
    for number, (source, scored) in enumerate(zip(PERSONAL, scores.personal, strict=True)):
        factor = float(scores.factors[number])
        if factor > 0.0 and len(scored.entries):  # one that says nothing now may without another
            said[number] = scored.said(picks)
            weights = getattr(history, source.weights)
            entries[scored.entries] += source.terms(weights, scored, said[number], picks) * factor
            personal[number] = scored.scores[picks] * factor
    common = ranker.common_parts(scores, picks) - ranker.common_means(scores)[:, np.newaxis]
    return _Parts(entries, said, personal, common)


def _causes(
    history: History, scores: ViewerScores, parts: _Parts, picks: Indices
) -> list[list[int]]:
    """Return for each pick the entries that may be named, largest drop first, ties newest first."""
    largest = np.argsort(-parts.entries, axis=0, kind="stable")[: 2 * REASONS]
    terms = np.take_along_axis(parts.entries, largest, axis=0)
    large = terms > NAMED_MIN * parts.personal.sum(axis=0)
    suspects = np.unique(largest[large])
    drops = _drops(history, scores, parts, (suspects, picks))
    rows = np.searchsorted(suspects, largest)
    rows[~large] = 0
    falls = (
        np.where(large, np.take_along_axis(drops, rows, axis=0), -np.inf) if len(drops) else -terms
    )
    order = np.lexsort((largest.T, -falls.T)).T[:REASONS]  # by pick: drop, then the newest
    named = np.take_along_axis(largest, order, axis=0).T.tolist()
    fits = (np.take_along_axis(falls, order, axis=0) > DROP_MIN).T.tolist()
    return [
        [entry for entry, fit in zip(entries, flags, strict=True) if fit]
        for entries, flags in zip(named, fits, strict=True)
    ]


def _drops(
    history: History, scores: ViewerScores, parts: _Parts, asked: tuple[Indices, Indices]
) -> Floats:
    """Return what the score of each pick loses without each suspect, shape (suspects, picks)."""
    suspects, picks = asked
    left = history.weights_without(suspects)
    drops = np.zeros((len(suspects), len(picks)))
    for number, said in parts.said.items():
        source, scored = PERSONAL[number], scores.personal[number]
        weights = getattr(left, source.weights)[:, scored.entries]
        rest = (weights @ said) / source.mass
        if source.saturates:
            rest /= 1.0 + rest
        drops += (scored.scores[picks] - rest) * scores.factors[number]
    return drops


def _reason(content: ContentSide, history: History, pick: _Pick) -> Reason:
    own, shared, signal = sum(pick.personal), pick.shared, COMMON[pick.strongest]
    if own <= 0.0 or own < HYBRID_MIN * (own + shared):
        return Reason(signal.kind, [signal.name], signal.label)
    kinds: dict[str, float] = {}
    for source, part in zip(PERSONAL, pick.personal, strict=True):
        kinds[source.kind] = kinds.get(source.kind, 0.0) + part
    ids = [content.ids[int(history.titles[entry])] for entry in pick.causes]
    ids = ids or [PERSONAL[pick.personal.index(max(pick.personal))].name]
    if shared >= HYBRID_MIN * (own + shared):
        if pick.strongest_part > own:
            return Reason("hybrid", [signal.name, *ids], signal.label)
        return Reason("hybrid", [*ids, signal.name], _sentence(content, history, pick.causes))
    large = [kind for kind, part in kinds.items() if part >= HYBRID_MIN * own]
    kind = "hybrid" if len(large) > 1 else max(kinds, key=lambda each: kinds[each])
    return Reason(kind, ids, _sentence(content, history, pick.causes))


def _sentence(content: ContentSide, history: History, causes: list[int]) -> str:
    if not causes:
        return "Because of what you watched lately"
    cause = causes[0]
    verb = "watched" if history.watched[cause] else "liked"
    return f"Because you {verb} {content.watched_name(int(history.titles[cause]))}"
