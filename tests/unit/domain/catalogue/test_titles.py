"""Titles: what is written differently and means alike, and what must stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from domain.catalogue.blocking import pieces_of, probes_of
from domain.catalogue.titles import LIKENESS_MIN, Form, forms_of, likeness


@pytest.mark.parametrize(
    ("title", "forms"),
    [
        ("The Matrix", ["matrix"]),
        ("Matrix, The", ["matrix"]),
        ("Amélie (Fabuleux destin d'Amélie Poulain, Le)",
         ["amelie", "le fabuleux destin damelie poulain"]),
        ("Rocky IV", ["rocky 4"]),
        ("Mission: Impossible II", ["mission impossible 2"]),
        ("Kill Bill (Part II)", ["kill bill part 2"]),
        ("The Godfather: Part Two", ["godfather part 2"]),
        ("Aladdin (1992)", ["aladdin"]),
        ("Independence Day (a.k.a. ID4)", ["independence day", "id4"]),
        ("Law & Order", ["law and order"]),
        ("Straße", ["strasse"]),
        ("I, Robot", ["i robot"]),
        ("A", ["a"]),
        ("(Untitled)", ["untitled"]),
        ("千と千尋の神隠し", ["千と千尋の神隠し"]),
        ("?!", []),
    ],
)  # fmt: skip
def test_forms(title: str, forms: list[str]) -> None:
    assert [form.text for form in forms_of(title)] == forms
    assert [form.is_main for form in forms_of(title)] == [True, False, False][: len(forms)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The Texas Chainsaw Massacre", "The Texas Chain Saw Massacre"),
        ("Blue Is the Warmest Color", "Blue Is the Warmest Colour"),
        ("City of Lost Children, The (Cité des enfants perdus, La)", "La cité des enfants perdus"),
        ("9 to 5", "Nine to Five (a.k.a. 9 to 5)"),
    ],
)
def test_one_title_written_twice(left: str, right: str) -> None:
    assert likeness(forms_of(left), forms_of(right)) >= LIKENESS_MIN
    assert likeness(forms_of(left), forms_of(right)) == likeness(forms_of(right), forms_of(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The Deathly Hallows: Part 1", "The Deathly Hallows: Part 2"),
        ("Rocky III", "Rocky IV"),
        ("The Hangover Part II", "The Hangover Part III"),
        ("Alien", "Aliens"),
        ("One (Dos mundos)", "Two (Dos mundos)"),
        ("?", "?"),
    ],
)  # fmt: skip
def test_what_is_alike_and_not_the_same(left: str, right: str) -> None:
    assert likeness(forms_of(left), forms_of(right)) == 0


@st.composite
def edited(draw) -> tuple[str, str]:
    """A text, and the same with so many edits that it may just be alike enough."""
    text = draw(st.text("abc d", min_size=1, max_size=60))
    other = list(text)
    for _ in range(draw(st.integers(0, len(text) // 9))):
        place = draw(st.integers(0, len(other)))
        other[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from(["", "a", "x"]))
    return text, "".join(other)


def form(text: str) -> Form:
    return Form(text, tuple(word for word in text.split() if word.isdigit()), is_main=True)


@given(edited(), st.integers(-1, 1), st.sampled_from(["", " 2", " 1 2"]))
def test_whatever_is_alike_shares_a_piece(pair: tuple[str, str], apart: int, numbers: str) -> None:
    left, right = (text + numbers for text in pair)
    if not right or Levenshtein.normalized_similarity(left, right) < LIKENESS_MIN:
        return
    for one, other in ((left, right), (right, left)):
        found = set(pieces_of(form(one), 2000))
        assert not found.isdisjoint(probes_of(form(other), 2000 + apart, 1))


def test_pieces_of_other_years_and_numbers_are_not_shared() -> None:
    found = set(pieces_of(form("matrix 2"), 2000))
    assert not found.isdisjoint(probes_of(form("matrix 2"), 2001, 1))
    assert found.isdisjoint(probes_of(form("matrix 2"), 2002, 1))
    assert found.isdisjoint(probes_of(form("matrix 3"), 2000, 1))
    assert found.isdisjoint(probes_of(form("matrix 22"), 2000, 1))
