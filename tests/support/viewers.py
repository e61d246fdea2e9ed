"""A catalogue under rules, and random viewers of it: what they did as profiles and watch states."""

import random
from typing import NamedTuple

import numpy as np

from domain.ranking.scoring import Ranker
from domain.slate_index import TABLES
from domain.slates import SlateRules, Viewer
from domain.sources.registry import first_model
from domain.viewer_profile import ViewerProfile
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.watch_state import WatchState
from tests.support.ranking import interaction, put_row, side_of, title, trending

NOW_MS = 1_800_000_000_000
FILMS = [f"f{number:03d}" for number in range(480)]
SHOWS = [f"s{number}" for number in range(4)]
GENRES = ("Comedy", "Crime", "Romance", "War")
SHAPE = SlateRules(size=12, ttl_s=60, diversity=0.6, exploration=0.1, age_max=16)
RULES = (
    {"rule_id": "boost-war", "action": "boost", "match": {"genres": ["War"]}, "strength": 0.5},
    {"rule_id": "bury-romance", "action": "bury", "match": {"genres": ["Romance"]}, "strength": 1},
    {"rule_id": "no-swedish", "action": "filter", "match": {"languages": ["sv"]}},
    {"rule_id": "pin-films", "action": "pin", "match": {"content_ids": ["f007"]}, "position": 3},
    {"rule_id": "spain", "action": "filter", "match": {"themes": ["dark"]}, "regions": ["ES"]},
)  # fmt: skip
# kind of interaction -> what it makes of the watch state
DID = {
    "completed": {"completed": True, "completions": 1, "started_at_ms": 1, "progress": 1.0},
    "progressed": {"resumable": True, "started_at_ms": 1, "progress": 0.4},
    "started": {"started_at_ms": 1},
    "rated": {"rating": 4.5},
    "hidden": {"hidden": True},
    "dismissed": {"dismissed": True},
}  # fmt: skip


def rules() -> list[RankingRule]:
    """Two lifts, two filters and a pin."""
    return [RankingRule.model_validate(fields) for fields in RULES]


def contents() -> list[Content]:
    """Films, other cuts of some, series, seasons and episodes; some cannot be shown to all."""
    rng = random.Random(7)
    found = [
        title(
            name,
            genres=tuple(rng.sample(GENRES, rng.randrange(3))),
            themes=rng.choice([("dark",), ()]),
            language=rng.choice(["sv", "en", "en", "en"]),
            maturity_rating=rng.choice(["PG-13", "PG-13", "G", "NC-17"]),
            availability=rng.choice(
                [
                    (), ({"partner": "acme", "region": "ES"},),
                    ({"partner": "acme", "until_at_ms": NOW_MS + rng.choice([0, 1])},),
                ]
            ),
        )
        for name in FILMS
    ]  # fmt: skip
    found += [title(f"cut-{name}", version_of=name) for name in FILMS[:80:4]]
    for name in SHOWS:
        found.append(title(name, "series", genres=("Crime",), maturity_rating="G"))
        found.append(title(f"{name}-1", "season", series_id=name))
        found += [title(f"{name}e{number}", "episode", series_id=name) for number in range(3)]
    return [*found, title("stray", "episode", series_id="unknown")]


def ranker() -> Ranker:
    """What scores the viewers: rows, statistics of half the titles, trends, the rules."""
    rng = np.random.default_rng(4)
    of = side_of(contents())
    names = np.array([content_id for content_id in of.ids if content_id != "unknown"])
    for table in TABLES:
        for name in names.tolist():
            others = rng.choice(names[names != name], 6, replace=False).tolist()
            weights = (rng.random(6) ** 3).tolist()
            put_row(of, name, table=table, **dict(zip(others, weights, strict=True)))
    for number, name in enumerate(FILMS[::2]):
        of.statistics.add(of.index[name], number * 40_000_000, 1 + number % 13, number % 4)
    of.put_trending(trending({name: 1.0 + number % 7 for number, name in enumerate(FILMS[::5])}))
    for rule in rules():
        of.ranking_rules.put(rule)
    return Ranker(of, first_model())


class Watcher(NamedTuple):
    """A viewer with the watch states behind the profile."""

    viewer: Viewer
    states: list[WatchState]


def watchers(count: int) -> list[Watcher]:
    """Viewers of nothing, of a few titles and of many, in different regions."""
    rng = random.Random(11)
    names = [content.content_id for content in contents()]
    return [
        watcher(f"u{number}", rng.choice(["ES", "DE", None]), rng.sample(names, number), rng)
        for number in range(count)
    ]


def watcher(user_id: str, region: str | None, names: list[str], rng: random.Random) -> Watcher:
    """Somebody who did one thing with each of some titles, and began one that nobody knows."""
    profile = ViewerProfile()
    profile.merge(interaction(1, content_id="gone", kind="started", progress=0.0, region=region))
    states = []
    for number, name in enumerate(names, 2):
        kind = rng.choice(["completed", *DID])
        did = DID[kind]
        profile.merge(
            interaction(
                number, content_id=name, kind=kind, region=region,
                progress=did.get("progress", 0.0), rating=did.get("rating"),
            )
        )  # fmt: skip
        states.append(state(user_id, name, **did))
    return Watcher(Viewer(user_id, profile), states)


def state(user_id: str, content_id: str, **fields: object) -> WatchState:
    """The state of a title with which nothing was done, unless said otherwise."""
    return WatchState.model_validate(
        {
            "user_id": user_id, "content_id": content_id, "epoch": 0, "completions": 0,
            "completed": False, "watched_s": 0, "position_s": 0, "duration_s": 100, "progress": 0,
            "resumable": False, "updated_at_ms": 10, "source_offset": 1,
        }
        | fields
    )  # fmt: skip
