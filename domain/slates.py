"""Slates: scored viewers -> rules, diversity, exploration -> encoded lists with true reasons.

The best ``POOL`` titles by score that may be recommended are diversified down to the slate, and
some places explore. A title takes part only if something speaks for it: a term of a personal
source, or somebody who watched it. Deterministic; ties by content id.

A series of which the viewer touched any episode is not recommended: it belongs to continue
watching.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from numba import types

from domain.compiled import FLAGS, FLOATS, INT, compiled
from domain.feed_rows import with_feed
from domain.ranking import budget, exploration, selection
from domain.ranking.curation import Lifted, boosted_reason, lift, pinned_reason, pins_of, placed
from domain.ranking.diversity import LAMBDA, diversify
from domain.ranking.history import Flags, Floats, History, make_history
from domain.ranking.maturity import AGE_MAX
from domain.ranking.reasons import Reason, Terms, reasons, terms_of
from domain.ranking.rules import Pin
from domain.ranking.scoring import Ranker, ViewerScores
from domain.slate_index import ContentSide
from domain.slate_ranking import Made, Pool, with_ranking
from domain.viewer_profile import ViewerProfile, seen_titles

POOL = 100
EXPLORATION = Reason(budget.EXPLORES, [budget.EXPLORES], budget.EXPLANATION)


class Viewer(NamedTuple):
    """One viewer of a batch."""

    user_id: str
    profile: ViewerProfile


class SlateRules(NamedTuple):
    """What the slates of one deployment look like.

    ``diversity`` is the balance of ``domain.ranking.diversity`` (1: none), ``exploration`` the
    share of places that explore, ``age_max`` the age (years) that titles are for at most (99: any).
    """

    size: int
    ttl_s: int
    diversity: float = LAMBDA
    exploration: float = 0.0
    age_max: int = AGE_MAX


class Pick(NamedTuple):
    """One place of a slate: the title, its score, if it explores, and the rule that pins it."""

    title: int
    score: float
    explores: bool
    rule_id: str | None = None


class Chosen(NamedTuple):
    """The places of a slate, best first, and the pool that they were chosen from."""

    picks: list[Pick]
    pool: Pool


class BuiltSlate(NamedTuple):
    """An encoded ``Slate`` and the recommendation types of its entries."""

    value: bytes
    kinds: list[str]


def build_slates(
    ranker: Ranker, viewers: Sequence[Viewer], rules: SlateRules, now_ms: int
) -> list[BuiltSlate]:
    """Return the slate of each viewer, in the order given.

    The bytes are a function of the content side, the model, the profiles and ``now_ms`` and equal
    those of ``schemas.codec.encode``.
    """
    return [_slate(ranker, viewer, rules, now_ms) for viewer in viewers]


def _slate(ranker: Ranker, viewer: Viewer, rules: SlateRules, now_ms: int) -> BuiltSlate:
    profile = viewer.profile
    content = ranker.content
    seen, excluded = seen_titles(profile)
    history = make_history(content, seen)
    region = profile.region[1] or None
    scores = ranker.score(history, region)
    size = len(scores.total)
    allowed = content.recommendable[:size].copy()
    allowed[content.homes_of(excluded)] = False
    allowed &= content.hard_rules.allowed(region, rules.age_max, now_ms, size)
    effect = content.ranking_rules.effect(region, now_ms, size)
    if effect.kept is not None:
        allowed &= effect.kept[:size]
    lifted = lift(scores.total, allowed, effect)
    scores = scores._replace(total=lifted.total)
    picks, pool = choose(ranker, history, scores, allowed, rules)
    picks = _with_pins(picks, pins_of(effect, allowed, rules.size), scores, rules.size)
    titles = [pick.title for pick in picks]
    terms = terms_of(ranker, history, scores, np.array(titles, dtype=np.int64))
    why = _reasons(content, history, terms, picks, lifted)
    value = _encode(ranker, viewer, picks, why, (rules, now_ms))
    value = with_feed(value, ranker, history, scores, allowed)
    pins = {pick.title: pick.rule_id for pick in picks if pick.rule_id is not None}
    made = Made(titles, terms, lifted, pins, pool, region, rules.age_max, effect.filters)
    value = with_ranking(value, content, history, made)
    return BuiltSlate(value, [reason.recommendation_type for reason in why])


def _with_pins(
    picks: list[Pick], pins: Sequence[Pin], scores: ViewerScores, size: int
) -> list[Pick]:
    """Put pinned titles into their positions; the others move down and out."""
    titles = {pin.title for pin in pins}
    pinned = [
        (pin.position, Pick(pin.title, _score_of(scores, pin.title), False, pin.rule_id))
        for pin in pins
    ]
    return placed([pick for pick in picks if pick.title not in titles], pinned, size)


def _score_of(scores: ViewerScores, title: int) -> float:
    return selection.rounded_score(float(scores.total[title]))


def _reasons(
    content: ContentSide, history: History, terms: Terms, picks: list[Pick], lifted: Lifted
) -> list[Reason]:
    """Return why each title is where it is; what placed it without a score has its own reason."""
    why = reasons(content, history, terms)
    boosts = lifted.boosts_of(np.array([pick.title for pick in picks], dtype=np.int64))
    if boosts:
        largest = terms.largest().tolist()
        for place, boost in boosts.items():
            why[place] = boosted_reason(why[place], boost, lifted.unit, largest[place])
    return [
        pinned_reason(pick.rule_id) if pick.rule_id else EXPLORATION if pick.explores else reason
        for pick, reason in zip(picks, why, strict=True)
    ]


def choose(
    ranker: Ranker, history: History, scores: ViewerScores, allowed: Flags, rules: SlateRules
) -> Chosen:
    """Return the places of one slate, best first.

    ``allowed`` has a flag per title: whether it may be recommended to this viewer here.
    """
    content, total = ranker.content, scores.total
    supported = ranker.supported(scores.region)[: len(allowed)]
    candidates, count = _candidates(allowed, supported, scores.own)
    pool = selection.best_among(total, candidates, ranker.id_order(), max(POOL, rules.size))
    values = selection.rounded(total, pool)
    taken = np.arange(min(len(pool), rules.size))
    if rules.diversity < 1.0:
        vectors = content.attributes["genre"].vectors_of(pool)
        taken = diversify(values, *vectors, rules.size, rules.diversity)
    titles = pool[taken].tolist()
    scored = zip(titles, values[taken].tolist(), strict=True)
    picks = [Pick(title, value, explores=False) for title, value in scored]
    picks = _explore(ranker, scores, allowed, picks, rules)
    return Chosen(picks, Pool(pool, values, titles, count))


@compiled(types.Tuple((FLAGS, INT)), FLAGS, FLAGS, FLOATS)
def _candidates(allowed: Flags, supported: Flags, own: Floats) -> tuple[Flags, int]:
    """Return which allowed titles something speaks for, and how many they are."""
    found, count = np.empty(len(own), dtype=np.bool_), 0
    for title in range(len(own)):
        found[title] = allowed[title] & (supported[title] | (own[title] > 0.0))
        count += found[title]
    return found, count


def _explore(
    ranker: Ranker, scores: ViewerScores, allowed: Flags, picks: list[Pick], rules: SlateRules
) -> list[Pick]:
    """Put titles that little is known of into their places; the others move down and out."""
    places = budget.places(rules.size, rules.exploration)
    if not places:
        return picks
    shown = [pick.title for pick in picks[: rules.size - len(places)]]
    of = exploration.Shown(allowed, np.array(shown, dtype=np.int64))
    bounds = ranker.upper_bounds()[: len(allowed)]
    chosen = exploration.choose(ranker.id_order(), bounds, scores.own, of, len(places)).tolist()
    explored = [pick for pick in picks if pick.title not in chosen][: rules.size - len(chosen)]
    for place, title in zip(places, chosen, strict=False):
        explored.insert(place, Pick(title, _score_of(scores, title), explores=True))
    return explored


def _encode(
    ranker: Ranker,
    viewer: Viewer,
    picks: Sequence[Pick],
    why: Sequence[Reason],
    how: tuple[SlateRules, int],
) -> bytes:
    """Encode one slate. Field order and absent fields as ``schemas.codec.encode`` has them."""
    rules, now_ms = how
    content, profile = ranker.content, viewer.profile
    model_version = ranker.version
    entries = []
    for pick, reason in zip(picks, why, strict=True):
        entry: dict[str, Any] = {"content_id": content.ids[pick.title]}
        name = content.names[pick.title]
        if name is not None:
            entry["title"] = name
        entry["score"] = pick.score
        entry["recommendation_type"] = reason.recommendation_type
        entry["based_on"] = reason.based_on
        entry["explanation"] = reason.explanation
        entry["generated_at_ms"] = now_ms
        entry["ttl_s"] = rules.ttl_s
        entry["model_version"] = model_version
        entries.append(entry)
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


def canonical_slate(value: bytes) -> bytes:
    """Return an encoded slate without the times at which it was generated, to compare replays."""
    slate = orjson.loads(value)
    for part in (slate, *slate["entries"]):
        part.pop("generated_at_ms", None)
    return orjson.dumps(slate)
