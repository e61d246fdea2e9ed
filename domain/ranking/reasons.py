"""Why a title is in a slate: the largest terms of its score, as a viewer can check them.

The score is a sum over sources; a personal source is a sum over the viewer's titles. Terms of one
title are added up over the personal sources. Sources that are the same for everybody count by how
far they lift the title above an average one: what all titles have is no reason for this one.

A title is named only if the score falls without it. Taking it out of the history also makes older
titles more recent, so what those would gain at most is deducted from its term first.
"""

from typing import NamedTuple

import numpy as np

from domain.ranking.history import RECENT, Floats, History, Indices
from domain.ranking.scoring import Ranker, ViewerScores
from domain.slate_index import ContentSide
from domain.sources.registry import COMMON, PERSONAL

REASONS = 2
NAMED_MIN = 0.05  # of the personal part of a score: less is no reason
HYBRID_MIN = 0.25  # a kind with this part of the score is named in the recommendation type
SHIFT = 1.0 / RECENT.decay - 1.0  # what older titles gain when a newer one is taken out


class Reason(NamedTuple):
    """Why one title: type, ids and signals by size of their terms, and a sentence."""

    recommendation_type: str
    based_on: list[str]
    explanation: str


class _Parts(NamedTuple):
    """Terms of picked titles: by entry of the history, by personal and by common source."""

    entries: Floats  # (history, picks)
    drops: Floats  # (history, picks): what the score loses at least without the entry
    personal: Floats  # (personal sources, picks)
    common: Floats  # (common sources, picks), above the average title


def reasons(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> list[Reason]:
    """Return the reason of each picked title."""
    parts = _parts(ranker, history, scores, picks)
    causes = _causes(parts)
    return [
        _reason(ranker.content, history, parts, causes[pick], pick) for pick in range(len(picks))
    ]


def largest_terms(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> Floats:
    """Return the largest term of each picked title: of one title watched or one common source."""
    parts = _parts(ranker, history, scores, picks)
    found: Floats = np.concatenate([parts.entries, parts.common]).max(axis=0)
    return found


def _parts(ranker: Ranker, history: History, scores: ViewerScores, picks: Indices) -> _Parts:
    entries = np.zeros((len(history.titles), len(picks)))
    shifting = np.zeros_like(entries)
    personal = np.zeros((len(PERSONAL), len(picks)))
    for number, (source, scored) in enumerate(zip(PERSONAL, scores.personal, strict=True)):
        factor = float(scores.factors[number])
        if factor <= 0.0:
            continue
        shares = scored.shares(picks) * factor
        entries += shares
        if source.by_recency:
            shifting += shares
        personal[number] = scored.scores[picks] * factor
    older = shifting.sum(axis=0) - np.cumsum(shifting, axis=0)
    common = ranker.common_parts(scores, picks) - ranker.common_means(scores)[:, np.newaxis]
    return _Parts(entries, entries - SHIFT * older, personal, common)


def _causes(parts: _Parts) -> list[list[int]]:
    """Return for each pick the entries that may be named, largest drop first, ties newest first."""
    least = NAMED_MIN * parts.personal.sum(axis=0)
    found: list[list[int]] = []
    order = np.argsort(-parts.drops, axis=0, kind="stable")[: 2 * REASONS]
    for pick in range(parts.entries.shape[1]):
        named = [
            int(entry)
            for entry in order[:, pick]
            if parts.drops[entry, pick] > 0.0 and parts.entries[entry, pick] > least[pick]
        ]
        found.append(named[:REASONS])
    return found


def _reason(
    content: ContentSide, history: History, parts: _Parts, causes: list[int], pick: int
) -> Reason:
    personal, common = parts.personal[:, pick], np.maximum(parts.common[:, pick], 0.0)
    own, shared = float(personal.sum()), float(common.sum())
    strongest = int(common.argmax())
    signal = COMMON[strongest]
    if own <= 0.0 or own < HYBRID_MIN * (own + shared):
        return Reason(signal.kind, [signal.name], signal.label)
    kinds: dict[str, float] = {}
    for source, part in zip(PERSONAL, personal.tolist(), strict=True):
        kinds[source.kind] = kinds.get(source.kind, 0.0) + part
    ids = [content.ids[int(history.titles[entry])] for entry in causes]
    ids = ids or [PERSONAL[int(personal.argmax())].name]
    if shared >= HYBRID_MIN * (own + shared):
        kinds[signal.kind] = kinds.get(signal.kind, 0.0) + shared
        ids = [signal.name, *ids] if common[strongest] > own else [*ids, signal.name]
    total = sum(kinds.values())
    large = [kind for kind, part in kinds.items() if part >= HYBRID_MIN * total]
    kind = "hybrid" if len(large) > 1 else max(kinds, key=lambda each: kinds[each])
    if ids[0] == signal.name:
        return Reason(kind, ids, signal.label)
    return Reason(kind, ids, _sentence(content, history, causes))


def _sentence(content: ContentSide, history: History, causes: list[int]) -> str:
    if not causes:
        return "Because of what you watched lately"
    cause = causes[0]
    verb = "watched" if history.watched[cause] else "liked"
    return f"Because you {verb} {content.watched_name(int(history.titles[cause]))}"
