"""The slates agent under ranking rules: the next slate of a viewer has what changed."""

import orjson

from agents.slates import SPEC
from infra.settings import Settings
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.ranking_rule import RankingRule
from schemas.trending import TrendingEntry, TrendingPartial
from tests.support.driving import Driver, record_of
from topics.catalog import CONTENTS, RANKING_RULES, TRENDING

SETTINGS = Settings(slate_size=5, slate_refresh_ms=250, slate_diversity=1.0, exploration_budget=0.0)


def ready(settings: Settings = SETTINGS, **windows: tuple[dict, ...]) -> Driver:
    driver = Driver(SPEC, settings)
    load(driver, **windows)
    return driver


def load(driver: Driver, **windows: tuple[dict, ...]) -> None:
    for name in "abcd":
        content = Content.model_validate(
            {
                "content_id": name, "type": "movie", "title": name.upper(), "updated_at_ms": 0,
                "availability": windows.get(name, ()), "maturity_rating": "PG-13",
            }
        )  # fmt: skip
        driver.step.on_replica(CONTENTS, [record_of(CONTENTS, content)])
    part = TrendingPartial(
        shard="0", as_of_ms=1000, half_life_ms=1000,
        entries=tuple(
            TrendingEntry(content_id=name, region="ZZ", score=9.0 - place, viewers=1)
            for place, name in enumerate("abcd")
        ),
    )  # fmt: skip
    driver.step.on_replica(TRENDING, [record_of(TRENDING, part)])


def listed(driver: Driver, number: int, now_ms: int, region: str | None = None) -> list[str]:
    """The titles of the slate that a viewer's next interaction brings."""
    interaction = Interaction.model_validate(
        {
            "interaction_id": f"i{number}", "user_id": "u", "content_id": "z", "kind": "started",
            "epoch": 0, "progress": 0.0, "occurred_at_ms": now_ms, "event_id": f"e{number}",
            "source_offset": number, "region": region,
        }
    )  # fmt: skip
    (emit,) = driver.feed([interaction], now_ms=now_ms).emits
    return [entry["content_id"] for entry in orjson.loads(emit.value or b"")["entries"]]


def put(driver: Driver, **fields: object) -> None:
    rule = RankingRule.model_validate({"rule_id": "r"} | fields)
    driver.step.on_replica(RANKING_RULES, [record_of(RANKING_RULES, rule)])


def test_the_next_slate_has_a_changed_rule() -> None:
    driver = ready()
    assert listed(driver, 1, 10_000) == ["a", "b", "c", "d"]
    put(driver, action="pin", match={"content_ids": ["d"]}, position=2)
    assert listed(driver, 2, 11_000) == ["a", "d", "b", "c"]
    put(driver, action="filter", match={"content_ids": ["a", "c"]})
    assert listed(driver, 3, 12_000) == ["b", "d"]
    put(driver, action="filter", match={"content_ids": ["a", "c"]}, enabled=False)
    assert listed(driver, 4, 13_000) == ["a", "b", "c", "d"]
    put(driver, action="bury", match={"content_ids": ["a"]}, strength=10)
    assert listed(driver, 5, 14_000) == ["b", "c", "d", "a"]
    tombstone = record_of(RANKING_RULES, None)._replace(key=b"r")
    driver.step.on_replica(RANKING_RULES, [tombstone])
    assert listed(driver, 6, 15_000) == ["a", "b", "c", "d"]


def test_rules_that_arrive_before_the_contents_hold() -> None:
    driver = Driver(SPEC, SETTINGS)
    put(driver, action="filter", match={"content_ids": ["b"], "maturity_ratings": ["pg-13"]})
    load(driver)
    assert listed(driver, 1, 10_000) == ["a", "c", "d"]


def test_a_slate_holds_what_is_available_to_the_viewer_now() -> None:
    driver = ready(
        a=({"partner": "acme", "region": "US"},),
        b=({"partner": "acme", "from_at_ms": 11_000, "until_at_ms": 12_000},),
    )
    assert listed(driver, 1, 10_000, "DE") == ["c", "d"]
    assert listed(driver, 2, 11_000) == ["b", "c", "d"]
    assert listed(driver, 3, 12_000, "US") == ["a", "c", "d"]


def test_the_age_limit_of_the_deployment_holds() -> None:
    limits = {age: Settings(slate_age_max=age, slate_refresh_ms=0) for age in (12, 13)}
    assert listed(ready(limits[12]), 1, 10_000) == []
    assert set(listed(ready(limits[13]), 1, 10_000)) == set("abcd")
