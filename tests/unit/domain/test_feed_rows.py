"""Feed rows over hand-made content sides: by hand, by the sources themselves, and their limits."""

import math

import numpy as np
import pytest

from domain.feed_rows import BECAUSE_ROWS, ROW_SIZE, because_rows, log_partition, new_row
from domain.ranking.exploration import NEW_DAYS, NEW_MAX, VIEWERS_MAX, new_titles
from domain.ranking.history import RECENT, make_history
from domain.ranking.scoring import Ranker
from domain.seen import Seen
from domain.slate_index import COWATCH, NEXT, TABLES, TOGETHER, ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import NAMES, PERSONAL, first_model
from domain.viewer_profile import ViewerProfile
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.slate import Slate
from schemas.times import DAY_MS

RULES = SlateRules(size=3, ttl_s=60)
AT_MS = 1_767_000_000_000


def content(content_id: str, **fields) -> Content:
    given = {"type": "movie", "title": content_id.upper(), "updated_at_ms": 0} | fields
    return Content.model_validate({"content_id": content_id, **given})


def side(titles: str = "abcdefgxyz", **rows: dict[str, dict[str, float]]) -> ContentSide:
    found = ContentSide()
    for title in titles:
        found.put_content(content(title))
    for table, by_title in rows.items():
        for title, row in by_title.items():
            found.put_row(table, title, list(row), np.array(list(row.values())))
    return found


def scored(of: ContentSide, seen: dict[str, Seen]):
    ranker = Ranker(of, first_model())
    history = make_history(of, seen)
    scores = ranker.score(history)
    allowed = of.recommendable[: len(of.ids)].copy()
    allowed[history.homes] = False
    return ranker, history, scores, allowed


def watched(*titles: str, evidence: float = 1.0) -> dict[str, Seen]:
    """The last one named is the newest."""
    return {
        title: Seen(number, evidence, engaged=True, watched=True)
        for number, title in enumerate(titles)
    }


def because(of: ContentSide, seen: dict[str, Seen]) -> list[tuple[str, list[str]]]:
    ranker, history, scores, allowed = scored(of, seen)
    return [
        (row["because_of"], [entry["content_id"] for entry in row["entries"]])
        for row in because_rows(ranker, history, scores, allowed)
    ]


def test_terms_of_three_tables_are_weighted_by_the_value_model_and_added() -> None:
    of = side(
        cowatch={"a": {"b": 0.02, "c": 0.01}},
        together={"a": {"c": 0.005, "d": 0.009}},
        next={"a": {"c": 0.5, "e": 0.1}},
    )
    # First weights 1, scales 0.01: each factor is 100. Sums of the first two tables count tenfold,
    # for they are halfway at 0.1; those of the last a tenth, for they are decayed, with a mass of
    # 10. So b 0.02 * 2000 = 40; c 0.01 * 2000 + 0.005 * 1000 + 0.5 * 10 = 30; d 9; e 1.
    assert because(of, watched("a")) == [("a", ["b", "c", "d", "e"])]


def test_the_order_is_that_of_scores_of_a_history_of_the_title_alone() -> None:
    rng = np.random.default_rng(4)
    titles = [chr(letter) for letter in range(ord("a"), ord("z"))]
    rows = {
        table: {
            title: {other: float(rng.random() * 1e-5) for other in rng.choice(titles, 9).tolist()}
            for title in titles
        }
        for table in TABLES
    }
    of = side("".join(titles), **rows)
    ranker, history, scores, allowed = scored(of, watched("q", "b", "m"))
    found = next(because_rows(ranker, history, scores, allowed))
    _, _, alone, _ = scored(of, watched("m"))
    names = ("cowatch", "cowatch_recent", "together", "next_title")
    factors = np.where(np.isin(NAMES[: len(PERSONAL)], names), scores.factors[: len(PERSONAL)], 0.0)
    total = np.zeros(len(of.ids))
    alone.personal.add(factors, np.zeros(len(PERSONAL), dtype=np.int64), total[np.newaxis])
    best = sorted(
        (title for title in range(len(of.ids)) if allowed[title] and total[title] > 0),
        key=lambda title: -total[title],
    )  # fmt: skip
    expected = [of.ids[title] for title in best[:ROW_SIZE]]
    assert found["because_of"] == "m"
    assert [entry["content_id"] for entry in found["entries"]] == expected
    assert [entry["score"] for entry in found["entries"]] == pytest.approx(
        scores.total[best[:ROW_SIZE]], abs=1e-6
    )


def test_the_newest_titles_with_neighbours_are_named_at_most_two() -> None:
    of = side(cowatch={title: {"x": 0.1, "y": 0.2} for title in "abd"})
    assert because(of, watched("a", "b", "c")) == [("b", ["y", "x"]), ("a", ["y", "x"])]
    rows = because(of, watched("a", "b", "d", "c"))
    assert [cause for cause, _ in rows] == ["d", "b"]
    assert len(rows) == BECAUSE_ROWS


def test_only_what_was_watched_with_full_evidence_is_named() -> None:
    of = side(cowatch={title: {"x": 0.1} for title in "abc"})
    seen = watched("a") | watched("b", evidence=0.9)
    seen["c"] = Seen(9, 1.0, engaged=True, watched=False)  # rated high without watching
    assert because(of, seen) == [("a", ["x"])]
    assert because(of, {}) == []


def test_equal_times_and_equal_terms_go_by_content_id() -> None:
    of = side(cowatch={title: {"z": 0.1, "x": 0.1, "y": 0.1} for title in "ab"})
    seen = {title: Seen(5, 1.0, engaged=True, watched=True) for title in "ba"}
    assert because(of, seen) == [("a", ["x", "y", "z"]), ("b", ["x", "y", "z"])]


def test_what_may_not_be_recommended_is_in_no_row() -> None:
    of = side(cowatch={"a": {"b": 0.3, "c": 0.2, "d": 0.1, "gone": 0.4}, "c": {"a": 0.5}})
    of.remove_content("b")
    rows = because(of, watched("a", "c"))
    assert rows == [("a", ["d"])]  # c only leads to a, which was watched


def test_episodes_count_for_their_series_on_both_sides() -> None:
    of = side("ax")
    of.put_content(content("show", type="series", title="Show"))
    for number in (1, 2):
        of.put_content(content(f"e{number}", type="episode", series_id="show"))
    of.put_content(content("old", type="series"))
    of.put_content(content("o1", type="episode", series_id="old"))
    of.put_row(COWATCH, "e1", ["o1", "x"], np.array([0.2, 0.1]))
    of.put_row(COWATCH, "e2", ["x"], np.array([0.3]))
    of.put_row(NEXT, "show", ["a"], np.array([0.5]))
    ranker, history, scores, allowed = scored(of, watched("e1", "e2"))
    (row,) = because_rows(ranker, history, scores, allowed)  # one series, one row
    assert (row["because_of"], row["because_of_title"]) == ("e2", "Show")
    assert [entry["content_id"] for entry in row["entries"]] == ["x", "a"]
    ranker, history, scores, allowed = scored(of, watched("e1"))
    (row,) = because_rows(ranker, history, scores, allowed)
    assert [entry["content_id"] for entry in row["entries"]] == ["old", "x", "a"]


def test_a_source_that_learned_to_be_worth_nothing_adds_nothing() -> None:
    of = side(together={"a": {"b": 0.9}}, cowatch={"a": {"c": 0.1}})
    ranker, history, _, allowed = scored(of, watched("a"))
    ranker.model.weights[:, NAMES.index("together")] = 0.0
    (row,) = because_rows(ranker, history, ranker.score(history), allowed)
    assert [entry["content_id"] for entry in row["entries"]] == ["c"]


def test_new_titles_are_unknown_or_young_and_the_newest_release_comes_first() -> None:
    of = ContentSide()
    for name, year in (("old", 1950), ("fresh", 2020), ("known", 2024), ("young", 2023)):
        of.put_content(content(name, release_year=year))
    of.put_content(content("undated"))
    of.put_content(content("pilot", type="episode", series_id="undated", release_year=2025))
    now_ms = AT_MS + int(2 * NEW_DAYS) * DAY_MS
    of.statistics.add(of.index["known"], AT_MS, int(VIEWERS_MAX), 0)
    of.statistics.add(of.index["old"], AT_MS, int(VIEWERS_MAX) - 1, 0)
    of.statistics.add(of.index["young"], now_ms, 50, 0)
    assert [of.ids[title] for title in new_titles(of)] == ["young", "fresh", "old", "undated"]


def test_of_many_new_titles_the_newest_stay_whatever_the_order_of_arrival() -> None:
    years = {f"t{number:04d}": 1900 + number % 100 for number in range(NEW_MAX + 100)}
    found = []
    for names in (list(years), sorted(years, reverse=True)):
        of = ContentSide()
        for name in names:
            of.put_content(content(name, release_year=years[name]))
        found.append([of.ids[title] for title in new_titles(of)])
    assert found[0] == found[1] == sorted(years, key=lambda name: (-years[name], name))[:NEW_MAX]


def test_new_for_you_goes_by_score_and_leaves_out_what_was_seen() -> None:
    of = ContentSide()
    for name, genre, year in (
        ("seen", "War", 2001), ("war", "War", 2001), ("love", "Romance", 2001),
        ("late", "Romance", 2020),
    ):  # fmt: skip
        of.put_content(content(name, genres=[genre], release_year=year))
    ranker, _, scores, allowed = scored(of, watched("seen"))
    (row,) = new_row(ranker, scores, allowed)
    assert row["name"] == "new_for_you"
    assert [entry["content_id"] for entry in row["entries"]] == ["war", "love", "late"]
    ranker, _, scores, allowed = scored(of, {})
    (row,) = new_row(ranker, scores, allowed)
    assert [entry["content_id"] for entry in row["entries"]] == ["late", "love", "seen", "war"]
    assert new_row(ranker, scores, np.zeros(len(of.ids), dtype=bool)) == []


def test_the_partition_makes_probabilities_of_scores() -> None:
    rng = np.random.default_rng(2)
    total, allowed = rng.normal(scale=4.0, size=20_000) - 300.0, rng.random(20_000) < 0.9
    exact = math.log(np.exp(total[allowed] + 300.0).sum()) - 300.0
    assert log_partition(total, allowed) == pytest.approx(exact, abs=1e-4)


def test_a_title_far_above_all_that_may_be_recommended_is_left_out_of_the_partition() -> None:
    total, allowed = np.array([900.0, 1.0, 1.0]), np.array([False, True, True])
    assert log_partition(total, allowed) == pytest.approx(1.0 + math.log(2.0), abs=1e-4)


def test_rows_and_partition_do_not_depend_on_the_order_of_arrival() -> None:
    rng = np.random.default_rng(8)
    names = [f"t{number:04d}" for number in range(3000)]
    rows = {name: (rng.choice(names, 40).tolist(), rng.random(40)) for name in names[:60]}
    values = []
    for order in (names, names[::-1], rng.permutation(names).tolist()):
        of = ContentSide()
        for name in order:
            number = int(name[1:])
            genres = ["Drama", "War"][: 1 + number % 2]
            of.put_content(content(name, genres=genres, release_year=1950 + number % 70))
        for name in order:
            if name in rows:
                of.put_row(TABLES[int(name[1:]) % 3], name, *rows[name])
        viewer = Viewer("u", profile(*names[:30]))
        values.append(build_slates(Ranker(of, first_model()), [viewer], RULES, 5)[0].value)
    assert values[0] == values[1] == values[2]
    assert len(decode(Slate, values[0]).rows) == BECAUSE_ROWS + 1


def profile(*titles: str) -> ViewerProfile:
    found = ViewerProfile()
    for number, title in enumerate(titles, 1):
        found.merge(
            Interaction(
                interaction_id=f"i{number}", user_id="u", content_id=title, kind="completed",
                epoch=0, progress=1.0, occurred_at_ms=number, event_id=f"e{number}",
                source_offset=number,
            )
        )  # fmt: skip
    return found


def test_slates_carry_the_rows_in_the_codecs_bytes() -> None:
    of = side(together={"a": {"b": 0.9}})
    of.put_row(TOGETHER, "c", ["d"], np.array([0.5]))
    (built,) = build_slates(Ranker(of, first_model()), [Viewer("u", profile("a", "c"))], RULES, 5)
    slate = decode(Slate, built.value)
    assert encode(slate) == built.value
    assert [(row.name, row.because_of) for row in slate.rows] == [
        ("because_you_watched", "c"), ("because_you_watched", "a"), ("new_for_you", None),
    ]  # fmt: skip
    assert slate.rows[0].because_of_title == "C"
    assert slate.log_partition is not None
    by_id = {entry.content_id: entry.score for entry in slate.entries}
    for row in slate.rows:
        assert all(by_id.get(entry.content_id, entry.score) == entry.score for entry in row.entries)
    assert RECENT.mass == pytest.approx(10.0)


def test_a_slate_without_anything_to_recommend_has_no_rows() -> None:
    (built,) = build_slates(Ranker(side("a"), first_model()), [Viewer("u", profile("a"))], RULES, 5)
    slate = decode(Slate, built.value)
    assert (slate.rows, slate.log_partition) == ((), None)
    assert encode(slate) == built.value
