"""The attribute index: numbers by hand, and what holds for all kinds and any catalogue."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.sources.attributes import AttributeIndex
from domain.title_attributes import CAST_MAX, KINDS, attributes_of, normalised, spellings, whole_id
from schemas.content import Content

VALUES = [f"value {n}" for n in range(8)]
CATALOGUES = st.dictionaries(
    st.sampled_from([f"film-{n:02d}" for n in range(12)]),
    st.lists(st.sampled_from(VALUES), max_size=5),
    min_size=1,
)


def index(catalogue: dict[str, list[str]]) -> AttributeIndex:
    found = AttributeIndex(list(catalogue))
    for title, values in enumerate(catalogue.values()):
        found.put(title, values)
    return found


def similar(catalogue: dict[str, list[str]], content_id: str, limit: int = 20) -> dict[str, float]:
    ids = list(catalogue)
    rows = index(catalogue).similar(ids.index(content_id), limit)
    return {ids[row.title]: row.score for row in rows}


def scores_of(found: AttributeIndex, titles: Sequence[int]) -> NDArray[np.float64]:
    return found.scores(np.array(titles, dtype=np.int64), np.ones(len(titles)))


def content(**fields: object) -> Content:
    return Content.model_validate(
        {"content_id": "x", "type": "movie", "title": "X", "updated_at_ms": 0, **fields}
    )


FOUR = {"a": ["drama", "nolan"], "b": ["drama"], "c": ["drama", "nolan", "war"], "d": ["comedy"]}


def test_the_similarity_is_the_cosine_of_idf_weights() -> None:
    drama, nolan, war = math.log(1 + 4 / 3), math.log(1 + 4 / 2), math.log(1 + 4 / 1)
    norm_a, norm_c = math.hypot(drama, nolan), math.hypot(drama, nolan, war)
    found = similar(FOUR, "a")
    assert list(found) == ["c", "b"]
    assert found["c"] == pytest.approx((drama**2 + nolan**2) / (norm_a * norm_c), abs=1e-6)
    assert found["b"] == pytest.approx(drama / norm_a, abs=1e-6)


def test_a_rare_shared_value_counts_more_than_a_common_one() -> None:
    catalogue = {"asked": ["drama", "varda"], "rare": ["varda", "x"], "common": ["drama", "y"]}
    catalogue |= {f"other-{n}": ["drama"] for n in range(20)}
    found = similar(catalogue, "asked", limit=30)
    assert found["rare"] > found["common"]


def test_ties_are_broken_by_content_id_also_at_the_limit() -> None:
    catalogue = {name: ["drama"] for name in "edcba"}
    assert list(similar(catalogue, "c", limit=3)) == ["a", "b", "d"]
    assert set(similar(catalogue, "c").values()) == {1.0}


def test_shared_values_come_rarest_first() -> None:
    assert index(FOUR).shared(0, 2) == ["nolan", "drama"]
    assert index(FOUR).shared(0, 3) == []


def test_a_viewers_score_is_the_weighted_sum_of_its_parts() -> None:
    found = index(FOUR)
    watched, weights = np.array([0, 3]), np.array([0.5, 2.0])
    parts = found.parts(watched, np.arange(4))
    assert parts.shape == (2, 4)
    assert parts[1].tolist() == pytest.approx([0, 0, 0, 1.0])
    assert parts[0, 0] == pytest.approx(1.0)
    assert found.scores(watched, weights) == pytest.approx(weights @ parts, abs=1e-12)


def test_ids_that_grow_outside_and_titles_never_put_have_no_scores() -> None:
    ids = ["a", "b"]
    found = AttributeIndex(ids)
    found.put(1, ["drama"])
    ids += [f"later-{n}" for n in range(3000)]
    assert scores_of(found, [1, 2500]).tolist() == [0.0, 1.0] + [0.0] * 3000
    assert found.similar(2500, 5) == []
    assert found.shared(1, 2900) == []
    found.put(3001, ["drama"])
    assert [row.title for row in found.similar(1, 5)] == [3001]


def test_an_empty_index_and_an_empty_history_score_nothing() -> None:
    empty = AttributeIndex(["a", "b"])
    assert scores_of(empty, [0]).tolist() == [0.0, 0.0]
    assert empty.similar(0, 5) == []
    assert empty.parts(np.arange(0), np.arange(1)).shape == (0, 1)
    assert scores_of(index(FOUR), []).tolist() == [0.0] * 4


@settings(max_examples=60)
@given(CATALOGUES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_what_was_there_before_do_not_matter(catalogue, random) -> None:
    order = list(catalogue)
    random.shuffle(order)
    other = AttributeIndex(order)
    for title in random.sample(range(len(order)), len(order)):
        other.put(title, random.sample(VALUES, 3))
        if random.random() < 0.3:
            other.similar(title, 3)  # vectors made in between are made anew
    for title, content_id in enumerate(order):
        other.put(title, catalogue[content_id])
    first = index(catalogue)
    ids = list(catalogue)
    for content_id in catalogue:
        rows = other.similar(order.index(content_id), 20)
        assert {order[row.title]: row.score for row in rows} == similar(catalogue, content_id)
    scores, again = scores_of(first, range(len(ids))), scores_of(other, range(len(ids)))
    moved = [again[order.index(content_id)] for content_id in ids]
    assert scores == pytest.approx(moved, abs=1e-12)


@settings(max_examples=60)
@given(CATALOGUES, st.data())
def test_scores_are_finite_and_at_most_the_sum_of_the_weights(catalogue, data) -> None:
    found, size = index(catalogue), len(catalogue)
    weighed = st.lists(st.tuples(st.integers(0, size - 1), st.floats(0, 2)), max_size=6)
    history = data.draw(weighed)
    titles = np.array([title for title, _ in history], dtype=np.int64)
    weights = np.array([weight for _, weight in history])
    scores = found.scores(titles, weights)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= weights.sum() + 1e-12)).all()
    assert scores == pytest.approx(weights @ found.parts(titles, np.arange(size)), abs=1e-12)


@settings(max_examples=60)
@given(CATALOGUES, st.data())
def test_a_removed_title_was_never_put(catalogue, data) -> None:
    gone = data.draw(st.sampled_from(list(catalogue)))
    found = index(catalogue)
    found.similar(0, 3)
    found.remove(list(catalogue).index(gone))
    without = index(catalogue | {gone: []})
    everything = range(len(catalogue))
    for title in everything:
        assert found.similar(title, 20) == without.similar(title, 20)
    expected = scores_of(without, everything)
    assert scores_of(found, everything) == pytest.approx(expected, abs=1e-12)


FIELDS = {"genre": "genres", "cast": "cast", "director": "directors", "themes": "moods"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_reads_its_field_normalised(kind) -> None:
    found = content(**{FIELDS[kind]: ("  Zoë  ONE ", "Two", "zoë one", " ")})
    assert attributes_of(found) == {kind: ("two", "zoë one")}
    assert spellings(found, kind) == {"zoë one": "  Zoë  ONE ", "two": "Two"}
    assert attributes_of(content()) == {}


def test_the_first_billed_and_themes_with_moods() -> None:
    cast = tuple(f"actor {n:02d}" for n in range(30))
    assert attributes_of(content(cast=cast))["cast"] == cast[:CAST_MAX]
    assert attributes_of(content(themes=("Heist",), moods=("dark",)))["themes"] == ("dark", "heist")


@pytest.mark.parametrize(
    ("fields", "whole", "compared"),
    [
        ({}, "x", True),
        ({"type": "series"}, "x", True),
        ({"series_id": "saga"}, "x", True),
        ({"type": "episode", "series_id": "show"}, "show", False),
        ({"type": "season", "series_id": "show"}, "show", False),
        ({"type": "episode"}, "x", False),
        ({"version_of": "original"}, "original", False),
        ({"type": "episode", "series_id": "show", "version_of": "e1"}, "show", False),
    ],
)
def test_only_whole_titles_are_compared(fields, whole, compared) -> None:
    found = content(genres=("Drama",), **fields)
    assert whole_id(found) == whole
    assert bool(attributes_of(found)) is compared


def test_casefold_not_lower() -> None:
    assert normalised("STRASSE") == normalised("Straße")
