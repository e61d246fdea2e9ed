"""Slates: a batch of viewers scored together, with reasons taken from the largest terms.

Co-watch score of title i: the sum over the viewer's titles j of w_j * B_ji, where w_j is the
evidence of j, doubled for the ``RECENT_TITLES`` newest (on MovieLens 100k, tested in time order,
counting the last 20 again lifts NDCG@10 from .089 to .096). Both sources are scaled to 0-1 per
viewer over the titles that may be recommended, and blended by evidence: no known title is all
trending, from ``EVIDENCE_FULL`` titles on co-watch has ``COWATCH_SHARE``. Deterministic; ties by
content id.

An episode speaks for others like it by its own row and is named as the reason, under its series'
title. A series of which the viewer touched any episode is not recommended: it belongs to continue
watching.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from domain.slate_index import ContentSide, Floats, Indices, Terms
from domain.viewer_profile import Taste, ViewerProfile, taste, unpack

RECENT_TITLES = 20
EVIDENCE_FULL = 5
COWATCH_SHARE = 0.9
REASONS = 2
HYBRID_MIN = 0.25  # a source with this part of the score is named in the recommendation type
DECIMALS = 6
TRENDING_SIGNAL = "trending"


class Viewer(NamedTuple):
    """One viewer of a batch."""

    user_id: str
    profile: ViewerProfile


class SlateRules(NamedTuple):
    """What the slates of one deployment look like."""

    size: int
    ttl_s: int


class _Picks(NamedTuple):
    """The chosen titles of one viewer, best first, and the two parts of each score."""

    titles: Indices
    scores: Floats
    cowatch: Floats
    trending: Floats


def build_slates(
    content: ContentSide, viewers: Sequence[Viewer], rules: SlateRules, now_ms: int
) -> list[bytes]:
    """Return the encoded ``Slate`` of each viewer, in the order given.

    The bytes are a function of the content side, the profiles and ``now_ms`` and equal those of
    ``schemas.codec.encode``.
    """
    return [_slate(content, viewer, rules, now_ms) for viewer in viewers]


def _slate(content: ContentSide, viewer: Viewer, rules: SlateRules, now_ms: int) -> bytes:
    profile = viewer.profile
    found = taste(profile)
    popular = content.trending(profile.region[1] or None)  # may see titles for the first time
    known = [place for place, title in enumerate(found.titles) if title in content.known]
    titles = [content.known[found.titles[place]] for place in known]
    terms = content.terms(titles, _weights(found)[known])
    size = len(content.ids)
    sums = np.bincount(terms.targets, weights=terms.values, minlength=size)
    cowatch: Floats = sums.astype(np.float64, copy=False)  # without terms they are whole numbers
    allowed = content.recommendable[:size].copy()
    allowed[content.homes_of(found.excluded)] = False
    cowatch *= allowed
    trending = np.zeros(size)
    trending[popular.titles] = popular.scores * allowed[popular.titles]
    picks = _pick(content, cowatch, trending, len(titles), rules.size)
    sources = _sources(terms, titles, picks.titles, size)
    return _encode(content, viewer, picks, sources, (rules, now_ms))


def _weights(found: Taste) -> Floats:
    """Evidence of each title; the newest ones count twice (ties by content id)."""
    weights = np.array(found.weights, dtype=np.float64)
    newest = np.argsort(-np.array(found.last_at_ms, dtype=np.int64), kind="stable")
    weights[newest[:RECENT_TITLES]] *= 2.0
    return weights


def _pick(
    content: ContentSide, cowatch: Floats, trending: Floats, evidence: int, size: int
) -> _Picks:
    """Scale both sources to 0-1, blend them by evidence, take the best."""
    cowatch_max, trending_max = cowatch.max(initial=0.0), trending.max(initial=0.0)
    share = COWATCH_SHARE * min(evidence, EVIDENCE_FULL) / EVIDENCE_FULL
    if cowatch_max <= 0.0:
        share = 0.0
    elif trending_max <= 0.0:
        share = 1.0
    cowatch *= share / cowatch_max if cowatch_max > 0.0 else 0.0
    trending *= (1.0 - share) / trending_max if trending_max > 0.0 else 0.0
    total = cowatch + trending
    candidates = np.flatnonzero(total > 0.0)
    scores = np.round(total[candidates], DECIMALS)
    best = _best(candidates, scores, content.ids, size)
    titles = candidates[best]
    return _Picks(titles, scores[best], cowatch[titles], trending[titles])


def _best(titles: Indices, scores: Floats, ids: Sequence[str], size: int) -> Indices:
    """Positions of the ``size`` best positive scores, best first, ties by content id."""
    threshold = 0.0
    if len(scores) > size:
        threshold = float(np.partition(scores, len(scores) - size)[len(scores) - size])
    found = np.flatnonzero((scores >= threshold) & (scores > 0.0)).tolist()
    found.sort(key=lambda place: (-scores[place], ids[int(titles[place])]))
    return np.array(found[:size], dtype=np.int64)


def _sources(terms: Terms, titles: list[int], picks: Indices, size: int) -> list[list[int]]:
    """For each pick: the viewer's titles with the largest terms, largest first, ties by id.

    The terms of one title for several episodes of a picked series count as one.
    """
    rank = np.full(size, -1, dtype=np.int64)
    rank[picks] = np.arange(len(picks))
    picked = rank[terms.targets]
    used = np.flatnonzero(picked >= 0)
    cells = picked[used] * len(titles) + terms.owners[used]
    shares = np.bincount(cells, weights=terms.values[used], minlength=len(picks) * len(titles))
    found: list[list[int]] = [[] for _ in picks]
    for _ in range(min(REASONS, len(titles))):
        rows = shares.reshape(len(picks), len(titles))
        best = rows.argmax(axis=1)  # the first of equals, so the smallest id
        for pick, owner in enumerate(best.tolist()):
            if rows[pick, owner] > 0.0:
                found[pick].append(titles[owner])
        rows[np.arange(len(picks)), best] = 0.0
    return found


def _encode(
    content: ContentSide,
    viewer: Viewer,
    picks: _Picks,
    sources: list[list[int]],
    how: tuple[SlateRules, int],
) -> bytes:
    """Encode one slate. Field order and absent fields as ``schemas.codec.encode`` has them."""
    rules, now_ms = how
    profile = viewer.profile
    model_version = f"cowatch-{content.model_version}"
    entries = []
    columns = (picks.titles, picks.scores, picks.cowatch, picks.trending)
    values = zip(*(column.tolist() for column in columns), sources, strict=True)
    for title, score, cowatch, trending, why in values:
        kind, based_on, explanation = _explain(content, profile, (cowatch, trending), why)
        name = content.names[title]
        entries.append(
            {
                "content_id": content.ids[title],
                **({} if name is None else {"title": name}),
                "score": score,
                "recommendation_type": kind,
                "based_on": based_on,
                "explanation": explanation,
                "generated_at_ms": now_ms,
                "ttl_s": rules.ttl_s,
                "model_version": model_version,
            }
        )
    newest = profile.newest_event_id
    return orjson.dumps(
        {
            "user_id": viewer.user_id,
            "entries": entries,
            "as_of_ms": profile.as_of_ms,
            **({} if newest is None else {"newest_event_id": newest}),
            "source_offset": profile.position[0],
            "generated_at_ms": now_ms,
            "model_version": model_version,
        }
    )


def _explain(
    content: ContentSide, profile: ViewerProfile, parts: tuple[float, float], sources: list[int]
) -> tuple[str, list[str], str]:
    """Return (recommendation type, based on, explanation) from the two parts of a score."""
    cowatch, trending = parts
    total = cowatch + trending
    ids = [content.ids[source] for source in sources]
    if not sources or cowatch < HYBRID_MIN * total:
        return "trending", [TRENDING_SIGNAL], "Trending now"
    kind = "hybrid" if trending >= HYBRID_MIN * total else "collaborative"
    if trending > cowatch:
        return kind, [TRENDING_SIGNAL, *ids], "Trending now"
    based_on = [*ids, TRENDING_SIGNAL] if kind == "hybrid" else ids
    verb = "watched" if unpack(profile.titles[ids[0]]).watched else "liked"
    return kind, based_on, f"Because you {verb} {content.watched_name(sources[0])}"


def canonical_slate(value: bytes) -> bytes:
    """Return an encoded slate without the times at which it was generated, to compare replays."""
    slate = orjson.loads(value)
    for part in (slate, *slate["entries"]):
        part.pop("generated_at_ms", None)
    return orjson.dumps(slate)
