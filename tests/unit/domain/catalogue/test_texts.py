"""Matches by text: who is compared, what is close enough, and how later evidence overrules it."""

import pytest

from domain.catalogue.crowds import CROWD_MAX
from domain.catalogue.facts import OVERVIEW_CHARACTERS_MIN, Facts
from domain.catalogue.grouping import TEXT_MEMBERS_MAX
from domain.catalogue.resolution import Resolver
from tests.support.vectors import OVERVIEWS, vector_at
from tests.unit.domain.catalogue.test_resolution import facts, links, part, resolver

OVERVIEW, OTHER = OVERVIEWS


def told(key: str, arrived: int = 0, **values) -> Facts:
    """A record with a title of its own, a person and an overview."""
    whole = {"title": f"Title {key}", "cast": ("Ann",), "overview": OVERVIEW}
    return facts(key, arrived, **(whole | values))


def hear(found: Resolver, encoder: str = "new", text: str = OVERVIEW, **angles: float) -> set[str]:
    """Give some records, named as in ``resolver``, vectors at these angles."""
    return found.hear({key.replace("_", "|"): vector_at(text, angle, encoder)
                       for key, angle in angles.items()})  # fmt: skip


def members(found: Resolver, key: str) -> tuple[str, ...]:
    return found.group(key).members


def test_two_titles_with_one_text_are_one_title() -> None:
    found = resolver(a_1=told("a|1", 2), b_1=told("b|1", 1), b_2=told("b|2", 3, cast=("Bob",)))
    assert found.to_review() >= {"a|1", "b|1"}
    assert [bool(found.wants_vector(key)) for key in ("a|1", "b|1", "b|2")] == [True, True, False]
    assert hear(found, a_1=0) == set()
    assert hear(found, b_1=0) == {"a|1", "b|1"}
    assert links(found, "a|1") == [("text", 0.95)]
    assert found.name("a|1") == "b:1"
    assert found.hear({"a|1": None}) == {"a|1", "b|1"}
    assert members(found, "a|1") == ("a|1",)


@pytest.mark.parametrize(
    ("degrees", "joined"), [(18.1, True), (18.3, False)]  # cosines 0.9505 and 0.9494
)  # fmt: skip
def test_the_threshold(degrees: float, joined: bool) -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1"))
    hear(found, a_1=0, b_1=degrees)
    assert (len(members(found, "a|1")) == 2) is joined


@pytest.mark.parametrize(
    "different",
    [
        {"release_year": 2001}, {"release_year": None}, {"type": "series"}, {"cast": ("Bob",)},
        {"cast": ()}, {"version_of": "b|0"}, {"overview": OVERVIEW[: OVERVIEW_CHARACTERS_MIN - 1]},
        {"cast": (*"12345", "Ann")},
    ],
)  # fmt: skip
def test_who_is_not_compared(different: dict) -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1", **different))
    assert not found.wants_vector("a|1")
    assert not found.wants_vector("b|1")
    hear(found, a_1=0, b_1=0)
    assert members(found, "a|1") == ("a|1",)


@pytest.mark.parametrize("nobody", ["N/A", "Various", "unknown", "-"])
def test_nobody_is_no_person_in_common(nobody: str) -> None:
    found = resolver(a_1=told("a|1", cast=(nobody,)), b_1=told("b|1", cast=(nobody,)))
    assert not found.wants_vector("a|1")


def test_a_person_of_too_many_records_of_one_partner_says_nothing() -> None:
    found = Resolver()
    crowd = {f"a|{n}": told(f"a|{n}", cast=("Ann", f"P{n}")) for n in range(CROWD_MAX)}
    found.update(crowd | {"b|1": told("b|1"), "b|2": told("b|2", cast=("P7",))})
    assert found.wants_vector("b|1")
    found.update({"a|x": told("a|x")})
    assert not found.wants_vector("b|1")
    assert not found.wants_vector("a|1")
    assert {"a|1", "b|1"} <= found.to_review()
    assert found.wants_vector("b|2") == found.wants_vector("a|7") != ""
    found.update({"a|x": told("a|x", cast=("Bob",))})
    assert found.wants_vector("b|1")


def test_identifiers_that_differ_and_one_partner_keep_apart() -> None:
    found = resolver(
        a_1=told("a|1", imdb="tt0000001"), a_2=told("a|2"), b_1=told("b|1", imdb="tt0000002"),
        a_3=part("a|3", "a|s", 1, 1, cast=("Ann",), overview=OVERVIEW),
    )  # fmt: skip
    hear(found, a_1=0, b_1=0, a_3=0)
    assert {len(members(found, key)) for key in ("a|1", "a|2", "b|1", "a|3")} == {1}
    found.update({"b|1": told("b|1")})
    assert members(found, "b|1") == ("a|1", "b|1")


def test_what_is_alike_in_two_digits_is_ambiguous_until_something_tells_them_apart() -> None:
    found = resolver(a_1=told("a|1"), a_2=told("a|2"), b_1=told("b|1"))
    hear(found, a_1=3, a_2=5, b_1=0)  # 0.9986 and 0.9962
    assert members(found, "b|1") == ("b|1",)
    assert hear(found, a_1=10) == {"a|2", "b|1"}  # 0.9848
    assert hear(found, a_1=5) == {"a|2", "b|1"}
    assert members(found, "b|1") == ("b|1",)
    assert found.hear({"a|1": None}) == {"a|2", "b|1"}
    hear(found, a_1=5)
    assert members(found, "b|1") == ("b|1",)
    found.update({"a|2": told("a|2", release_year=1998)})
    assert members(found, "b|1") == ("a|1", "b|1")
    assert found.hear({"a|1": None}) == {"a|1", "a|2", "b|1"}
    assert members(found, "b|1") == ("a|2", "b|1")


def test_vectors_of_another_text_or_encoder_count_as_absent() -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1"))
    hear(found, a_1=0)
    hear(found, encoder="old", b_1=0)
    assert members(found, "a|1") == ("a|1",)
    hear(found, text=OTHER, b_1=0)
    assert members(found, "a|1") == ("a|1",)
    found.update({"b|1": told("b|1", overview=OTHER)})  # what it was made of comes back
    assert members(found, "a|1") == ("a|1", "b|1")


def test_blanks_and_line_ends_are_no_other_text() -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1", overview=OVERVIEW.replace(" ", "\n ")))
    hear(found, a_1=0, b_1=0)
    assert members(found, "a|1") == ("a|1", "b|1")


def test_a_title_that_matches_overrules_a_text() -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1"))
    hear(found, a_1=0, b_1=0)
    changed = found.update({"b|2": told("b|2", title="Title a|1", overview=None)})
    assert changed >= {"a|1", "b|1"}
    assert links(found, "a|1") == [("title", 0.98)]
    assert members(found, "a|1") == ("a|1", "b|2")
    # There is nobody left with whom either could be joined: their vectors are not needed.
    assert {"a|1", "b|1"} <= found.to_review()
    assert not found.wants_vector("a|1")
    assert not found.wants_vector("b|1")


def test_a_third_partner_with_the_same_title_leaves_a_match_by_text_alone() -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1"))
    hear(found, a_1=0, b_1=0)
    found.update({"c|1": facts("c|1", title="Title a|1")})
    assert members(found, "b|1") == ("a|1", "b|1", "c|1")
    assert found.wants_vector("a|1") == found.wants_vector("b|1") != ""


def test_identifiers_that_come_later_split() -> None:
    found = resolver(a_1=told("a|1"), b_1=told("b|1", imdb="tt0000001"))
    hear(found, a_1=0, b_1=0)
    assert found.update({"a|1": told("a|1", imdb="tt0000002")}) >= {"b|1"}
    assert members(found, "a|1") == ("a|1",)
    assert not found.wants_vector("a|1")


def test_with_one_partner_no_text_is_wanted() -> None:
    found = Resolver()
    found.update({f"a|{number}": told(f"a|{number}") for number in range(5)})
    assert found.to_review() == set()
    found.update({"b|1": told("b|1")})
    assert len(found.to_review()) == 6
    for key in found.to_review():
        assert found.wants_vector(key)
        found.reviewed(key)
    assert found.to_review() == set()
    found.update({"b|1": told("b|1", type="series")})
    assert len(found.to_review()) == 6
    assert [key for key in found.to_review() if found.wants_vector(key)] == []


def test_texts_make_no_group_that_could_be_too_large_to_publish() -> None:
    found = Resolver()
    many = {f"p{number}|1": facts(f"p{number}|1", imdb="tt0000001")
            for number in range(TEXT_MEMBERS_MAX - 1)}  # fmt: skip
    found.update(many | {"p0|1": told("p0|1", imdb="tt0000001"), "q|1": told("q|1")})
    hear(found, p0_1=0, q_1=0)
    assert len(members(found, "q|1")) == TEXT_MEMBERS_MAX
    found.update({"r|1": facts("r|1", imdb="tt0000001")})
    assert members(found, "q|1") == ("q|1",)
    assert len(members(found, "r|1")) == TEXT_MEMBERS_MAX
