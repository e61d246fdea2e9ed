"""Catalogues, profiles, models and slates for the tests of ranking, in a few words each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from domain.evidence import PROGRESS_MIN
from domain.ranking.history import make_history
from domain.ranking.reasons import reasons, terms_of
from domain.ranking.scoring import Ranker, ViewerScores
from domain.ranking.value_model import ValueModel
from domain.seen import Seen
from domain.slate_index import COWATCH, TABLES, ContentSide
from domain.slates import SlateRules, Viewer, build_slates, choose
from domain.sources.registry import IS_PERSONAL, NAMES
from domain.viewer_profile import ViewerProfile
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.slate import Slate
from schemas.trending import TrendingEntry, TrendingPartial

TITLES = [f"t{number:02d}" for number in range(60)]
EPISODES = [f"e{number:02d}" for number in range(12)]
SHOWS = ["show0", "show1", "show2"]
VALUES = {
    "genres": ("Crime", "Love", "Space", "War"), "cast": ("Ann", "Bob", "Cid", "Dan", "Eve"),
    "directors": ("Fay", "Gus"), "themes": ("dark", "funny"),
}  # fmt: skip
BY_SCORE = SlateRules(size=5, ttl_s=60, diversity=1.0)


def title(content_id: str, kind: str = "movie", **fields: object) -> Content:
    """A title; its name is its id in capitals."""
    return Content.model_validate(
        {"content_id": content_id, "type": kind, "title": content_id.upper(), "updated_at_ms": 0}
        | fields
    )


def trending(scores: dict[str, float], region: str = "ZZ", shard: str = "0") -> TrendingPartial:
    """A partial of one region."""
    return TrendingPartial(
        shard=shard, as_of_ms=1000, half_life_ms=1000,
        entries=tuple(
            TrendingEntry(content_id=name, region=region, score=value, viewers=1)
            for name, value in scores.items()
        ),
    )  # fmt: skip


def side_of(contents: Iterable[Content]) -> ContentSide:
    """A content side that knows some titles."""
    found = ContentSide()
    for content in contents:
        found.put_content(content)
    return found


def put_row(of: ContentSide, watched: str, *, table: str = COWATCH, **weights: float) -> None:
    """Set one row of a table."""
    of.put_row(table, watched, list(weights), np.array(list(weights.values())))


def random_side(order_seed: int = 0) -> ContentSide:
    """Films, series and episodes with values for every source; the seed shuffles their arrival."""
    rng = np.random.default_rng(3)
    contents = [
        title(
            name,
            release_year=int(rng.integers(1950, 2020)) if rng.random() < 0.9 else None,
            **{
                field: tuple(rng.choice(values, rng.integers(3), replace=False).tolist())
                for field, values in VALUES.items()
            },
        )
        for name in TITLES
    ]
    contents += [title(name, "series", genres=("Crime",), release_year=2001) for name in SHOWS]
    contents += [
        title(name, "episode", series_id=SHOWS[number % len(SHOWS)])
        for number, name in enumerate(EPISODES)
    ]
    watched = np.array([*TITLES, *EPISODES, *SHOWS])
    rows = {}
    for table in TABLES:
        for name in watched.tolist():
            others = rng.choice(watched[watched != name], 8, replace=False).tolist()
            rows[table, name] = dict(zip(others, (rng.random(8) ** 3).tolist(), strict=True))
    order = np.random.default_rng(order_seed).permutation(len(contents)).tolist()
    of = side_of(contents[place] for place in order)
    for table, name in rows:
        put_row(of, name, table=table, **rows[table, name])
    for number, name in enumerate([*TITLES, *SHOWS]):  # each against earlier texts
        others = rng.permutation([*TITLES, *SHOWS][:number])[:4].tolist()
        of.put_pairs(name, number + 1, others, rng.random(len(others)))
    for number, name in enumerate([*TITLES[5:], *SHOWS]):
        of.statistics.add(of.index[name], number * 40_000_000, 1 + number % 13, number % 4)
    of.put_trending(trending({name: 1.0 + number % 7 for number, name in enumerate(TITLES[::2])}))
    return of


@st.composite
def watchers_of(draw: st.DrawFn, names: Sequence[str]) -> dict[str, Seen]:
    """What a viewer did with some titles: with many ties, and some only decided about."""
    seen = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=40)):
        evidence = draw(st.sampled_from([0.0, PROGRESS_MIN, 0.7, 1.0, 1.0]))
        engaged = evidence > 0.0 or draw(st.booleans())
        seen[name] = Seen(draw(st.integers(0, 30)), evidence, engaged, watched=evidence > 0.0)
    return seen


def interaction(number: int, **fields: object) -> Interaction:
    """The completion of a title, unless said otherwise, at ``number * 10`` ms."""
    return Interaction.model_validate(
        {
            "interaction_id": f"i{number}", "user_id": "u", "content_id": "c", "kind": "completed",
            "epoch": 0, "progress": 1.0, "occurred_at_ms": number * 10, "event_id": f"e{number}",
            "source_offset": number,
        }
        | fields
    )  # fmt: skip


def profile(*given: dict) -> ViewerProfile:
    """The profile after interactions, oldest first."""
    found = ViewerProfile()
    for number, fields in enumerate(given, 1):
        found.merge(interaction(number, **fields))
    return found


def completed(*content_ids: str) -> ViewerProfile:
    """The profile of somebody who completed titles, oldest first."""
    return profile(*({"content_id": content_id} for content_id in content_ids))


def model_of(warm: dict[str, float], cold: dict[str, float] | None = None) -> ValueModel:
    """A model of some sources by weight, with scales of 1; cold weights are warm if not given."""
    found = ValueModel.first(NAMES, IS_PERSONAL, [0.0] * len(NAMES), [1.0] * len(NAMES))
    for row, weights in enumerate((warm if cold is None else cold, warm)):
        for name, weight in weights.items():
            found.weights[row, NAMES.index(name)] = weight
    return found


def slate_of(
    of: ContentSide, viewer: ViewerProfile, model: ValueModel, rules: SlateRules = BY_SCORE
) -> Slate:
    """The decoded slate of one viewer; its bytes are checked to be the codec's."""
    (built,) = build_slates(Ranker(of, model), [Viewer("u", viewer)], rules, 5000)
    found = decode(Slate, built.value)
    assert encode(found) == built.value
    assert [entry.recommendation_type for entry in found.entries] == built.kinds
    return found


def values_of(ranker: Ranker, viewers: Sequence[Viewer], rules: SlateRules) -> list[bytes]:
    """The encoded slates of viewers."""
    return [built.value for built in build_slates(ranker, viewers, rules, 5)]


def ids_of(found: Slate) -> list[str]:
    """The titles of a slate, best first."""
    return [entry.content_id for entry in found.entries]


class Named(NamedTuple):
    """A title of a slate, and a title of the viewer that its reason names."""

    content_id: str
    cause: str
    before: float  # the score
    after: float  # the score if the viewer had not touched the cause


def named_causes(ranker: Ranker, seen: Mapping[str, Seen], rules: SlateRules) -> list[Named]:
    """Every title of a viewer that the reasons of their slate name, largest first for each entry.

    Scored again from nothing without each: at the same weights, if enough titles are left.
    """
    content = ranker.content
    history = make_history(content, seen)
    scores = ranker.score(history)
    allowed = content.recommendable[: len(scores.total)].copy()
    allowed[history.homes] = False
    titles = np.array(
        [pick.title for pick in choose(ranker, history, scores, allowed, rules).picks],
        dtype=np.int64,
    )
    why = reasons(content, history, terms_of(ranker, history, scores, titles))
    without: dict[str, ViewerScores] = {}
    found = []
    for place, reason in zip(titles, why, strict=True):
        for cause in reason.based_on:
            if cause not in seen:
                continue
            if cause not in without:
                left = {content_id: did for content_id, did in seen.items() if content_id != cause}
                without[cause] = ranker.score(make_history(content, left))
            before, after = float(scores.total[place]), float(without[cause].total[place])
            found.append(Named(content.ids[place], cause, before, after))
    return found
