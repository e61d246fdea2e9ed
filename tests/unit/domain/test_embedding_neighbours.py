"""Nearest titles by cosine: against a plain loop, against ties, removal, and what has a row."""

import numpy as np
import pytest

from domain.embedding_neighbours import (
    COSINE_MIN,
    DECIMALS,
    NEIGHBOURS_MAX,
    VectorTable,
    has_row,
)
from schemas.embedding import DIMENSIONS
from tests.support.ranking import title


def at(degrees: float) -> np.ndarray:
    """A unit vector in a plane, so cosines are those of differences of angles."""
    found = np.zeros(DIMENSIONS, np.float32)
    found[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return found


def table(**degrees: float) -> VectorTable:
    found = VectorTable()
    for content_id, angle in degrees.items():
        found.put(content_id, at(angle))
    return found


def test_a_row_by_hand() -> None:
    found = table(a=0, far=100, b=10, twin=20, c=20).nearest(["c"])
    assert found == [("c", ["twin", "b", "a"], [1.0, 0.9848, 0.9397])]


def test_titles_of_one_call_are_in_the_row_of_the_later_of_them() -> None:
    of = table(a=0, b=10, c=20)
    assert [each.ids for each in of.nearest(["b", "c"])] == [["a"], ["b", "a"]]
    assert [each.ids for each in of.nearest(["c", "b"])] == [["a"], ["a", "c"]]
    assert of.nearest([]) == []


def test_a_removed_title_is_like_none_until_it_returns() -> None:
    of = table(a=0, b=10)
    of.remove("a")
    of.remove("never there")
    assert of.nearest(["b"])[0].ids == []
    of.put("a", at(30))
    assert of.nearest(["b"])[0].cosines == [0.9397]


def test_equal_cosines_are_cut_by_content_id_whatever_came_first() -> None:
    names = [f"t{number:03d}" for number in range(NEIGHBOURS_MAX + 20)]
    of = table(**dict.fromkeys(reversed(names), 5.0), new=0)
    assert of.nearest(["new"])[0].ids == names[:NEIGHBOURS_MAX]


@pytest.mark.parametrize("count", [30, 3000])
def test_rows_are_those_of_a_loop(count: int) -> None:
    rng = np.random.default_rng(count)
    vectors = rng.normal(size=(count, DIMENSIONS)) + 3 * rng.normal(size=(4, DIMENSIONS))[
        rng.integers(4, size=count)
    ] * rng.random((count, 1))  # fmt: skip
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    of = VectorTable()
    for number, vector in enumerate(vectors):
        of.put(f"t{number}", vector)
    new = range(count - 16, count)
    lengths = set()
    for number, nearest in zip(new, of.nearest([f"t{each}" for each in new]), strict=True):
        cosines = [float(vectors[number] @ each) for each in vectors[:number]]
        best = sorted((each for each in cosines if each >= COSINE_MIN), reverse=True)
        assert nearest.cosines == pytest.approx(best[:NEIGHBOURS_MAX], abs=0.51 * 10**-DECIMALS)
        for content_id, cosine in zip(nearest.ids, nearest.cosines, strict=True):
            assert cosine == pytest.approx(cosines[int(content_id[1:])], abs=0.51 * 10**-DECIMALS)
        lengths.add(len(nearest.ids))
    assert max(lengths) == NEIGHBOURS_MAX if count > 1000 else 0 < max(lengths) < NEIGHBOURS_MAX


@pytest.mark.parametrize(
    ("kind", "fields", "wanted"),
    [
        ("movie", {}, True), ("series", {}, True), ("movie", {"version_of": "m"}, False),
        ("season", {"series_id": "s"}, False), ("episode", {"series_id": "s"}, False),
    ],
)  # fmt: skip
def test_only_whole_titles_have_a_row(kind: str, fields: dict[str, str], wanted: bool) -> None:
    assert has_row(title("c", kind, **fields)) is wanted
