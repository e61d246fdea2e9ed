import asyncio

import pytest
from psycopg.types.numeric import Int8

from infra.postgres.grouping import Grouped
from infra.postgres.rows import columns_of, newest_per_key, transposed
from infra.postgres.viewers import Viewer, combined


def test_the_last_row_of_a_key_wins_and_rows_are_sorted():
    rows = [("b", 1), ("a", 1), ("b", 2), ("a", 0)]
    assert newest_per_key(rows, lambda row: row[0]) == [("a", 0), ("b", 2)]


def test_rows_become_columns():
    assert transposed([(1, "x"), (2, "y")]) == [[1, 2], ["x", "y"]]


def test_numbers_of_a_column_have_one_type_whatever_their_size() -> None:
    names, numbers, flags = columns_of([("x", 1, True), (None, 2**40, None), ("y", None, False)])
    assert (names, numbers, flags) == (["x", None, "y"], [1, 2**40, None], [True, None, False])
    assert {type(number) for number in numbers} == {Int8, type(None)}
    assert {type(flag) for flag in flags} == {bool, type(None)}


def test_the_newest_offset_says_what_is_included_whatever_the_order():
    old = Viewer("u", 5, 5, ("a",), 900)
    new = Viewer("u", 7, 3, ("a", "b"), 100)
    expected = [Viewer("u", 7, 5, ("a", "b"), 900)]
    assert combined([old, new]) == expected
    assert combined([new, old]) == expected


async def test_calls_that_come_together_run_together():
    groups = []
    release = asyncio.Event()

    async def run(items):
        groups.append(list(items))
        await release.wait()
        return [item * 10 for item in items]

    grouped = Grouped(run, 3)
    calls = [asyncio.create_task(grouped.call(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*calls) == [0, 10, 20, 30, 40, 50]
    assert len(groups) <= 3
    assert all(len(group) <= 3 for group in groups)


async def test_an_error_reaches_every_caller_of_the_group_and_the_next_group_runs():
    failures = [OSError("away")]

    async def run(items):
        if failures:
            raise failures.pop()
        return list(items)

    grouped = Grouped(run, 10)
    results = await asyncio.gather(grouped.call(1), grouped.call(2), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError]
    assert await grouped.call(3) == 3


async def test_a_caller_that_goes_away_does_not_disturb_the_others():
    release = asyncio.Event()

    async def run(items):
        await release.wait()
        return list(items)

    grouped = Grouped(run, 10)
    gone = asyncio.create_task(grouped.call(1))
    stays = asyncio.create_task(grouped.call(2))
    await asyncio.sleep(0)
    gone.cancel()
    release.set()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_after_a_group_of_several_the_next_one_gathers(monkeypatch):
    sizes = []
    gathered = asyncio.Event()
    sleep = asyncio.sleep

    async def sleep_until_told(seconds):
        await (gathered.wait() if seconds else sleep(0))

    async def run(items):
        sizes.append(len(items))
        return list(items)

    monkeypatch.setattr(asyncio, "sleep", sleep_until_told)
    grouped = Grouped(run, 10, gather_s=5)
    assert await grouped.call(0) == 0  # alone: at once, and nothing gathers after it
    assert await asyncio.gather(grouped.call(1), grouped.call(2)) == [1, 2]
    late = [asyncio.ensure_future(grouped.call(number)) for number in (3, 4, 5)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert sizes == [1, 2]
    gathered.set()
    assert await asyncio.gather(*late) == [3, 4, 5]
    assert sizes == [1, 2, 3]
