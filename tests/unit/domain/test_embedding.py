"""The text of a title, the wire form of a vector, and the taste of a viewer."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.embedding import (
    OVERVIEW_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    pack,
    taste_vector,
    text_hash,
    text_of,
    unpack,
)
from domain.evidence import PROGRESS_MIN
from schemas.content import Content
from schemas.embedding import DIMENSIONS

HOUR_MS = 3_600_000
X, Y = np.eye(2, dtype=np.float32)


def content(**fields) -> Content:
    return Content.model_validate(
        {"content_id": "c", "type": "movie", "title": "Heat", "updated_at_ms": 1} | fields
    )


def test_text_has_every_part_in_order_of_what_it_tells() -> None:
    described = content(
        release_year=1995, genres=("Crime", "Thriller"), directors=("Michael Mann",),
        cast=("Al Pacino", "Robert De Niro"), themes=("heist",), moods=("tense",),
        overview="A thief\n  and a detective!",
    )  # fmt: skip
    assert text_of(described) == (
        "Heat (1995). movie. Genres: Crime, Thriller. Directed by Michael Mann. "
        "With Al Pacino, Robert De Niro. Themes: heist. Moods: tense. A thief and a detective!"
    )


def test_text_depends_on_nothing_else() -> None:
    other = content(
        content_id="d", updated_at_ms=9, runtime_s=60, language="en", maturity_rating="R",
        partner_ids={"acme": "1"}, image_url="x",
    )  # fmt: skip
    assert text_of(other) == text_of(content()) == "Heat. movie."


def test_only_the_top_billed_names_count() -> None:
    names = [f"Actor {number}" for number in range(9)]
    assert text_of(content(cast=names)) == text_of(content(cast=names[:3]))
    assert text_of(content(cast=names[:2])) != text_of(content(cast=names[:3]))


@pytest.mark.parametrize("title", [" ", "\n\t", "\u2003"])
def test_a_title_of_blanks_has_a_text_only_if_something_describes_it(title: str) -> None:
    assert text_of(content(title=title, release_year=1999)) == ""
    assert text_of(content(title=title, genres=(" ", ""), overview="  ")) == ""
    assert text_of(content(title=title, release_year=1999, overview="A dog.")) == (
        "(1999). movie. A dog."
    )


@given(
    st.text(min_size=1, max_size=500), st.text(max_size=8000), st.lists(st.text(max_size=400)),
)  # fmt: skip
def test_text_is_bounded_flat_and_hashes_alike(title: str, overview: str, names: list[str]) -> None:
    described = content(title=title, overview=overview, cast=names[:100], genres=names)
    text = text_of(described)
    assert len(text) <= TEXT_CHARACTERS_MAX
    assert text == " ".join(text.split())
    assert text_hash(text) == text_hash(text_of(described.model_copy()))
    assert len(text_hash(text)) == 32


def test_a_change_of_one_character_changes_the_hash_and_a_long_overview_is_cut() -> None:
    assert text_hash("Heat. movie.") != text_hash("Heat. movie")
    long = "x" * (OVERVIEW_CHARACTERS_MAX + 1)
    assert text_of(content(overview=long)) == text_of(content(overview=long[:-1]))


@given(arrays(np.float32, DIMENSIONS, elements=st.floats(-1, 1, width=32)))
def test_a_vector_travels_within_the_stated_error(vector: np.ndarray) -> None:
    packed = pack(vector)
    assert len(packed) == 1024
    assert np.abs(unpack(packed) - vector).max() <= 2**-12
    assert pack(unpack(packed)) == packed


def test_the_wire_form_is_little_endian_float16() -> None:
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[0] = 1.0
    assert base64.b64decode(pack(vector))[:4] == b"\x00\x3c\x00\x00"


def test_what_is_no_vector_is_refused() -> None:
    for wrong in (np.zeros(383, np.float32), np.full(DIMENSIONS, np.nan, np.float32)):
        with pytest.raises(ValueError, match="finite"):
            pack(wrong)
    with pytest.raises(ValueError, match="1 numbers instead of 384"):
        unpack("AAA=")
    with pytest.raises(ValueError, match="base64"):
        unpack("*" * 1024)


def taste(*titles: tuple[np.ndarray, float, int], half_life_ms: float = HOUR_MS):
    vectors, evidence, at_ms = zip(*titles, strict=True)
    return taste_vector(np.stack(vectors), np.array(evidence), np.array(at_ms), half_life_ms)


def test_taste_weighs_by_evidence_and_recency() -> None:
    # X watched whole now; Y half, one half-life ago: weights 1 and 0.5 * 0.5.
    expected = np.array([1.0, 0.25]) / np.hypot(1.0, 0.25)
    np.testing.assert_allclose(taste((X, 1.0, HOUR_MS), (Y, 0.5, 0)), expected, atol=1e-6)


def test_titles_without_evidence_do_not_count() -> None:
    np.testing.assert_allclose(taste((X, 1.0, 0), (Y, 0.0, HOUR_MS)), X)
    assert taste((X, 0.0, 0)) is None


def test_taste_of_titles_that_cancel_out_or_of_none_is_nothing() -> None:
    assert taste((X, 1.0, 0), (-X, 1.0, 0)) is None
    empty = np.empty((0, 2), np.float32), np.empty(0), np.empty(0, np.int64)
    assert taste_vector(*empty, HOUR_MS) is None
    for half_life_ms in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="half-life"):
            taste((X, 1.0, 0), half_life_ms=half_life_ms)


def test_an_old_profile_keeps_its_taste() -> None:
    century_ms = 100 * 365 * 24 * HOUR_MS
    np.testing.assert_allclose(
        taste((X, 1.0, 0), (Y, 1.0, 0)), taste((X, 1.0, century_ms), (Y, 1.0, century_ms))
    )


WATCHED = st.lists(
    st.tuples(
        arrays(np.float32, 4, elements=st.floats(0.125, 1, width=32)),
        st.one_of(st.just(0.0), st.floats(PROGRESS_MIN, 1)),
        st.integers(0, 10**12),
    ),
    min_size=1,
    max_size=20,
)


@given(WATCHED, st.floats(HOUR_MS, 1000 * HOUR_MS), st.integers(0, 10**12))
def test_taste_has_length_one_and_knows_neither_order_nor_the_calendar(
    titles: list, half_life_ms: float, shift_ms: int
) -> None:
    found = taste(*titles, half_life_ms=half_life_ms)
    if not any(evidence for _, evidence, _ in titles):
        assert found is None
        return
    assert abs(float(np.linalg.norm(found)) - 1) < 1e-5
    reordered = taste(*reversed(titles), half_life_ms=half_life_ms)
    np.testing.assert_allclose(found, reordered, atol=1e-6)
    later = [(vector, evidence, at_ms + shift_ms) for vector, evidence, at_ms in titles]
    np.testing.assert_array_equal(found, taste(*later, half_life_ms=half_life_ms))
