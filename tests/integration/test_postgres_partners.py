"""Partners, their deliveries and refusals on a real Postgres: rotation, claims, bounds, pages."""

import asyncio
import datetime

import psycopg
import pytest

from agents.serving import flush_contents
from infra.postgres import dead_letters, webhook_refusals
from infra.postgres.dead_letters import LetterRow
from infra.postgres.migrate import apply, load, migrate
from infra.postgres.partner_deliveries import (
    FETCH,
    QUALITY,
    DeliveryPosition,
    PartnerDeliveryStore,
    PartnerQuality,
)
from infra.postgres.partners import (
    SECRET,
    Key,
    NewPartner,
    PartnerStore,
    TooManyKeys,
    UnknownPartner,
)
from infra.postgres.pool import create_pool
from infra.postgres.webhook_deliveries import Delivery, DeliveryStore
from infra.postgres.webhook_refusals import (
    LISTED_MAX,
    Refusal,
    RefusalCount,
    RefusalPosition,
    RefusalStore,
)
from infra.security.sealing import Sealer
from infra.settings import Settings
from schemas.codec import encode
from schemas.content import Content
from tests.integration.test_postgres_serving import record
from tests.support.operators import CLI
from topics.catalog import CONTENTS

AT = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC)
HOUR = AT.replace(minute=0)
DAY = datetime.timedelta(days=1)
NEWEST = RefusalPosition(datetime.datetime.max.replace(tzinfo=datetime.UTC), 0)
END = DeliveryPosition(datetime.datetime.max.replace(tzinfo=datetime.UTC), "")


@pytest.fixture
async def pool(fresh_database_url):
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        yield opened


@pytest.fixture
async def acme(pool):
    store = PartnerStore(pool, Sealer(""), lambda: 1000)
    await store.create(CLI, NewPartner("acme", "generic"), [Key(SECRET, b"first")])
    return store


def a_delivery(webhook_id="m1", **changes):
    first = Delivery("acme", webhook_id, b"a" * 32, "e1", "content_added", AT, AT)
    return first._replace(**changes)


async def test_two_rotations_at_once_leave_three_keys_at_most(pool, acme):
    await acme.rotate(CLI, "acme", Key(SECRET, b"second"), overlap_ms=500)
    keys = [Key(SECRET, f"key-{number}".encode()) for number in range(4)]
    results = await asyncio.gather(
        *(acme.rotate(CLI, "acme", key, overlap_ms=500) for key in keys), return_exceptions=True
    )
    assert sum(isinstance(item, TooManyKeys) for item in results) == 3
    assert len(await acme.live_keys("acme")) == 3
    with pytest.raises(UnknownPartner):
        await acme.rotate(CLI, "nobody", keys[0], overlap_ms=0)


async def test_of_equal_deliveries_one_gets_the_claim(pool):
    stores = [DeliveryStore(pool) for _ in range(3)]  # as many processes
    known = await asyncio.gather(
        *(store.reserve(a_delivery()) for store in stores for _ in range(10))
    )
    assert sum(item.claimed for item in known) == 1
    assert not any(item.accepted for item in known)
    assert (await stores[0].claim("acme", "m1")).claimed is False
    await stores[0].release("acme", "m1")
    again = await asyncio.gather(*(store.claim("acme", "m1") for store in stores))
    assert sum(item.claimed for item in again) == 1
    stores[0].accept("acme", "m1")
    await stores[0].close()
    await stores[0].release("acme", "m1")
    assert await stores[1].claim("acme", "m1") == (b"a" * 32, True, False)
    [row] = await PartnerDeliveryStore(pool).fetch("acme", AT - DAY, 10, END)
    assert (row.accepted, row.repeats) == (True, 29)
    assert await stores[0].claim("acme", "m2") is None


async def test_a_claim_ends_when_its_holder_died(pool):
    store = DeliveryStore(pool)
    assert (await store.reserve(a_delivery())).claimed
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET claimed_at = now() - interval '9 s'"
        )
    assert (await store.reserve(a_delivery())).claimed
    assert not (await store.reserve(a_delivery())).claimed


@pytest.mark.parametrize(
    ("later", "forgotten"),
    [(7 * DAY - datetime.timedelta(hours=1), False), (7 * DAY, False),
     (7 * DAY + datetime.timedelta(milliseconds=1), True)],
)  # fmt: skip
async def test_an_id_is_known_for_seven_days_to_the_millisecond(pool, later, forgotten):
    store = DeliveryStore(pool)
    await store.reserve(a_delivery())
    store.accept("acme", "m1")
    await store.close()
    assert (await store.find("acme", "m1", AT + later) is None) is forgotten
    other = a_delivery(body_sha256=b"b" * 32, received_at=AT + later)
    known = await store.reserve(other)
    if forgotten:
        assert known == (b"b" * 32, False, True)
        [row] = await PartnerDeliveryStore(pool).fetch("acme", AT, 10, END)
        assert (row.received_at, row.repeats, row.repeated_at) == (AT + later, 0, None)
    else:
        assert known == (b"a" * 32, True, False)


async def test_other_bytes_are_no_repetition(pool):
    store = DeliveryStore(pool)
    await store.reserve(a_delivery())
    known = await store.reserve(a_delivery(body_sha256=b"b" * 32))
    assert known == (b"a" * 32, False, False)
    [row] = await PartnerDeliveryStore(pool).fetch("acme", AT - DAY, 10, END)
    assert (row.repeats, row.repeated_at) == (0, None)


async def test_deliveries_are_read_by_page_and_partner(pool):
    store = DeliveryStore(pool)
    for number in range(6):
        at = AT + datetime.timedelta(seconds=number // 2)
        item = a_delivery(f"m{number}", received_at=at, occurred_at=AT)
        await store.reserve(item)
        await store.reserve(item._replace(partner="globex"))
        store.accept("acme", f"m{number}")
    await store.close()
    reading, seen, before = PartnerDeliveryStore(pool), [], END
    while page := await reading.fetch("acme", AT - DAY, 2, before):
        seen += [row.webhook_id for row in page]
        before = DeliveryPosition(page[-1].received_at, page[-1].webhook_id)
    assert seen == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert await reading.fetch("acme", AT + DAY, 2, END) == []
    assert await reading.fetch_lag("acme", AT - DAY) == (6, 1.0, 2.0, 2.0, 2.0)
    assert await reading.fetch_lag("globex", AT - DAY) is None  # none was accepted
    assert await reading.fetch_lag("nobody", AT - DAY) is None


def a_count(reason="not-json", **changes):
    first = RefusalCount("acme", HOUR, reason, 1, AT, "detail")
    return first._replace(**changes)


async def test_refusals_are_bounded_counted_and_of_known_partners(pool, acme):
    store = RefusalStore(pool)
    refusals = [
        Refusal("acme", f"m{number}", "not-json", "", AT) for number in range(LISTED_MAX + 50)
    ]
    strange = [Refusal("nobody", "m", "not-json", "", AT)]
    await store.write(refusals[:40] + strange, [a_count(refused=40), a_count(partner="nobody")])
    later = AT + datetime.timedelta(minutes=1)
    await store.write(refusals[40:], [a_count(refused=1010, last_at=later, detail="newest")])
    newest = await store.fetch("acme", 2, NEWEST)
    assert [row.webhook_id for row in newest] == [f"m{LISTED_MAX + 49}", f"m{LISTED_MAX + 48}"]
    rest = await store.fetch("acme", 5000, RefusalPosition(AT, newest[-1].refusal_id))
    assert len(rest) == LISTED_MAX - 2
    assert await store.fetch("nobody", 10, NEWEST) == []
    assert await store.fetch_by_day("nobody", AT - DAY) == []
    [day] = await store.fetch_by_day("acme", AT - DAY)
    assert (day.refused, day.last_at, day.detail) == (1050, later, "newest")


async def test_counts_are_by_day_and_reason_and_end_after_a_month(pool, acme):
    store = RefusalStore(pool)
    counts = [
        a_count(hour=HOUR + datetime.timedelta(hours=number), last_at=AT, refused=number + 1)
        for number in range(24)
    ]
    await store.write([], [*counts, a_count("bad-signature")])
    found = await store.fetch_by_day("acme", HOUR)
    assert [(row.hour.day, row.reason, row.refused) for row in found] == [
        (2, "not-json", sum(range(13, 25))), (1, "bad-signature", 1),
        (1, "not-json", sum(range(1, 13))),
    ]  # fmt: skip
    month_ms = int((HOUR + 30 * DAY).timestamp() * 1000)
    assert await webhook_refusals.purge(pool, month_ms) == 0
    assert await webhook_refusals.purge(pool, month_ms + 1) == 2


async def test_a_keyring_knows_when_each_key_ends(pool, acme):
    await acme.rotate(CLI, "acme", Key(SECRET, b"second"), overlap_ms=500)
    keyring = (await acme.find("acme")).keyring
    assert keyring.secrets == (b"second", b"first")
    assert keyring.ends == ((b"first", 1500),)
    assert keyring.live_at(1.499).secrets == (b"second", b"first")
    assert keyring.live_at(1.5).secrets == (b"second",)
    await acme.rotate(CLI, "acme", Key(SECRET, b"first"), overlap_ms=400)  # given once more
    keyring = (await acme.find("acme")).keyring
    assert keyring.live_at(9).secrets == (b"first", b"first")


async def test_refusals_are_newest_first_and_trimmed_by_time(pool, acme):
    store = RefusalStore(pool)
    newer = [
        Refusal("acme", f"n{number}", "not-json", "", AT + datetime.timedelta(seconds=number))
        for number in range(LISTED_MAX - 1)
    ]
    older = [
        Refusal("acme", f"o{number}", "not-json", "", AT - datetime.timedelta(seconds=number))
        for number in range(1, 4)
    ]
    await store.write(newer, [])
    await store.write(older, [])  # by another process, which was slower
    found = await store.fetch("acme", 5000, NEWEST)
    assert [row.webhook_id for row in found] == [
        *(f"n{number}" for number in reversed(range(LISTED_MAX - 1))), "o1",
    ]  # fmt: skip
    after = RefusalPosition(found[0].refused_at, found[0].refusal_id)
    assert await store.fetch("acme", 1, after) == [found[1]]


def a_letter_row(offset, event_id, **changes):
    row = dict.fromkeys(LetterRow._fields) | {
        "source_topic": "ingestion.webhooks", "source_partition": 0, "source_offset": offset,
        "version": offset, "agent": "catalogue", "reason": "rule", "detail": f"detail {offset}",
        "failed_at_ms": offset, "partner": "acme", "event_id": event_id, "headers": b"[]",
        "attempts": 1,
    }  # fmt: skip
    return LetterRow(**row | changes)


async def test_a_delivery_has_its_newest_dead_letter(pool):
    store = DeliveryStore(pool)
    for number in range(3):
        await store.reserve(a_delivery(f"m{number}", event_id=f"e{number}"))
    letters = [
        a_letter_row(1, "e1"), a_letter_row(2, "e1"), a_letter_row(3, "e2", partner="globex"),
        a_letter_row(4, None),
    ]  # fmt: skip
    async with pool.connection() as connection:
        await dead_letters.upsert(connection, letters, [])
    rows = await PartnerDeliveryStore(pool).fetch("acme", AT - DAY, 10, END)
    assert [row.webhook_id for row in rows] == ["m2", "m1", "m0"]
    assert [row.letter and row.letter[1:] for row in rows] == [
        None, ("rule", "detail 2", 2, "open"), None,
    ]  # fmt: skip


async def test_the_dead_letters_of_a_page_are_found_by_an_index(pool):
    async with pool.connection() as connection:
        await connection.execute("SET enable_seqscan = off")
        end = await connection.execute("EXPLAIN " + FETCH, ("acme", AT, *END, 10))
        plan = "\n".join(line for (line,) in await end.fetchall())
        assert "dead_letters_of_event" in plan
        end = await connection.execute("EXPLAIN " + QUALITY, ("acme",))
        plan = "\n".join(line for (line,) in await end.fetchall())
        assert "contents_of_partner" in plan


def a_content(content_id, **changes):
    fields = {"type": "movie", "title": "T", "updated_at_ms": 1, "partner_ids": {"acme": "1"}}
    return Content(content_id=content_id, **{**fields, **changes})


def records_of(contents, first=0):
    return [
        record(CONTENTS, offset, content, key)
        for offset, (key, content) in enumerate(contents.items(), first)
    ]


async def test_the_quality_of_a_partners_titles_is_read(pool):
    contents = {
        "a": a_content("a", quality=1.0),
        "b": a_content("b", quality=0.5, missing=("overview", "image_url")),
        "c": a_content("c", quality=0.3, missing=("overview",)),
        "d": a_content("d", same_as="c"),
        "e": a_content("e", quality=0.1, partner_ids={"globex": "1"}),
        "f": None,
    }
    reading = PartnerDeliveryStore(pool)
    assert await reading.fetch_quality("acme") is None
    await flush_contents(pool, records_of(contents))
    found = await reading.fetch_quality("acme")
    assert (found.contents, round(found.mean, 6)) == (3, 0.6)
    assert found.missing == (("overview", 2), ("image_url", 1))
    contents = {"a": None, "b": None, "c": None}
    await flush_contents(pool, records_of(contents, first=10))
    assert await reading.fetch_quality("acme") is None


async def test_contents_of_before_get_their_quality_from_what_they_are(fresh_database_url):
    before = [migration for migration in load() if migration.name < "0019"]
    body = encode(a_content("a", quality=0.5, missing=("overview",)))
    alias = encode(a_content("b", same_as="a"))
    insert = "INSERT INTO contents (content_id, version, removed, body, partners, arrived)"
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        apply(connection, before)
        for key, removed, value in (("a", False, body), ("b", False, alias), ("c", True, None)):
            row = (key, removed, value, ["acme"] if value else None)
            connection.execute(f"{insert} VALUES (%s, 1, %s, %s, %s, 1)", row)
    migrate(fresh_database_url)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        found = await PartnerDeliveryStore(opened).fetch_quality("acme")
    assert found == PartnerQuality(1, 0.5, (("overview", 1),))
