"""Hard rules: windows to the millisecond, regions, ages; the kept mask equals the plain rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.availability import is_available
from domain.ranking.hard_rules import HardRules
from domain.ranking.maturity import AGE_MAX, age_of
from domain.slates import SlateRules
from schemas.content import Content
from tests.unit.domain.ranking.curated import NOW_MS, TITLES, ids, side, slate, title, viewer


def window(region: str | None = None, begin: int | None = None, end: int | None = None) -> dict:
    return {"partner": "acme", "region": region, "from_at_ms": begin, "until_at_ms": end}


def test_a_title_appears_and_leaves_to_the_millisecond() -> None:
    of = side(title("a", availability=(window(None, NOW_MS, NOW_MS + 60_000),)))
    seen = [
        "a" in ids(slate(of, now_ms=now_ms))
        for now_ms in (NOW_MS - 1, NOW_MS, NOW_MS + 59_999, NOW_MS + 60_000, NOW_MS + 59_999)
    ]
    assert seen == [False, True, True, False, True]  # the last one back in time, as in a replay


def test_the_viewers_region_decides() -> None:
    of = side(title("a", availability=(window("US"), window("DE", NOW_MS + 1))))
    assert ids(slate(of, who=viewer("US"))) == TITLES
    assert ids(slate(of, who=viewer("DE"))) == TITLES[1:]
    assert ids(slate(of, who=viewer("DE"), now_ms=NOW_MS + 1)) == TITLES
    assert ids(slate(of, who=viewer("FR"))) == TITLES[1:]
    assert ids(slate(of, who=viewer())) == TITLES  # anywhere will do


def test_a_changed_title_counts_at_once() -> None:
    of = side()
    assert ids(slate(of)) == TITLES
    of.put_content(title("a", availability=(window(None, None, NOW_MS),)))
    assert ids(slate(of)) == TITLES[1:]
    of.put_content(title("a"))
    assert ids(slate(of)) == TITLES


def test_titles_for_older_viewers_and_unrated_ones_are_out_under_a_limit() -> None:
    of = side(title("a", maturity_rating="R"), title("b", maturity_rating="TV-Y7"), title("c"))
    assert ids(slate(of)) == TITLES
    limited = SlateRules(size=20, ttl_s=60, diversity=1.0, age_max=12)
    assert ids(slate(of, shape=limited)) == "b"


@pytest.mark.parametrize(
    ("rating", "age"),
    [
        ("G", 0), ("PG", 7), ("pg-13", 13), ("R", 17), ("NC-17", 18), ("TV-MA", 17), ("TV-14", 14),
        (" TV-Y7-FV ", 7), ("FSK 0", 0), ("FSK-16", 16), ("FSK16", 16), ("12A", 12), ("18+", 18),
        ("PEGI 7", 7), ("U", 0), ("19", AGE_MAX), ("NR", AGE_MAX), ("", AGE_MAX), (None, AGE_MAX),
        ("1 of 5", AGE_MAX),
    ],
)  # fmt: skip
def test_ages_of_ratings(rating: str | None, age: int) -> None:
    assert age_of(rating) == age


times = st.none() | st.integers(0, 6)
windows = st.lists(st.builds(window, st.sampled_from([None, "DE", "US"]), times, times), max_size=3)
contents = st.none() | st.builds(
    lambda found, rating: title("x", availability=tuple(found), maturity_rating=rating),
    windows,
    st.sampled_from([None, "G", "R"]),
)
steps = st.lists(st.tuples(st.integers(0, 3), contents, st.integers(0, 7)), max_size=15)


@given(steps)
def test_the_kept_mask_is_the_plain_rule(steps: list[tuple[int, Content | None, int]]) -> None:
    rules, known = HardRules(), dict[int, Content]()
    for number, content, now_ms in steps:
        rules.put(number, content)
        known.pop(number, None)
        if content is not None:
            known[number] = content
        for region in (None, "DE", "FR"):
            for age_max in (12, AGE_MAX):
                expected = [
                    number not in known
                    or (
                        is_available(known[number], region, now_ms)
                        and age_of(known[number].maturity_rating) <= age_max
                    )
                    for number in range(4)
                ]
                assert rules.allowed(region, age_max, now_ms, 4).tolist() == expected


def test_titles_that_are_not_known_yet_and_far_ones_have_a_flag() -> None:
    rules = HardRules()
    rules.put(3000, title("x", availability=(window("US"),)))
    flags = rules.allowed("DE", AGE_MAX, NOW_MS, 5000)
    assert np.flatnonzero(~flags).tolist() == [3000]
    assert len(flags) == 5000
