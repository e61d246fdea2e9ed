"""Operators look at dead letters, redrive and discard them."""

import base64

import pytest

from domain.dead_letters import pack_headers
from infra.kafka.producer import KafkaUnavailable
from schemas.admin_api import IDS_MAX, WholeDeadLetter
from tests.component.api.fakes import NOW_MS, a_letter
from tests.component.api.test_webhooks import problem
from topics.catalog import PROGRESS


@pytest.fixture
def letters(world):
    """Return the list of letters that the store has."""
    return world.database.dead_letters


def ids_of(response):
    assert response.status_code == 200, response.text
    return [each["dead_letter_id"] for each in response.json()["dead_letters"]]


def test_letters_are_listed_by_filter_newest_first(letters, send):
    letters += [
        a_letter(1), a_letter(2, partner="globex", reason="step"),
        a_letter(3, source_topic=PROGRESS.name, partner=None, user_id="user-1"),
        a_letter(4, state="discarded", changed_at_ms=NOW_MS, changed_by="ada", note="sent again"),
    ]  # fmt: skip
    assert ids_of(send("GET", "dead-letters")) == [4, 3, 2, 1]
    assert ids_of(send("GET", "dead-letters", partner="globex")) == [2]
    assert ids_of(send("GET", "dead-letters", topic=PROGRESS.name)) == [3]
    assert ids_of(send("GET", "dead-letters", reason="step", state="open")) == [2]
    assert ids_of(send("GET", "dead-letters", state="discarded")) == [4]
    second = "2026-01-01T20:40:00.002Z"
    assert ids_of(send("GET", "dead-letters", since=second)) == [4, 3, 2]
    assert ids_of(send("GET", "dead-letters", until=second)) == [1]
    [changed] = send("GET", "dead-letters", state="discarded").json()["dead_letters"]
    assert (changed["changed_by"], changed["note"]) == ("ada", "sent again")
    assert "payload" not in changed


def test_pages_hold_every_letter_once_also_at_one_time(letters, send):
    letters += [a_letter(number, failed_at_ms=NOW_MS) for number in range(1, 8)]
    seen, cursor = [], None
    for _ in range(4):
        page = send("GET", "dead-letters", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += ids_of(page)
        cursor = page.json().get("next_cursor")
    assert (seen, cursor) == ([7, 6, 5, 4, 3, 2, 1], None)


@pytest.mark.parametrize(
    "params",
    [{"limit": "0"}, {"limit": "201"}, {"topic": "no.such"}, {"partner": "A B"},
     {"reason": "because"}, {"state": "gone"}, {"since": "yesterday"}, {"until": "x" * 50},
     {"cursor": "!"}, {"cursor": "AAAA"}, {"cursor": "_w=="}],
)  # fmt: skip
def test_a_query_that_asks_for_nothing_there_can_be_is_invalid(send, params):
    problem(send("GET", "dead-letters", **params), 400, "invalid-content")


def test_a_payload_that_is_json_is_shown_as_it_was_written(letters, send):
    text = b'{"title": "\xc3\x9cber", "big": 123456789012345678901234567890, "a": 1, "a": 2}'
    headers = pack_headers([("dlq.reason", b"rule"), ("trace", b"\xff"), ("trace", None)])
    letters.append(a_letter(7, text)._replace(headers=headers))
    response = send("GET", "dead-letters/7")
    WholeDeadLetter.model_validate_json(response.content)
    assert text in response.content
    body = response.json()
    assert body["key"] == "acme|msg"
    assert "payload_base64" not in body
    assert body["headers"] == [
        {"name": "dlq.reason", "value": "rule"}, {"name": "trace", "value_base64": "/w=="},
        {"name": "trace"},
    ]  # fmt: skip
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("value", [b"\xff\0", b"", b"NaN", b"{", b"[" * 5000, b'"\\ud800"'])
def test_any_other_payload_is_base64(letters, send, value):
    letters.append(a_letter(7, value)._replace(key=b"\xff"))
    body = send("GET", "dead-letters/7").json()
    assert base64.b64decode(body["payload_base64"]) == value
    assert "payload" not in body
    assert (body.get("key"), body["key_base64"]) == (None, "/w==")


def test_the_largest_record_is_shown_whole(letters, send):
    size = PROGRESS.message_bytes_max
    letters += [a_letter(7, b"\xff" * size)._replace(key=b"k" * size)]
    letters += [a_letter(8, b"{}")._replace(key=b"\xff" * size)]
    assert len(base64.b64decode(send("GET", "dead-letters/7").json()["payload_base64"])) == size
    assert len(base64.b64decode(send("GET", "dead-letters/8").json()["key_base64"])) == size


def test_what_the_document_does_not_call_text_is_base64(letters, send):
    headers = pack_headers([("trace", b"a\0b")])
    letters.append(a_letter(7, b"{}")._replace(key=b"a\0b", headers=headers))
    body = send("GET", "dead-letters/7").json()
    assert (body.get("key"), body["key_base64"]) == (None, "YQBi")
    assert body["headers"] == [{"name": "trace", "value_base64": "YQBi"}]


def test_a_record_without_a_value_has_no_payload_and_null_is_one(letters, send):
    letters += [a_letter(7, None)._replace(key=None), a_letter(8, b"null")]
    without = send("GET", "dead-letters/7").json()
    assert {"payload", "payload_base64", "key", "key_base64"}.isdisjoint(without)
    assert send("GET", "dead-letters/8").json()["payload"] is None


def test_a_letter_that_is_not_there_is_said(send):
    problem(send("GET", "dead-letters/7"), 404, "not-found")
    for wrong in ("0", "x", "-1", "1" * 19, "%D9%A3"):
        problem(send("GET", f"dead-letters/{wrong}"), 400, "invalid-content")


def test_a_redrive_tells_what_became_of_each(letters, world, send, entries):
    letters += [a_letter(1), a_letter(2, state="redriven"), a_letter(3), a_letter(4)]
    world.database.unfit[3] = "no webhook"
    response = send("POST", "dead-letter-redrives", {"ids": [4, 1, 2, 3, 1, 99]})
    assert response.json() == {
        "redriven": [1, 4], "refused": [{"dead_letter_id": 3, "why": "no webhook"}],
        "not_open": [2, 99],
    }  # fmt: skip
    assert entries() == [("admin-1", "dead-letter.replay", "1,4")]
    assert letters[0].letter.changed_by == "admin-1"
    again = send("POST", "dead-letter-redrives", {"ids": [1]}).json()
    assert again == {"redriven": [], "refused": [], "not_open": [1]}
    assert len(entries()) == 1


def test_a_redrive_may_name_another_mapper(letters, send):
    letters.append(a_letter(1))
    given = {"ids": [1], "mapper": "film-catalogue"}
    assert send("POST", "dead-letter-redrives", given).json()["redriven"] == [1]
    assert letters[0].letter.note == "mapper film-catalogue"


def test_a_discard_says_why_and_who(letters, world, send, entries):
    letters += [a_letter(1), a_letter(2, state="redriven")]
    given = {"ids": [1, 2, 3], "reason": " sent again as msg_9 "}
    response = send("POST", "dead-letter-discards", given)
    assert response.json() == {"discarded": [1], "not_open": [2, 3]}
    letter = letters[0].letter
    assert (letter.state, letter.changed_by, letter.note) == (
        "discarded", "admin-1", "sent again as msg_9",
    )  # fmt: skip
    assert letter.changed_at_ms == world.now_ms
    assert entries() == [("admin-1", "dead-letter.discard", "1")]


IDS = [[], [0], [-1], ["1"], [1.5], [2**60], [None], list(range(1, IDS_MAX + 2)), None, 1]


@pytest.mark.parametrize("ids", IDS)
def test_ids_that_cannot_be_change_nothing(letters, world, send, ids):
    letters.append(a_letter(1))
    for path, more in (("redrive", {}), ("discard", {"reason": "x"})):
        response = send("POST", f"dead-letter-{path}s", {"ids": ids, **more})
        assert response.status_code in (400, 413), response.text
    assert world.people.entries == []
    assert letters[0].letter.state == "open"


@pytest.mark.parametrize(
    ("path", "more"),
    [("redrive", {"mapper": "no-such"}), ("redrive", {"mapper": 1}), ("redrive", {"by": "me"}),
     ("discard", {}), ("discard", {"reason": ""}), ("discard", {"reason": "  "}),
     ("discard", {"reason": "a\nb"}), ("discard", {"reason": "x" * 501})],
)  # fmt: skip
def test_changes_that_cannot_be_are_refused(letters, world, send, path, more):
    letters.append(a_letter(1))
    problem(send("POST", f"dead-letter-{path}s", {"ids": [1], **more}), 400, "invalid-content")
    assert world.people.entries == []


def test_a_hundred_ids_and_the_longest_reason_fit(letters, send):
    ids = [2**53 - number for number in range(IDS_MAX)]
    given = {"ids": ids, "reason": "\N{SNOWMAN}" * 500}
    assert send("POST", "dead-letter-discards", given).json()["not_open"] == ids


def test_without_kafka_it_says_try_again(letters, world, send):
    letters.append(a_letter(1))
    world.database.redrive_failing = KafkaUnavailable("broker-1.secret: away")
    response = send("POST", "dead-letter-redrives", {"ids": [1]})
    problem(response, 503, "unavailable")
    assert "secret" not in response.text


def test_readers_read_and_only_administrators_with_a_recent_code_change(letters, send, token):
    letters.append(a_letter(1))
    viewer, stale = token("viewer"), token(stale=True)
    for reader in (viewer, stale):
        assert send("GET", "dead-letters", as_token=reader).status_code == 200
        assert send("GET", "dead-letters/1", as_token=reader).status_code == 200
    for path, body in (("redrive", {"ids": [1]}), ("discard", {"ids": [1], "reason": "x"})):
        url = f"dead-letter-{path}s"
        problem(send("POST", url, body, as_token=viewer), 403, "forbidden")
        problem(send("POST", url, body, as_token=stale), 403, "recent-code-required")
    assert letters[0].letter.state == "open"
