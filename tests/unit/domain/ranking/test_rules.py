"""Ranking rules: each action, each kind of match, and that nothing else changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranking.curation import boosted_reason, lift, placed
from domain.ranking.reasons import Reason
from domain.ranking.rules import NO_EFFECT, Boost, RuleBook, problems
from domain.slates import SlateRules
from schemas.content import Content
from schemas.ranking_rule import RankingRule
from schemas.slate import Slate, SlateEntry
from tests.unit.domain.ranking.curated import NOW_MS, TITLES, ids, rule, side, slate, title, viewer

TAGGED = title(
    "d",
    type="documentary",
    genres=("Science Fiction", "Drama"),
    themes=("Deep  Sea",),
    directors=("Agnès Varda",),
    maturity_rating="PG-13",
    language="fr",
    partner_ids={"acme": "77"},
    availability=({"partner": "bolt"},),
)
MATCHES = [
    {"content_ids": ["d"]},
    {"genres": ["sci-fi"]},
    {"genres": ["Horror", "drama"]},
    {"themes": ["deep sea"]},
    {"directors": [" AGNÈS  varda"]},
    {"types": ["documentary"]},
    {"maturity_ratings": ["pg-13"]},
    {"languages": ["FR"]},
    {"partners": ["acme"]},
    {"partners": ["bolt"]},
    {"genres": ["Drama"], "languages": ["fr"], "content_ids": ["c", "d"]},
]
MISSES = [
    {"content_ids": ["D"]},
    {"genres": ["Horror"]},
    {"themes": ["sea"]},
    {"languages": ["fra"]},
    {"partners": ["other"]},
    {"genres": ["Drama"], "languages": ["en"]},
]


def test_without_rules_the_list_is_by_score() -> None:
    assert ids(slate(side())) == TITLES


@pytest.mark.parametrize("match", MATCHES, ids=str)
def test_each_kind_of_match_moves_the_title_that_has_it_and_no_other(match: dict) -> None:
    assert ids(slate(side(TAGGED), [rule("filter", match)])) == "abcefghij"
    assert ids(slate(side(TAGGED), [rule("boost", match, strength=9)])) == "dabcefghij"
    assert ids(slate(side(TAGGED), [rule("bury", match, strength=9)])) == "abcefghijd"


@pytest.mark.parametrize("match", MISSES, ids=str)
def test_a_match_that_lacks_one_thing_changes_nothing(match: dict) -> None:
    assert slate(side(TAGGED), [rule("filter", match)]) == slate(side(TAGGED))


def test_a_pin_takes_its_position_and_says_so() -> None:
    found = slate(side(), [rule("pin", {"content_ids": ["h"]}, "premiere", position=3)])
    assert ids(found) == "abhcdefgij"
    pinned = found.entries[2]
    assert pinned.based_on == ("rule:premiere",)
    assert (pinned.recommendation_type, pinned.explanation) == ("context_aware", "Featured")
    assert pinned.score == slate(side()).entries[7].score
    assert {entry.explanation for entry in found.entries if entry != pinned} == {"Trending now"}


def test_a_pin_moves_the_last_title_out_of_a_full_list() -> None:
    shape = SlateRules(size=4, ttl_s=60, diversity=1.0)
    pin = rule("pin", {"content_ids": ["h"]}, position=2)
    assert ids(slate(side(), [pin], shape=shape)) == "ahbc"


def test_pins_for_one_position_follow_each_other_by_rule_id() -> None:
    pins = [
        rule("pin", {"content_ids": ["h"]}, "z", position=2),
        rule("pin", {"content_ids": ["i"]}, "b", position=2),
        rule("pin", {"content_ids": ["j"]}, "a", position=4),
    ]
    assert ids(slate(side(), pins)) == "aihjbcdefg"
    assert ids(slate(side(), reversed(pins))) == "aihjbcdefg"


def test_two_pins_of_one_title_are_one() -> None:
    pins = [
        rule("pin", {"content_ids": ["h"]}, name, position=at) for name, at in (("x", 5), ("y", 2))
    ]
    found = slate(side(), pins)
    assert ids(found) == "ahbcdefgij"
    assert found.entries[1].based_on == ("rule:y",)


def test_a_pinned_title_obeys_what_is_hard() -> None:
    pin = rule("pin", {"content_ids": ["h"]})
    without = TITLES.replace("h", "")
    assert ids(slate(side(), [pin], viewer(h="hidden"))) == without
    assert ids(slate(side(), [pin], viewer(h="completed"))) == without
    assert ids(slate(side(), [pin, rule("filter", {"content_ids": ["h"]}, "f")])) == without
    gone = side()
    gone.remove_content("h")
    assert ids(slate(gone, [pin])) == without
    abroad = title("h", availability=({"partner": "acme", "region": "US"},))
    assert ids(slate(side(abroad), [pin], viewer("DE"))) == without
    assert ids(slate(side(abroad), [pin], viewer("US"))) == "h" + without
    assert ids(slate(side(), [rule("pin", {"content_ids": ["unheard-of"]})])) == TITLES


def test_a_pinned_title_that_nothing_speaks_for_is_shown() -> None:
    of = side(title("new"))
    assert slate(of, [rule("pin", {"content_ids": ["new"]})]).entries[0].content_id == "new"


def test_a_boost_counts_standard_deviations_of_the_viewers_scores() -> None:
    before = {entry.content_id: entry.score for entry in slate(side()).entries}
    deviation = np.std(list(before.values()))
    up = slate(side(), [rule("boost", {"content_ids": ["e"]}, strength=0.5)])
    down = slate(side(), [rule("bury", {"content_ids": ["e"]}, strength=0.5)])
    assert _scores(up) == pytest.approx(before | {"e": before["e"] + 0.5 * deviation}, abs=2e-6)
    assert _scores(down) == pytest.approx(before | {"e": before["e"] - 0.5 * deviation}, abs=2e-6)
    unmoved = [entry for entry in up.entries if entry.content_id != "e"]
    assert unmoved == [entry for entry in slate(side()).entries if entry.content_id != "e"]


def test_the_deviation_is_that_of_the_titles_that_may_be_recommended() -> None:
    who = viewer(a="hidden", b="completed")
    before = _scores(slate(side(), who=who))
    assert len(before) == len(TITLES) - 2
    up = _scores(slate(side(), [rule("boost", {"content_ids": ["j"]}, strength=2)], who))
    assert up["j"] - before["j"] == pytest.approx(2 * np.std(list(before.values())), abs=4e-6)


def test_a_boost_that_adds_nothing_is_no_reason() -> None:
    reason = Reason("trending", ["trending"], "Trending now")
    boost = Boost("r", 10.0, np.ones(1, dtype=bool))
    assert boosted_reason(reason, boost, unit=0.0, largest=0.0) == reason
    assert boosted_reason(reason, boost, unit=0.1, largest=1.0).based_on == ["rule:r", "trending"]
    assert boosted_reason(reason, boost, unit=0.1, largest=1.1) == reason


def test_lifts_of_several_rules_add_up() -> None:
    both = [
        rule("boost", {"content_ids": ["e"]}, "x", strength=2),
        rule("bury", {"content_ids": ["e"]}, "y", strength=2),
    ]
    assert _scores(slate(side(), both)) == _scores(slate(side()))


def test_the_largest_boost_is_named_first_when_it_is_the_largest_term() -> None:
    rules = [
        rule("boost", {"content_ids": ["e"]}, "small", strength=1),
        rule("boost", {"content_ids": ["e"]}, "large", strength=10),
    ]
    best = slate(side(), rules).entries[0]
    assert best.content_id == "e"
    assert best.based_on == ("rule:large", "trending")
    assert (best.recommendation_type, best.explanation) == ("trending", "Featured")


def test_a_boost_smaller_than_another_term_is_not_the_reason() -> None:
    whole = slate(side(), [rule("boost", {"content_ids": ["a"]}, strength=0.01)])
    assert whole.entries[0].based_on == ("trending",)
    assert whole.entries[0].explanation == "Trending now"


def test_a_rule_holds_in_its_window_regions_and_row_while_it_is_enabled() -> None:
    window = {"from_at_ms": NOW_MS, "until_at_ms": NOW_MS + 60_000}
    of = side()
    of.ranking_rules.put(rule("filter", {"content_ids": ["a"]}, regions=["DE", "AT"], **window))
    there = viewer("AT")
    for now_ms, holds in (
        (NOW_MS - 1, False), (NOW_MS, True), (NOW_MS + 59_999, True), (NOW_MS + 60_000, False),
        (NOW_MS + 30_000, True),
    ):  # fmt: skip
        assert ("a" not in ids(slate(of, who=there, now_ms=now_ms))) == holds
    assert "a" in ids(slate(of, who=viewer("FR")))
    assert "a" in ids(slate(of, who=viewer()))
    for change in ({"enabled": False}, {"row": "trending"}):
        of.ranking_rules.put(rule("filter", {"content_ids": ["a"]}, **change))
        assert ids(slate(of, who=there)) == TITLES
    of.ranking_rules.put(rule("filter", {"content_ids": ["a"]}, row="all"))
    assert "a" not in ids(slate(of, who=there))
    of.ranking_rules.remove("r")
    assert ids(slate(of, who=there)) == TITLES


def test_a_title_that_changes_is_matched_anew() -> None:
    of = side()
    of.ranking_rules.put(rule("filter", {"genres": ["Drama"]}))
    assert ids(slate(of)) == TITLES
    of.put_content(title("a", genres=("Drama",)))
    assert ids(slate(of)) == TITLES[1:]
    of.put_content(title("a"))
    assert ids(slate(of)) == TITLES


def test_titles_beyond_the_first_arrays_are_matched() -> None:
    book = RuleBook()
    book.put(rule("filter", {"content_ids": ["far", "near"]}))
    book.put_title(3, title("near"))
    book.put_title(5000, title("far"))
    kept = book.effect(None, NOW_MS, 9000).kept
    assert kept is not None
    assert len(kept) >= 9000
    assert np.flatnonzero(~kept).tolist() == [3, 5000]


def test_what_the_schema_cannot_know_names_the_field() -> None:
    wrong = rule("pin", {"content_ids": ["a"]}, position=21)
    assert problems(wrong, 20) == ["position: the list has 20 places"]
    assert problems(rule("filter", {"genres": ["Drama", "Gardening"]}), 20) == [
        "match.genres: no such genre: Gardening"
    ]
    assert problems(rule("filter", {"genres": ["sitcom"]}), 20) == []
    (wrong,) = problems(rule("filter", {"genres": ["Drama"]}, row="foryou"), 20)
    assert wrong == "row: foryou has no rules; use for_you, trending or all"
    assert problems(rule("filter", {"genres": ["Drama"]}, row="trending"), 20) == []
    (wrong,) = problems(rule("boost", {"genres": ["Drama"]}, strength=1.0, row="trending"), 20)
    assert wrong.startswith("row: trending is ordered by what trends")


GENRES = ("Drama", "Comedy", "Horror")
some_genres = st.lists(st.sampled_from(GENRES), max_size=2, unique=True)
some_titles = st.dictionaries(st.sampled_from(TITLES), some_genres)
many_genres = st.lists(st.sampled_from(GENRES), min_size=1, unique=True)
some_ids = st.lists(st.sampled_from(TITLES), min_size=1, max_size=4, unique=True)
matches = st.one_of(
    st.builds(lambda found: {"content_ids": found}, some_ids),
    st.builds(lambda found: {"genres": found}, many_genres),
)


def catalogue(genres: dict[str, list[str]]) -> list[Content]:
    return [title(name, genres=tuple(found)) for name, found in genres.items()]


def matched(match: dict, genres: dict[str, list[str]]) -> set[str]:
    if "content_ids" in match:
        return set(match["content_ids"])
    return {name for name, found in genres.items() if set(found) & set(match["genres"])}


@given(some_titles, matches)
def test_a_filter_takes_out_what_matches_and_changes_nothing_else(
    genres: dict[str, list[str]], match: dict
) -> None:
    found = slate(side(*catalogue(genres)), [rule("filter", match)])
    before = _places(slate(side(*catalogue(genres))))
    out = matched(match, genres)
    assert ids(found) == "".join(name for name in TITLES if name not in out)
    assert _places(found) == {name: entry for name, entry in before.items() if name not in out}


@given(some_titles, matches, st.sampled_from(["boost", "bury"]), st.floats(0.1, 10))
def test_a_lift_keeps_the_order_within_and_without(
    genres: dict[str, list[str]], match: dict, action: str, strength: float
) -> None:
    found = slate(side(*catalogue(genres)), [rule(action, match, strength=strength)])
    inside = matched(match, genres)
    order = ids(found)
    for part in (inside, set(TITLES) - inside):
        assert [name for name in order if name in part] == sorted(part)
    before = _scores(slate(side(*catalogue(genres))))
    moves = {name: score - before[name] for name, score in _scores(found).items()}
    assert all(moves[name] == 0 for name in moves if name not in inside)
    assert all((moves[name] > 0) == (action == "boost") for name in inside)


@given(st.dictionaries(st.sampled_from(TITLES), st.integers(1, 12)), st.integers(1, len(TITLES)))
def test_pins_keep_the_order_of_the_others(pins: dict[str, int], size: int) -> None:
    rules = [
        rule("pin", {"content_ids": [name]}, f"pin-{name}", position=position)
        for name, position in pins.items()
    ]
    order = ids(slate(side(), rules, shape=SlateRules(size=size, ttl_s=60, diversity=1.0)))
    assert len(order) == len(set(order)) == size
    others = [name for name in order if name not in pins]
    assert others == [name for name in TITLES if name not in pins][: len(others)]
    taken = 0
    for position, name in sorted((position, name) for name, position in pins.items()):
        if max(position, taken + 1) <= size:
            taken = max(position, taken + 1)
            assert order[taken - 1] == name


changes = st.lists(
    st.one_of(
        st.tuples(st.just("title"), st.sampled_from(TITLES), st.none() | some_genres),
        st.tuples(st.just("rule"), st.sampled_from("xyz"), st.none() | matches),
    ),
    max_size=12,
)


@given(changes, st.sampled_from(["filter", "boost"]))
def test_the_effect_depends_on_what_is_known_and_not_on_how_it_came(
    changes: list[tuple], action: str
) -> None:
    book, contents, rules = RuleBook(), dict[str, Content](), dict[str, RankingRule]()
    for what, name, value in changes:
        if what == "title":
            content = None if value is None else title(name, genres=tuple(value))
            book.put_title(TITLES.index(name), content)
            contents.pop(name, None)
            contents |= {} if content is None else {name: content}
        elif value is None:
            book.remove(name)
            rules.pop(name, None)
        else:
            rules[name] = rule(action, value, name)
            book.put(rules[name])
        book.effect(None, NOW_MS, 10)  # kept from now on, unless something changes
    fresh = RuleBook()
    for each in rules.values():
        fresh.put(each)
    for name, content in contents.items():
        fresh.put_title(TITLES.index(name), content)
    for one, other in zip(
        book.effect(None, NOW_MS, 10), fresh.effect(None, NOW_MS, 10), strict=True
    ):
        np.testing.assert_equal(one, other)


def test_without_candidates_or_lifts_the_scores_are_untouched() -> None:
    total = np.array([1.0, 2.0])
    assert lift(total, np.zeros(2, dtype=bool), NO_EFFECT._replace(lifts=np.ones(2))).total is total
    assert lift(total, np.ones(2, dtype=bool), NO_EFFECT).total is total


def test_places_by_hand() -> None:
    assert placed("abc", [], 2) == ["a", "b"]
    assert placed("abc", [(2, "x"), (3, "y")], 3) == ["a", "x", "y"]
    assert placed("abc", [(1, "x"), (5, "y")], 6) == ["x", "a", "b", "c", "y"]
    assert placed("", [(2, "x")], 3) == ["x"]


def _scores(found: Slate) -> dict[str, float]:
    return {entry.content_id: entry.score for entry in found.entries}


def _places(found: Slate) -> dict[str, SlateEntry]:
    return {entry.content_id: entry for entry in found.entries}
