"""Trending as arrays gives what adding partials up one by one gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trending import merge
from domain.trending_table import TrendingTable
from schemas.trending import TrendingEntry, TrendingPartial

IDS = ["d", "b", "a", "c", "f", "e"]
HOMES = np.array([0, 1, 1, 3, 4, 4])  # a counts for b, e for f
HALF_LIFE_MS = 86_400_000


@st.composite
def partials(draw):
    shards = draw(st.lists(st.integers(0, 9), unique=True, max_size=5))
    return [
        TrendingPartial(
            shard=str(shard),
            as_of_ms=draw(st.integers(0, 5)) * HALF_LIFE_MS // 2,
            half_life_ms=HALF_LIFE_MS,
            entries=tuple(
                TrendingEntry(content_id=name, region=region, score=score, viewers=1)
                for name, region, score in draw(
                    st.lists(
                        st.tuples(
                            st.sampled_from(IDS), st.sampled_from(["DE", "FR", "ZZ"]),
                            st.sampled_from([0.0, 1e-10, 0.25, 1.0, 2.5]),
                        ),
                        max_size=12, unique_by=lambda each: each[:2],
                    )
                )
            ),
        )
        for shard in shards
    ]  # fmt: skip


def table_of(parts):
    table = TrendingTable(IDS)
    for part in parts:
        table.put(part, [IDS.index(entry.content_id) for entry in part.entries])
    return table


def rolled_up(parts, region):
    """The same by the function that readers of partials use, then added up by home."""
    totals = {}
    for title in merge(parts, limit=1000, region=region):
        home = IDS[HOMES[IDS.index(title.content_id)]]
        totals[home] = totals.get(home, 0.0) + title.score
    best = sorted(totals, key=lambda name: (-round(totals[name], 9), name))
    return best, [totals[name] for name in best]


@given(partials(), st.sampled_from([None, "DE", "FR", "US"]))
def test_it_is_the_sum_of_all_partials_by_home(parts, region):
    found = table_of(parts).merged(region, HOMES)
    names, scores = rolled_up(parts, region)
    assert [IDS[title] for title in found.titles.tolist()] == names
    assert found.scores.tolist() == pytest.approx(scores, abs=2e-9)


@given(partials(), st.randoms())
def test_the_order_in_which_partials_came_does_not_matter(parts, dice):
    shuffled = [*parts]
    dice.shuffle(shuffled)
    one, other = table_of(parts).merged(None, HOMES), table_of(shuffled).merged(None, HOMES)
    assert one.titles.tolist() == other.titles.tolist()
    assert one.scores.tolist() == other.scores.tolist()


def test_a_partial_replaces_that_of_its_shard_and_can_be_removed():
    def part(score):
        entry = TrendingEntry(content_id="c", region="DE", score=score, viewers=1)
        return TrendingPartial(shard="1", as_of_ms=0, half_life_ms=1, entries=(entry,))

    table = table_of([part(1.0), part(3.0)])
    assert table.merged("DE", HOMES).scores.tolist() == [3.0]
    table.remove("1")
    table.remove("2")
    assert table.merged("DE", HOMES).titles.tolist() == []
