"""Dead letters in a real Postgres: bytes of any kind, replays, filters, pages, states."""

import asyncio
import os
import random

import pytest

from agents.dead_letters import flush_dead_letters
from agents.spec import Record
from domain.dead_letters import Failure, Origin, letter_headers, unpack_headers
from infra.postgres.dead_letters import (
    DISCARDED,
    OPEN,
    REDRIVEN,
    STATES,
    Change,
    DeadLetterStore,
    LetterCursor,
    LetterFilter,
    claim,
    count,
    mark,
    purge,
)
from infra.postgres.erasures import ErasureStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import create_pool
from infra.security.pseudonyms import WITHOUT_KEY
from infra.settings import Settings
from schemas.times import DAY_MS
from tests.support.operators import CLI
from topics.catalog import PROGRESS, WEBHOOKS

NOW_MS = 1_767_300_000_000


REDRIVEN_ONCE = (("redrive.attempts", b"1"), ("redrive.first_offset", b"0"))


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


@pytest.fixture
def store(pool):
    return DeadLetterStore(pool)


def letter(number, topic=WEBHOOKS, key=b"acme|msg", value=b"{}", *, version=None, **changes):
    """The dead letter of record ``number`` of partition 0, at offset ``version`` of its topic."""
    own = changes.get("own", ())
    failure = Failure("catalogue", changes.get("reason", "rule"), changes.get("detail", "why"))
    headers = letter_headers(Origin(topic.name, 0, number), changes.get("at_ms", 5), own, failure)
    offset = number if version is None else version
    failed_at_ms = changes.get("failed_at_ms", NOW_MS + number)
    return Record(topic.dead_letter_name, 0, offset, failed_at_ms, key, value, headers)


async def flush(pool, *letters):
    assert await flush_dead_letters(pool, letters) == []


async def dump(pool):
    async with pool.connection() as connection:
        query = "SELECT * FROM dead_letters ORDER BY source_topic, source_partition, source_offset"
        # The number of a row is given out by the database: it depends on how often it was asked.
        return [row[1:] for row in await (await connection.execute(query)).fetchall()]


async def offsets_of(store, wanted, limit=100, after=None):
    return [each.source_offset for each in await store.fetch_page(wanted, limit, after)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None), (b"", b""), (b"acme|msg", None), (None, b"\0\xff\xfe"),
        (b"\xff\0", bytes(range(256))), (b"k", os.urandom(1_000_000)),
    ],
)  # fmt: skip
async def test_bytes_of_any_kind_come_back_as_they_were(pool, store, key, value):
    own = [("trace", None), ("trace", b"\xff\0"), ("é", b"")]
    given = letter(1, key=key, value=value, own=own)
    await flush(pool, given)
    [row] = await store.fetch_page(LetterFilter(), 10)
    whole = await store.find(row.letter_id)
    assert whole is not None
    assert (whole.key, whole.value) == (key, value)
    assert unpack_headers(whole.headers) == list(given.headers)


async def test_any_split_and_any_replay_gives_the_same_rows(pool):
    letters = [letter(number % 5, version=number, detail=str(number)) for number in range(12)]
    letters += [letter(number, PROGRESS, b"user-1", version=number) for number in range(4)]
    await flush(pool, *letters)
    once = await dump(pool)
    assert len(once) == 9
    dice = random.Random(5)
    for _ in range(10):
        start = dice.randrange(len(letters))
        for cut in range(start, len(letters), 3):
            await flush(pool, *letters[cut : cut + 3])
        assert await dump(pool) == once
    async with pool.connection() as connection:
        await connection.execute("TRUNCATE dead_letters")
    for each in letters:
        await flush(pool, each)
    apart = await dump(pool)
    # A letter's first failure is when the first of its letters was written, in whatever batch.
    assert [row[:4] for row in apart] == [row[:4] for row in once]
    assert {row[6] for row in apart} == {row[6] for row in once}


async def test_a_newer_letter_of_a_record_says_more_and_reopens_nothing(pool, store):
    await flush(pool, letter(1, version=1, detail="old words"))
    [row] = await store.fetch_page(LetterFilter(), 10)
    await store.discard(CLI, [row.letter_id], at_ms=7, note="known")
    await flush(pool, letter(1, version=4, detail="new words", failed_at_ms=NOW_MS + 999))
    await flush(pool, letter(1, version=2, detail="older words"))
    [again] = await store.fetch_page(LetterFilter(), 10)
    assert (again.state, again.note, again.changed_by) == (DISCARDED, "known", CLI.name)
    assert (again.detail, again.version) == ("new words", 4)
    assert (again.letter_id, again.failed_at_ms) == (row.letter_id, row.failed_at_ms)


async def test_what_has_not_the_headers_of_a_letter_is_rejected_and_the_rest_kept(pool, store):
    broken = letter(1)._replace(headers=[("dlq.topic", b"x")])
    [reject] = await flush_dead_letters(pool, [broken, letter(2)])
    assert (reject.record, reject.reason) == (broken, "decode")
    assert await offsets_of(store, LetterFilter()) == [2]


async def test_filters_select(pool, store):
    await flush(
        pool,
        letter(1), letter(2, key=b"globex|m"), letter(3, reason="step"),
        letter(4, PROGRESS, b"user-1", b'{"user_id":"user-1","event_id":"e"}', reason="decode"),
    )  # fmt: skip
    wanted = {
        LetterFilter(): [4, 3, 2, 1],
        LetterFilter(topic=PROGRESS.name): [4],
        LetterFilter(partner="acme"): [3, 1],
        LetterFilter(partner="globex"): [2],
        LetterFilter(reason="step"): [3],
        LetterFilter(since_ms=NOW_MS + 2, until_ms=NOW_MS + 4): [3, 2],
        LetterFilter(partner="acme", reason="rule"): [1],
        LetterFilter(state=REDRIVEN): [],
        LetterFilter(partner="'; DROP TABLE dead_letters; --"): [],
    }
    for each, offsets in wanted.items():
        assert await offsets_of(store, each) == offsets, each
    [event] = await store.fetch_page(LetterFilter(topic=PROGRESS.name), 1)
    assert (event.user_id, event.event_id, event.partner) == ("user-1", "e", None)


async def test_pages_hold_every_letter_once_also_at_one_time(pool, store):
    await flush(pool, *(letter(number, failed_at_ms=NOW_MS) for number in range(7)))
    seen, after = [], None
    while page := await store.fetch_page(LetterFilter(), 2, after):
        seen += page
        after = LetterCursor(page[-1].failed_at_ms, page[-1].letter_id)
    assert sorted(each.source_offset for each in seen) == list(range(7))
    assert seen == await store.fetch_page(LetterFilter(), 10)
    own = await store.fetch_of_partner("acme", 10, LetterCursor(NOW_MS, seen[2].letter_id))
    assert [each.letter for each in own] == seen[3:]
    assert await store.fetch_of_partner("globex", 10) == []


async def test_a_state_is_left_once(pool, store):
    await flush(pool, letter(1), letter(2), letter(3, reason="step"))
    ids = await store.find_open(LetterFilter(), 10)
    assert await store.discard(CLI, ids[:1], at_ms=5, note="n") == ids[:1]
    assert await store.discard(CLI, ids[:1], at_ms=6, note="m") == []
    async with pool.connection() as connection, connection.transaction():
        change = Change(REDRIVEN, 7, CLI)
        assert await mark(connection, [*ids[:2], 10**9], change) == ids[1:2]
    assert await store.find_open(LetterFilter(state=DISCARDED), 10) == ids[2:]
    assert {tuple(group): number for group, number in (await count(pool)).items()} == {
        (WEBHOOKS.name, "rule", DISCARDED): 1, (WEBHOOKS.name, "rule", REDRIVEN): 1,
        (WEBHOOKS.name, "step", OPEN): 1,
    }  # fmt: skip
    states = [await offsets_of(store, LetterFilter(state=state)) for state in STATES]
    assert states == [[3], [2], [1]]


async def test_what_one_has_claimed_another_does_not_get(pool, store):
    await flush(pool, letter(2), letter(1), letter(3))
    ids = await store.find_open(LetterFilter(), 10)
    async with pool.connection() as one, pool.connection() as two, one.transaction():
        mine = await claim(one, ids[:2])
        assert [each.letter.source_offset for each in mine] == [1, 2]
        async with two.transaction():
            theirs = await asyncio.wait_for(claim(two, ids), 10)
    assert [each.letter.letter_id for each in theirs] == ids[2:]


async def test_the_first_failure_is_linked_while_it_is_kept(pool, store):
    again = [("redrive.attempts", b"1"), ("redrive.first_offset", b"1")]
    await flush(pool, letter(1, failed_at_ms=NOW_MS - 2 * DAY_MS), letter(9, own=again))
    second, first = await store.fetch_page(LetterFilter(), 10)
    assert (second.attempts, second.first_offset, second.first_id) == (2, 1, first.letter_id)
    assert (first.attempts, first.first_offset, first.first_id) == (1, None, None)
    assert await purge(pool, NOW_MS, 1) == 1
    assert await purge(pool, NOW_MS, 1) == 0
    [left] = await store.fetch_page(LetterFilter(), 10)
    assert (left.letter_id, left.first_offset, left.first_id) == (second.letter_id, 1, None)


async def test_a_letter_of_before_an_erasure_does_not_come_back(pool, store):
    value = b'{"user_id":"user-1","event_id":"e"}'
    await ErasureStore(pool).record(CLI, WITHOUT_KEY.of("user-1"), NOW_MS + 1)
    of_user = [
        letter(number, PROGRESS, b"user-1", value, at_ms=NOW_MS + number) for number in range(3)
    ]
    await flush(pool, *of_user)
    await flush(pool, letter(9))
    found = await store.fetch_page(LetterFilter(), 10)
    assert [each.source_offset for each in found] == [9, 2]


@pytest.mark.parametrize(
    ("value", "own", "kept"),
    [
        (b'{"user_id":"user-1","occurred_at_ms":%d}' % NOW_MS, (), False),
        (b'{"user_id":"user-1","occurred_at_ms":%d}' % (NOW_MS + 1), (), True),
        (b"not JSON", (), True),  # it came into the log after the erasure
        (b"not JSON", REDRIVEN_ONCE, False),  # once more, and nobody knows when first
        (b'{"user_id":"user-1","occurred_at_ms":%d}' % (NOW_MS + 1), REDRIVEN_ONCE, True),
    ],
)
async def test_a_letter_is_of_before_an_erasure_by_its_event(pool, store, value, own, kept):
    later = {"at_ms": NOW_MS + 9, "failed_at_ms": NOW_MS + 9}
    letters = letter(1, PROGRESS, b"user-1", value, own=own, **later)
    erasures, name = ErasureStore(pool), WITHOUT_KEY.of("user-1")
    await flush(pool, letters)
    await erasures.record(CLI, name, NOW_MS)
    await erasures.delete_rows("user-1", name, NOW_MS)
    assert await erasures.removed(name) == ({} if kept else {"dead_letters": 1})
    await flush(pool, letters)
    assert len(await store.fetch_page(LetterFilter(), 10)) == kept


async def test_letters_of_one_batch_get_their_ids_in_the_order_of_their_records(pool):
    arriving = random.Random(3).sample(range(300), 300)
    await flush(pool, *(letter(number, version=n) for n, number in enumerate(arriving)))
    async with pool.connection() as connection:
        query = "SELECT source_offset FROM dead_letters ORDER BY letter_id"
        rows = await (await connection.execute(query)).fetchall()
    assert [number for (number,) in rows] == list(range(300))
