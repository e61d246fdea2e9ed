"""Co-watch and together: what each counts of a history, by hand."""

import numpy as np
import pytest

from domain.ranking.history import make_history
from domain.seen import Seen
from domain.slate_index import COWATCH, TOGETHER, ContentSide
from domain.sources import cowatch, together
from domain.sources.source import PersonalSource
from tests.support.ranking import put_row, side_of, title

HISTORY = {
    "half": Seen(3, 0.5, engaged=True),
    "newer": Seen(2, 1.0, engaged=True),
    "disliked": Seen(4, 0.0, engaged=True),
    "older": Seen(1, 1.0, engaged=True),
}


def side(table: str) -> ContentSide:
    of = side_of(map(title, [*HISTORY, "x"]))
    for name, weight in (("half", 0.02), ("newer", 0.01), ("disliked", 0.9), ("older", 0.1)):
        put_row(of, name, table=table, x=weight)
    return of


@pytest.mark.parametrize(
    ("source", "table", "x"),
    [
        (cowatch.SOURCE, COWATCH, 0.5 * 0.02 + 0.01 + 0.1),
        (together.SOURCE, TOGETHER, 0.5 * 0.02 + 0.01 + 0.1),
        (cowatch.RECENT_SOURCE, COWATCH, 0.01 + 0.9 * 0.1),
    ],
)
def test_scores_are_halfway_at_a_tenth_and_the_sum_of_their_shares(
    source: PersonalSource, table: str, x: float
) -> None:
    of = side(table)
    history = make_history(of, HISTORY)
    scored = source.score(of, history)
    picks = np.array([of.index["x"]])
    assert scored.scores[picks] == pytest.approx(x / (0.1 + x))
    assert source.shares(history, scored, picks).sum() == pytest.approx(x / (0.1 + x))
