"""The catalogue agent: webhooks in, canonical contents and reasons for refusal out."""

from itertools import permutations

import orjson
import pytest

from agents.catalogue import SPEC
from schemas.webhook import WebhookReceived
from tests.support.driving import Driver
from topics.catalog import CONTENTS

ADD = "content_added"
UPDATE = "content_updated"


def webhook(number: int, event_type: str, payload: dict, **fields) -> WebhookReceived:
    return WebhookReceived.model_validate(
        {
            "event_id": f"e{number}", "partner": "acme", "mapper": "generic",
            "webhook_id": f"w{number}", "event_type": event_type, "platform": "acme",
            "occurred_at_ms": number * 1000, "received_at_ms": 0, "payload": payload,
        }
        | fields
    )  # fmt: skip


FILM = {"id": "1", "type": "movie", "title": "Toy Story", "external_ids": {"imdb": "tt0114709"}}


def latest(driver: Driver, content_id: str) -> dict | None:
    value = driver.latest()[content_id]
    return None if value is None else orjson.loads(value)


def test_two_partners_with_one_imdb_id_are_one_content() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, FILM)])
    row = {"imdbID": "tt0114709", "Title": "Toy Story", "Runtime": 81.0, "Genre": "Animation"}
    outcome = driver.feed(
        [webhook(2, ADD, row, partner="films", mapper="film-catalogue")], offset=1
    )
    assert outcome.applied == 1
    assert {emit.topic for emit in outcome.emits} == {CONTENTS}
    assert [emit.key for emit in outcome.emits] == [b"imdb:tt0114709", b"films:tt0114709"]
    content = latest(driver, "imdb:tt0114709")
    assert content is not None
    assert content["partner_ids"] == {"acme": "1", "films": "tt0114709"}
    assert [window["partner"] for window in content["availability"]] == ["acme", "films"]
    assert content["runtime_s"] == 4860


@pytest.mark.parametrize(
    "said", [{"genres": ["Imported"], "cast": None}, {"genres": [], "cast": []}]
)
def test_what_one_partner_does_not_know_is_what_another_one_says(said: dict) -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, FILM | {"genres": ["Animation"], "cast": ["Tom Hanks"]})])
    driver.feed([webhook(2, ADD, FILM | said, partner="other")], offset=1)
    content = latest(driver, "imdb:tt0114709")
    assert content is not None
    assert (content["genres"], content["cast"]) == (["Animation"], ["Tom Hanks"])


def test_a_later_update_without_the_external_id_finds_its_content() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, FILM)])
    driver.restart()
    driver.feed([webhook(2, UPDATE, {"id": "1", "overview": "Toys live."})], offset=1)
    content = latest(driver, "imdb:tt0114709")
    assert content is not None
    assert content["overview"] == "Toys live."
    assert list(driver.latest()) == ["imdb:tt0114709"]


def test_an_external_id_that_comes_later_still_joins_partners() -> None:
    driver = Driver(SPEC)
    plain = {key: value for key, value in FILM.items() if key != "external_ids"}
    driver.feed([webhook(1, ADD, plain), webhook(2, UPDATE, FILM)])
    driver.feed([webhook(3, ADD, {**FILM, "id": "x"}, partner="other")], offset=2)
    assert list(driver.latest()) == ["acme:1", "imdb:tt0114709"]
    content = latest(driver, "acme:1")
    assert content is not None
    assert content["partner_ids"] == {"acme": "1", "other": "x"}
    assert content["external_ids"] == {"imdb": "tt0114709"}


def test_removal_is_a_tombstone_and_a_late_update_does_not_resurrect() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, FILM)])
    driver.feed([webhook(5, "content_removed", {"id": "1"})], offset=1)
    assert driver.latest() == {"imdb:tt0114709": None}
    late = driver.feed([webhook(3, UPDATE, {"id": "1", "title": "Late"})], offset=2)
    assert late.emits == []
    driver.feed([webhook(6, UPDATE, {"id": "1", "title": "Back"})], offset=3)
    content = latest(driver, "imdb:tt0114709")
    assert content is not None
    assert content["title"] == "Back"


def test_availability_change_touches_nothing_else() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, FILM)])
    payload = {"id": "1", "title": "ignored", "availability": [{"region": "DE"}]}
    driver.feed([webhook(2, "availability_changed", payload)], offset=1)
    content = latest(driver, "imdb:tt0114709")
    assert content is not None
    assert content["title"] == "Toy Story"
    assert content["availability"] == [{"partner": "acme", "region": "DE", "offer": "subscription"}]


def test_series_links_become_content_ids() -> None:
    driver = Driver(SPEC)
    series = {"id": "s", "type": "series", "title": "S", "external_ids": {"imdb": "tt0944947"}}
    episode = {"id": "e", "type": "episode", "title": "E", "series_id": "s", "season_number": 1}
    driver.feed([webhook(1, ADD, series), webhook(2, ADD, episode)])
    content = latest(driver, "acme:e")
    assert content is not None
    assert content["series_id"] == "imdb:tt0944947"


def test_refusals_name_partner_field_and_reason_and_change_nothing() -> None:
    driver = Driver(SPEC)
    outcome = driver.feed(
        [
            webhook(1, ADD, {"id": "1", "title": "T"}),
            webhook(2, ADD, FILM, mapper="nope"),
            webhook(3, "availability_changed", {"id": "1"}),
            webhook(4, ADD, {**FILM, "release_year": 3000}),
            b"not json",
        ]
    )
    assert {(reject.record.offset, reject.reason) for reject in outcome.rejects} == {
        (0, "rule"), (1, "rule"), (2, "rule"), (3, "rule"), (4, "decode"),
    }  # fmt: skip
    details = {reject.record.offset: reject.detail for reject in outcome.rejects}
    assert details[0] == (
        "partner acme, content_added read as generic: type: expected a value, found nothing; "
        "content_added needs it"
    )
    assert "mapper: expected one of generic, " in details[1]
    assert "read as generic: availability: expected a list of windows, found nothing" in details[2]
    assert "release_year: expected " in details[3]
    assert details[3].endswith("found the number 3000")
    assert driver.contents() == {}
    assert outcome.emits == []


def test_details_hold_nothing_of_another_partner() -> None:
    """Whatever is wrong with a webhook about a title that partners share."""
    driver = Driver(SPEC)
    secret = "confidential"
    shared = {
        **FILM,
        "id": secret,
        "title": secret,
        "overview": secret,
        "image_url": f"https://{secret}/",
    }
    driver.feed([webhook(1, ADD, shared, partner="globex")])
    broken = [
        {"title": None}, {"title": ["x"]}, {"type": "opera"}, {"runtime_s": "long"}, {"id": None},
        {"release_year": 9999}, {"external_ids": {"isan": "x"}}, {"availability": 7},
        {"availability": [{"region": "Germany"}]}, {"cast": [1]},
    ]  # fmt: skip
    outcome = driver.feed(
        [webhook(2 + number, ADD, {**FILM, **each}) for number, each in enumerate(broken)], offset=1
    )
    imdb = FILM["external_ids"]["imdb"]
    others = [
        ("film-catalogue", {"imdbID": imdb}), ("netflix-titles", {"show_id": secret[:-1]}),
        ("series-catalogue", {"kind": "show", "id": 1, "externals": {"imdb": imdb}}),
    ]  # fmt: skip
    more = [webhook(20 + number, ADD, payload, mapper=mapper)
            for number, (mapper, payload) in enumerate(others)]  # fmt: skip
    outcome.rejects += driver.feed(more, offset=20).rejects
    assert len(outcome.rejects) == len(broken) + len(others)
    for reject in outcome.rejects:
        assert secret not in reject.detail
        assert "globex" not in reject.detail


EVENTS = [
    webhook(1, ADD, FILM),
    webhook(2, UPDATE, {**FILM, "title": "Second", "overview": "o"}),
    webhook(3, "content_removed", {"id": "1", "external_ids": FILM["external_ids"]}),
    webhook(4, UPDATE, {**FILM, "genres": ["Comedy"], "availability": [{"region": "DE"}]}),
]


def test_any_order_and_any_batching_gives_the_same_bytes() -> None:
    reference = Driver(SPEC)
    reference.feed(EVENTS)
    for number, order in enumerate(permutations(EVENTS)):
        driver = Driver(SPEC)
        cut = number % 4
        driver.feed(order[:cut] or [order[0]])
        driver.restart()
        driver.feed(order, offset=10)
        assert driver.contents() == reference.contents()
        assert driver.latest() == reference.latest()


def test_redelivery_changes_and_emits_nothing() -> None:
    driver = Driver(SPEC)
    driver.feed(EVENTS)
    before = driver.contents()
    again = driver.feed(EVENTS)
    assert (again.applied, again.deduplicated, again.emits) == (0, len(EVENTS), [])
    assert driver.contents() == before
