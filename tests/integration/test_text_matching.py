"""Two titles of one overview become one, and are split again: real workers, Kafka and encoder."""

import pytest

from agents.registry import changelogs
from infra.embedded.kafka import EmbeddedKafka
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.webhook import WebhookReceived
from tests.support.kafka_io import latest, read_topic, write_topic
from tests.support.waiting import wait_until_async
from tests.support.worker_process import workers_on
from topics.catalog import CONTENTS, RECORD_TEXTS, RECORD_VECTORS, WEBHOOKS

OVERVIEW = (
    "The crown prince of a drowned kingdom hides among fishermen, until a storm brings his brother."
)
FILM = {
    "id": "1", "type": "movie", "title": "The Heir of the Tides", "release_year": 2011,
    "cast": ["Ada Moreau", "Tomas Lind"], "overview": OVERVIEW,
}  # fmt: skip
DUBBED = FILM | {"id": "x", "title": "L'erede del mare", "overview": OVERVIEW + " Dubbed."}


def webhooks(*said: tuple[str, str, dict]):
    for number, (event_id, partner, payload) in enumerate(said):
        webhook = WebhookReceived(
            event_id=event_id, partner=partner, mapper="generic", webhook_id=event_id,
            event_type="content_updated" if "title" not in payload else "content_added",
            platform=partner, occurred_at_ms=1 + number, received_at_ms=1, payload=payload,
        )  # fmt: skip
        yield WEBHOOKS.key_of(webhook), encode(webhook)


@pytest.fixture
def bootstrap(tmp_path):
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        yield kafka.bootstrap_servers


@pytest.fixture
def start_worker(bootstrap, tmp_path):
    with workers_on(bootstrap, tmp_path / "workers") as start:
        yield start


async def test_titles_of_one_overview_are_joined_and_split_by_identifiers(bootstrap, start_worker):
    async def contents() -> dict[str, Content]:
        rows = latest(await read_topic(bootstrap, CONTENTS.name, 1))
        return {key: decode(Content, value) for key, value in rows.items()}

    async def wait_for(what, is_so):
        async def now():
            return is_so(await contents())

        await wait_until_async(now, 90, what)

    await apply_topics(Cluster(bootstrap), replication_factor=1, changelogs=changelogs())
    await write_topic(bootstrap, WEBHOOKS, webhooks(("e1", "acme", FILM), ("e2", "other", DUBBED)))
    catalogue = start_worker("catalogue")
    await wait_for("two titles", lambda found: len(found) == 2)
    assert not any(each.same_as for each in (await contents()).values())
    start_worker("record-vectors")
    await wait_for("one title", lambda found: found["other:x"].same_as == "acme:1")
    reason = (await contents())["acme:1"].records[1]
    assert (reason.content_id, reason.method, reason.confidence) == ("other:x", "text", 0.95)

    catalogue.kill()
    start_worker("catalogue")
    known = [
        (f"e{number}", partner, {"id": own, "external_ids": {"imdb": imdb}})
        for number, partner, own, imdb in (
            (3, "acme", "1", "tt0000001"), (4, "other", "x", "tt0000002"),
        )
    ]  # fmt: skip
    await write_topic(bootstrap, WEBHOOKS, webhooks(*known))
    await wait_for("two titles again", lambda found: found["other:x"].same_as is None)
    found = await contents()
    assert (found["acme:1"].external_ids, found["acme:1"].records) == ({"imdb": "tt0000001"}, ())

    async def nothing_is_wanted():
        topics = [await read_topic(bootstrap, topic.name, 1)
                  for topic in (RECORD_TEXTS, RECORD_VECTORS)]  # fmt: skip
        return all(topic and not latest(topic) for topic in topics)

    await wait_until_async(nothing_is_wanted, 60, "text and vectors taken back")
    records = await read_topic(bootstrap, RECORD_VECTORS.name, 1)
    assert len(records) == 4, "each text was encoded once, and taken back once"
