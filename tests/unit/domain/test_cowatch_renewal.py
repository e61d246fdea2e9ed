"""Renewal: what changed is fitted as by a whole fit, the rest is kept, and it ranks as well."""

import random

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from domain.cowatch import ENGAGED_ONLY, Histories, NeighbourRows
from domain.cowatch_histories import HistoryStore
from domain.cowatch_renewal import GROWTH, Fit, Fitted, fit_whole, renew
from domain.cowatch_sparse import Limits
from tests.support.movielens import needs_movielens
from tests.support.static_split import Split, mean_ndcg, ranking_by, static_split

TITLES = 60
LOCAL = Fit(Limits(0, 2 * TITLES, TITLES * TITLES, regressors=12), 5.0, TITLES)
Pair = tuple[str, str, int]


def made(viewers: int, count: int) -> list[Pair]:
    """Titles of falling popularity; some of them watched and not liked."""
    dice = np.random.default_rng(7)
    pairs = {
        (f"u{dice.integers(viewers)}", f"t{int(TITLES * dice.random() ** 2):02d}"): int(weight)
        for weight in dice.integers(30, 101, count)
    }
    return [(*key, ENGAGED_ONLY if weight < 40 else weight) for key, weight in pairs.items()]


PAIRS = made(90, 1500)
MORE = [(f"new{number}", title, 100) for number in range(40) for title in ("t03", "t40", "t99")]


def stored(pairs: list[Pair]) -> Histories:
    store = HistoryStore()
    for viewer, title, weight in pairs:
        store.put(viewer, title, weight)
    return store.histories()


def columns(rows: NeighbourRows) -> dict[str, dict[str, float]]:
    """What speaks for each title."""
    found: dict[str, dict[str, float]] = {title: {} for title in rows.title_ids}
    for place, title in enumerate(rows.title_ids):
        part = slice(rows.starts[place], rows.starts[place + 1])
        for column, weight in zip(rows.neighbours[part], rows.weights[part], strict=True):
            found[rows.title_ids[column]][title] = float(weight)
    return found


def same_bytes(one: Fitted, other: Fitted) -> bool:
    return one.rows.title_ids == other.rows.title_ids and all(
        left.tobytes() == right.tobytes()
        for left, right in zip(
            (*one.rows[1:], one.audiences), (*other.rows[1:], other.audiences), strict=True
        )
    )


def test_without_news_nothing_changes() -> None:
    before = fit_whole(stored(PAIRS), LOCAL)
    assert same_bytes(renew(before, stored(PAIRS), LOCAL), before)


def test_changed_columns_are_those_of_a_whole_fit_and_the_others_are_kept() -> None:
    before, whole = fit_whole(stored(PAIRS), LOCAL), fit_whole(stored(PAIRS + MORE), LOCAL)
    found = renew(before, stored(PAIRS + MORE), LOCAL)
    old, new, now = columns(before.rows), columns(whole.rows), columns(found.rows)
    changed = {"t03", "t40", "t99"}
    assert {title: now[title] for title in changed} == {title: new[title] for title in changed}
    assert any(now[title] != old.get(title) for title in changed)
    kept = set(now) - changed
    assert {title: now[title] for title in kept} == {title: old[title] for title in kept}
    for place, title in enumerate(found.rows.title_ids):
        assert found.audiences[place] == whole.audiences[place] or title in kept


def test_a_little_growth_is_kept_until_it_adds_up() -> None:
    """Of 40 viewers of a title, fewer than 4 more are less than 10 %."""
    first = [*PAIRS, *((f"v{number}", "t77", 100) for number in range(40))]
    before = fit_whole(stored(first), LOCAL)
    found, second, steps = before, list(first), 0
    while same_bytes(found, before):
        second.append((f"w{steps}", "t77", 100))
        steps += 1
        found = renew(found, stored(second), LOCAL)
    assert steps == GROWTH * 40
    assert found.audiences[found.rows.title_ids.index("t77")] == (40 + steps) * 100**2


def test_where_most_changed_it_is_a_whole_fit() -> None:
    everything = [("all", f"t{number:02d}", 100) for number in range(TITLES)]
    before = fit_whole(stored(PAIRS[:200]), LOCAL)
    later = stored(PAIRS + everything)
    assert same_bytes(renew(before, later, LOCAL), fit_whole(later, LOCAL))


def test_titles_that_are_gone_leave_and_nothing_may_be_left() -> None:
    before = fit_whole(stored(PAIRS + MORE), LOCAL)
    found = renew(before, stored(PAIRS), LOCAL)
    assert "t99" in before.rows.title_ids
    assert "t99" not in found.rows.title_ids
    assert all("t99" not in row for row in columns(found.rows).values())
    assert renew(before, stored([]), LOCAL).rows.title_ids == []


def test_order_of_arrival_does_not_matter() -> None:
    before = fit_whole(stored(PAIRS), LOCAL)
    later = PAIRS + MORE
    shuffled = random.Random(3).sample(later, len(later))
    assert same_bytes(renew(before, stored(shuffled), LOCAL), renew(before, stored(later), LOCAL))


def test_titles_whose_pairs_exceed_the_limit_keep_their_columns_and_wait() -> None:
    before = fit_whole(stored(PAIRS), LOCAL)
    narrow = LOCAL._replace(limits=LOCAL.limits._replace(pairs=0))
    found = renew(before, stored(PAIRS + MORE), narrow)
    old, now = columns(before.rows), columns(found.rows)
    assert {title: now[title] for title in old} == old
    assert now["t99"] == {}
    assert found.left_out == {"t03", "t40", "t99"}
    assert same_bytes(renew(found, stored(PAIRS + MORE), LOCAL), found)  # also with more room
    assert fit_whole(stored(PAIRS + MORE), LOCAL).left_out == frozenset()


@pytest.mark.parametrize("pairs", [150, 600])
def test_what_a_whole_fit_left_out_is_not_fitted_in_between(pairs: int) -> None:
    narrow = LOCAL._replace(limits=LOCAL.limits._replace(pairs=pairs))
    before = fit_whole(stored(PAIRS), narrow)
    assert before.left_out
    assert before.left_out.isdisjoint(before.rows.title_ids)
    found = renew(before, stored(PAIRS), narrow)
    assert columns(found.rows) == columns(before.rows) | {title: {} for title in before.left_out}
    assert found.left_out == before.left_out


@needs_movielens
@pytest.mark.parametrize("dense_titles", [3_000, 10_000])
def test_renewed_rows_rank_real_ratings_as_well_as_a_whole_fit(
    dense_titles: int, record_property
) -> None:
    """The histories grow by half in ten renewals."""
    split = static_split()
    how = Fit(Limits(dense_titles, 10_000, 10**7), 250.0, 100)
    with threadpool_limits(limits=1):
        old = found = fit_whole(stored_share(split, 20), how)
        for thirtieths in range(21, 31):
            found = renew(found, stored_share(split, thirtieths), how)
        whole = fit_whole(stored_share(split, 30), how)
    ndcg = {
        name: mean_ndcg(split, ranking_by(each.rows, split))
        for name, each in (("old", old), ("renewed", found), ("whole", whole))
    }
    for name, value in ndcg.items():
        record_property(f"ndcg_{name}", value)
    assert ndcg["renewed"] >= 0.98 * ndcg["whole"], ndcg
    assert ndcg["renewed"] > 1.02 * ndcg["old"], ndcg


def stored_share(split: Split, thirtieths: int) -> Histories:
    """What was liked first, of so many thirtieths of the viewers."""
    store = HistoryStore()
    for number, (viewer, titles) in enumerate(split.liked.items()):
        if number % 30 < thirtieths:
            for title in titles:
                store.put(viewer, title, 100)
    return store.histories()
