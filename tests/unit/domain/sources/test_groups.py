"""Sources scored together are what each is alone, and what the sums of its document say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ranking.history import make_history
from domain.seen import Seen
from domain.slate_index import COWATCH, EMBEDDING, NEXT, TOGETHER, ContentSide
from domain.sources import cowatch, embedding, era, next_title, together
from domain.sources.era import ReleaseYears
from domain.sources.neighbour_rows import NeighbourRows
from domain.sources.registry import PERSONAL, PERSONAL_SOURCES
from domain.sources.shared_attributes import SharedAttributes
from domain.sources.source import PersonalSource
from tests.support.ranking import EPISODES, TITLES, random_side, watchers_of

SIDE = random_side()
SIZE = len(SIDE.ids)
ROWS = {
    next_title.SOURCE: NEXT,
    together.SOURCE: TOGETHER,
    cowatch.SOURCE: COWATCH,
    cowatch.RECENT_SOURCE: COWATCH,
    embedding.SOURCE: EMBEDDING,
}
VIEWERS = watchers_of([*TITLES, *EPISODES, "x1"])
FEW = settings(max_examples=25)


def rolled_up(table: str, of: ContentSide) -> np.ndarray:
    """The rows of a table as a matrix, targets by their homes."""
    matrix = np.zeros((SIZE, SIZE))
    rows = of.rows(table, np.arange(SIZE))
    for title in range(SIZE):
        start = rows.starts[title]
        places = slice(start, start + rows.lengths[title])
        homes = of.rollup.homes[rows.targets[places]]
        np.add.at(matrix, (title, homes), rows.values[places])
    return matrix


MATRICES = {table: rolled_up(table, SIDE) for table in (COWATCH, TOGETHER, NEXT, EMBEDDING)}


@FEW
@given(seen=VIEWERS, left_out=st.sets(st.sampled_from(range(len(PERSONAL)))))
def test_together_is_one_by_one(seen: dict[str, Seen], left_out: set[int]) -> None:
    history = make_history(SIDE, seen)
    factors = np.array([0.0 if n in left_out else 1.0 for n in range(len(PERSONAL))])
    alone = np.stack([source.score(SIDE, history).scores for source in PERSONAL])
    alone[sorted(left_out)] = 0.0
    every = np.zeros((len(PERSONAL), SIZE))
    PERSONAL_SOURCES.score(SIDE, history).add(factors, np.arange(len(PERSONAL)), every)
    assert every.tobytes() == alone.tobytes()
    total = np.zeros((1, SIZE))
    PERSONAL_SOURCES.score(SIDE, history).add(
        factors * 0.5, np.zeros(len(PERSONAL), dtype=np.int64), total
    )
    assert total[0] == pytest.approx(0.5 * alone.sum(axis=0), abs=1e-12)


@FEW
@given(seen=VIEWERS, left_out=st.sets(st.sampled_from(range(len(PERSONAL)))))
def test_parts_together_are_those_of_one_by_one(seen: dict[str, Seen], left_out: set[int]) -> None:
    history = make_history(SIDE, seen)
    picks = np.array([7, 3, SIZE - 1])
    alone = [source.score(SIDE, history).said(picks) for source in PERSONAL]
    alone = [each[:0] if n in left_out else each for n, each in enumerate(alone)]
    lengths = np.array([len(each) for each in alone])
    starts = np.where(lengths > 0, np.cumsum(lengths) - lengths, -1)
    parts = np.zeros((lengths.sum(), len(picks)))
    PERSONAL_SOURCES.score(SIDE, history).fill_parts(picks, starts, parts)
    assert parts.tobytes() == np.concatenate(alone).tobytes()


@pytest.mark.parametrize("source", ROWS, ids=lambda source: source.name)
@FEW
@given(seen=VIEWERS)
def test_rows_are_added_up_by_home_and_saturate(
    source: PersonalSource, seen: dict[str, Seen]
) -> None:
    history = make_history(SIDE, seen)
    scored, matrix = source.score(SIDE, history), MATRICES[ROWS[source]]
    weights = history.weights[source.weights_row] / source.mass
    by_home = source in (next_title.SOURCE, embedding.SOURCE)
    titles = history.homes if by_home else history.titles
    x = weights @ matrix[titles]
    assert scored.scores == pytest.approx(x / (1.0 + x), abs=1e-12)
    picks = np.array([0, SIZE - 1, 11])
    expected = matrix[np.ix_(titles[scored.entries], picks)]
    assert scored.said(picks) == pytest.approx(expected, abs=1e-12)


def test_what_a_group_cannot_score_is_refused() -> None:
    plain = PersonalSource("plain", "collaborative", NeighbourRows(NEXT))
    with pytest.raises(ValueError, match="saturate"):
        plain.reads.group((plain,))
    other = PersonalSource("genre", "graph_based", SharedAttributes("genre"))
    with pytest.raises(ValueError, match="differ in their kinds only"):
        other.reads.group((other,))
    with pytest.raises(ValueError, match="one source reads years"):
        ReleaseYears.group((era.SOURCE, era.SOURCE))
