"""A cache entry that is missing is loaded once, however many ask for it."""

import asyncio

import pytest

from api.cache import JOIN_S, TtlCache


class Loader:
    """Counts calls; each waits until ``release`` is set, then returns its number or fails."""

    def __init__(self):
        self.calls = 0
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.error = None

    async def __call__(self):
        self.calls += 1
        number = self.calls
        self.started.set()
        await self.release.wait()
        if self.error is not None:
            raise self.error
        return number


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    return TtlCache("test", size_max=2, ttl_s=3.0, clock_s=clock)


async def asked(cache, loader, count):
    """Return ``count`` callers that all wait for one key."""
    tasks = [asyncio.create_task(cache.get_or_load("key", loader)) for _ in range(count)]
    await loader.started.wait()
    return tasks


async def test_a_burst_of_callers_loads_once_and_again_when_the_entry_has_aged(cache, clock):
    loader = Loader()
    burst = await asked(cache, loader, 50)
    loader.release.set()
    assert set(await asyncio.gather(*burst)) == {1}
    clock.now_s += 2.9
    assert await cache.get_or_load("key", loader) == 1
    clock.now_s += 0.1
    assert set(await asyncio.gather(*(cache.get_or_load("key", loader) for _ in range(9)))) == {2}


async def test_keys_do_not_wait_for_each_other(cache):
    slow, quick = Loader(), Loader()
    quick.release.set()
    waiting = await asked(cache, slow, 1)
    assert await cache.get_or_load("other", quick) == 1
    assert not waiting[0].done()
    slow.release.set()
    assert await waiting[0] == 1


async def test_a_caller_that_gives_up_does_not_end_the_load_of_the_others(cache):
    loader = Loader()
    first, second = await asked(cache, loader, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    loader.release.set()
    assert await second == 1
    assert cache.get("key") == (1,)


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(cache):
    loader = Loader()
    loader.error = OSError("away")
    burst = await asked(cache, loader, 3)
    loader.release.set()
    results = await asyncio.gather(*burst, return_exceptions=True)
    assert [type(each) for each in results] == [OSError] * 3
    loader.error = None
    assert await cache.get_or_load("key", loader) == 2


async def test_none_is_a_value(cache):
    calls = []

    async def find():
        calls.append(1)

    assert await cache.get_or_load("key", find) is None
    assert await cache.get_or_load("key", find) is None
    assert len(calls) == 1


async def test_a_load_that_hangs_is_not_joined_for_ever(cache, clock):
    hanging, quick = Loader(), Loader()
    quick.release.set()
    first = await asked(cache, hanging, 2)
    clock.now_s += JOIN_S
    assert await cache.get_or_load("key", quick) == 1
    assert not any(task.done() for task in first)
    hanging.release.set()  # what comes late reaches who waited for it, and disturbs nobody
    assert await asyncio.gather(*first) == [1, 1]
    clock.now_s += 3.0
    assert await cache.get_or_load("key", quick) == 2


async def test_an_old_answer_that_comes_late_does_not_replace_a_newer_one(cache, clock):
    old, new = Loader(), Loader()
    new.release.set()
    first = await asked(cache, old, 1)
    clock.now_s += JOIN_S
    new.calls = 1
    assert await cache.get_or_load("key", new) == 2
    old.release.set()
    assert await asyncio.gather(*first) == [1]
    assert cache.get("key") == (2,)


async def test_an_answer_is_fresh_from_when_it_was_asked_for(cache, clock):
    slow = Loader()
    first = await asked(cache, slow, 1)
    clock.now_s += 2.0
    slow.release.set()
    assert await asyncio.gather(*first) == [1]
    clock.now_s += 0.9
    assert cache.get("key") == (1,)
    clock.now_s += 0.1
    assert cache.get("key") is None


async def test_a_load_of_which_a_newer_one_failed_is_not_kept(cache, clock):
    old, new = Loader(), Loader()
    first = await asked(cache, old, 1)
    clock.now_s += JOIN_S
    new.error = OSError("away")
    new.release.set()
    with pytest.raises(OSError, match="away"):
        await cache.get_or_load("key", new)
    old.release.set()
    assert await asyncio.gather(*first) == [1]
    assert cache.get("key") is None


async def test_what_is_not_fresh_any_more_is_dropped_a_bounded_number_at_a_time(cache, clock):
    cache.put("a", 1)
    clock.now_s += 1.0
    cache.put("b", 2)
    clock.now_s += 2.0
    assert cache.drop_aged(9) == 1
    assert (cache.get_stale("a", 99.0), cache.get("b")) == (None, (2,))
    cache.put("c", 3)
    clock.now_s += 3.0
    assert cache.drop_aged(1) == 1
    assert [cache.get_stale(key, 99.0) for key in "bc"] == [None, (3,)]
