"""The source of similar texts: scores by hand, reasons, and parts of one title."""

import numpy as np
import pytest

from domain.slate_index import ContentSide
from tests.support.ranking import completed, ids_of, model_of, side_of, slate_of, title

BY_TEXT = model_of({"embedding": 1.0})
CATALOGUE = [
    title("film"), title("cut", version_of="film"), title("other"),
    title("show", "series"), title("e1", "episode", series_id="show"),
    title("e2", "episode", series_id="show"), title("new"),
]  # fmt: skip


def put_pairs(of: ContentSide, version: int, content_id: str, **cosines: float) -> None:
    of.put_pairs(content_id, version, list(cosines), np.array(list(cosines.values())))


def side() -> ContentSide:
    found = side_of(CATALOGUE)
    put_pairs(found, 1, "film")
    put_pairs(found, 2, "show", film=0.5)
    put_pairs(found, 3, "other", film=0.4)
    put_pairs(found, 4, "new", show=0.75, other=0.5)
    return found


def scores(of: ContentSide, *watched: str) -> dict[str, float]:
    found = slate_of(of, completed(*watched), BY_TEXT)
    return {entry.content_id: entry.score for entry in found.entries}


def saturated(**sums: float) -> dict[str, float]:
    return pytest.approx({name: x / (1 + x) for name, x in sums.items()}, abs=1e-6)


def test_scores_are_decayed_cosines_seen_from_either_side() -> None:
    assert scores(side(), "film") == saturated(show=0.1 * 0.5, other=0.1 * 0.4)
    assert scores(side(), "new") == saturated(show=0.1 * 0.75, other=0.1 * 0.5)
    both = saturated(show=0.1 * (0.75 + 0.9 * 0.5), other=0.1 * (0.5 + 0.9 * 0.4))
    assert scores(side(), "film", "new") == both


def test_the_reason_is_the_title_whose_text_is_alike() -> None:
    (first, _) = slate_of(side(), completed("film", "new"), BY_TEXT).entries
    assert first.content_id == "show"
    assert first.recommendation_type == "content_based"
    assert first.based_on == ("new", "film")
    assert first.explanation == "Because you watched NEW"


@pytest.mark.parametrize("watched", [("e1",), ("e2",), ("show",), ("e1", "e2")])
def test_an_episode_counts_for_its_series_once_and_recommends_no_part_of_it(watched) -> None:
    assert scores(side(), *watched) == saturated(new=0.1 * 0.75, film=0.1 * 0.5)


def test_a_version_counts_for_its_original_and_recommends_neither() -> None:
    assert scores(side(), "cut") == saturated(show=0.1 * 0.5, other=0.1 * 0.4)


def test_a_row_of_a_part_that_is_left_over_recommends_no_other_part() -> None:
    of = side()
    put_pairs(of, 5, "e1", show=0.9, film=0.8)
    put_pairs(of, 6, "cut", film=0.9)
    assert "show" not in scores(of, "e2")
    assert "film" not in scores(of, "cut")
    assert set(scores(of, "film")) == {"show", "other"}


def test_a_removed_title_is_recommended_and_counts_no_more() -> None:
    of = side()
    of.remove_row("embedding", "new")
    of.remove_content("new")
    assert "new" not in of.known
    assert ids_of(slate_of(of, completed("show"), BY_TEXT)) == ["film"]
    assert scores(of, "new") == {}
