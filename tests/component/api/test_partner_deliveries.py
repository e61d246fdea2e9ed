"""A partner sees what arrived, what was refused and why; nobody else's, and nothing unbounded."""

import asyncio

import orjson
import psycopg
import pytest

from api.partners import refusal_log
from api.partners.dead_letters import OUR_FAILURE_DETAIL, OUR_FAILURE_DISCARDED
from api.partners.reasons import BY_SLUG, REASONS
from api.partners.refusal_log import COUNTS_MAX, LISTED_MAX, UNPROVEN_MAX, Noted, RefusalLog
from infra.security.keys import APP_SCOPES, DELIVERIES_READ, PARTNER_SCOPES
from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from schemas.times import to_rfc3339
from tests.component.api.fakes import NOW_MS, a_content, a_letter, a_partner
from tests.component.api.partner_fakes import FakeRefusals
from tests.component.api.test_webhooks import envelope, problem
from tests.support.waiting import wait_until_async

SECRET = create_secret()
URL = "/api/v1/partners/me/deliveries"


@pytest.fixture
def post(world, client):
    for name in ("acme", "globex"):
        world.database.partners[name] = a_partner(SECRET, partner=name)

    def send(webhook_id, body=None, partner="acme", secret=SECRET, shift_s=0, **headers):
        content = orjson.dumps(envelope()) if body is None else body
        at_s = world.now_ms // 1000 + shift_s
        given = {
            "content-type": "application/json", "webhook-id": webhook_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(secret, webhook_id, at_s, content), **headers,
        }  # fmt: skip
        return client.post(f"/api/v1/webhooks/{partner}", content=content, headers=given)

    return send


@pytest.fixture
def view(world, client):
    def read(partner="acme", **params):
        token = world.database.add_key(partner=partner, scopes=PARTNER_SCOPES)
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.get(URL, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return read


def test_what_arrived_is_listed_with_its_lag_and_its_repetitions(world, post, view):
    post("msg_1")
    world.later(60)
    post("msg_2")
    world.later(60)
    post("msg_1")
    answer = view()
    assert [item["webhook_id"] for item in answer["deliveries"]] == ["msg_2", "msg_1"]
    newer, older = answer["deliveries"]
    assert (newer["state"], newer["duplicates"]) == ("accepted", 0)
    assert (older["state"], older["duplicates"]) == ("duplicate", 1)
    assert older["event_type"] == "content_added"
    assert older["occurred_at"] == "2026-01-01T00:00:00.000Z"
    assert newer["lag_s"] == older["lag_s"] + 60
    assert answer["lag"]["deliveries"] == 2
    assert older["event_id"] == post("msg_1").json()["event_id"]
    assert answer["refusals"] == answer["refused_by_day"] == []


def test_what_kafka_did_not_confirm_is_said(world, post, view):
    world.producer.away = True
    problem(post("msg_1"), 503, "unavailable")
    answer = view()
    assert [item["state"] for item in answer["deliveries"]] == ["unconfirmed"]
    assert [item["reason"] for item in answer["refused_by_day"]] == ["not-stored"]
    assert answer["refusals"] == []


def test_what_the_catalogue_refused_later_is_said_with_field_and_reason(world, post, view):
    event_id = post("msg_1").json()["event_id"]
    post("msg_1")
    post("msg_2")
    detail = "runtime_s: expected a whole number, found the text 'long'"
    letter = {"event_id": event_id, "webhook_id": "msg_1", "detail": detail}
    world.database.dead_letters = [a_letter(7, **letter), a_letter(8, **letter, partner="globex")]
    newer, older = view()["deliveries"]
    assert (newer["state"], "dead_letter" in newer) == ("accepted", False)
    assert (older["state"], older["duplicates"]) == ("refused", 1)
    assert older["dead_letter"] == {
        "dead_letter_id": 7, "reason": "rule", "detail": detail, "state": "open",
        "failed_at": to_rfc3339(NOW_MS + 7),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("letters", "state", "letter"),
    [
        ([{"state": "redriven"}], "accepted", "redriven"),
        ([{"state": "redriven"}, {"attempts": 2}], "refused", "open"),
        ([{"state": "discarded"}], "refused", "discarded"),
        ([{"reason": "step", "detail": "KeyError at secret.py:1"}], "failed", "open"),
        ([{"reason": "step", "state": "discarded"}], "failed", "discarded"),
    ],
)
def test_the_newest_dead_letter_decides(world, post, view, letters, state, letter):
    event_id = post("msg_1").json()["event_id"]
    world.database.dead_letters = [
        a_letter(number, event_id=event_id, **each) for number, each in enumerate(letters, 1)
    ]
    [delivery] = view()["deliveries"]
    assert (delivery["state"], delivery["dead_letter"]["state"]) == (state, letter)
    if (state, letter) == ("failed", "discarded"):
        assert delivery["dead_letter"]["detail"] == OUR_FAILURE_DISCARDED
    elif state == "failed":
        assert delivery["dead_letter"]["detail"] == OUR_FAILURE_DETAIL


def test_the_quality_of_the_partners_titles_is_shown(world, view):
    world.database.partners["acme"] = a_partner(SECRET)
    assert "quality" not in view()
    for number, missing in enumerate([(), ("overview",), ("overview", "image_url")]):
        world.database.add_content(
            a_content(
                f"film-{number}", partner_ids={"acme": str(number)}, quality=1 - number / 3,
                missing=missing,
            )
        )  # fmt: skip
    world.database.add_content(a_content("other", partner_ids={"globex": "1"}, quality=0.1))
    world.database.add_content(a_content("alias", partner_ids={"acme": "1"}, same_as="film-1"))
    assert view()["quality"] == {
        "contents": 3, "mean": 0.667,
        "missing": [{"field": "overview", "contents": 2}, {"field": "image_url", "contents": 1}],
    }  # fmt: skip


def test_refusals_are_newest_first_whoever_wrote_them_when(world, view):
    world.database.partners["acme"] = a_partner(SECRET)
    log = RefusalLog(FakeRefusals(world.database), lambda: world.now_ms)
    slower = RefusalLog(FakeRefusals(world.database), lambda: world.now_ms)
    slower.note(Noted("acme", True, "not-json", "", "first"))
    for number in range(2):
        world.later(1)
        log.note(Noted("acme", True, "not-json", "", f"next_{number}"))
    asyncio.run(log.flush())
    asyncio.run(slower.flush())
    page = view(limit=2)
    assert [item["webhook_id"] for item in page["refusals"]] == ["next_1", "next_0"]
    page = view(limit=2, refusals_cursor=page["next_refusals_cursor"])
    assert [item["webhook_id"] for item in page["refusals"]] == ["first"]


def test_signed_refusals_are_listed_one_by_one(world, post, view):
    post("msg_1")
    for number, body in enumerate([b"{", orjson.dumps(envelope(event_type="x")), b'{"a":1,"a":2}']):
        assert post(f"bad_{number}", body).status_code == 400
    assert post("msg_1", orjson.dumps(envelope(platform="other"))).status_code == 409
    answer = view()
    found = [(item["webhook_id"], item["reason"]) for item in answer["refusals"]]
    assert found == [
        ("msg_1", "conflicting-delivery"), ("bad_2", "duplicate-keys"), ("bad_1", "bad-envelope"),
        ("bad_0", "not-json"),
    ]  # fmt: skip
    assert answer["refusals"][2]["detail"].startswith("event_type: ")
    for item in answer["refusals"]:
        assert item["explanation"] == BY_SLUG[item["reason"]].explanation


def test_unsigned_refusals_are_only_counted(world, post, view):
    post("a", secret=create_secret())
    post("b", secret=create_secret())
    post("d", **{"webhook-signature": "junk"})
    post("e", **{"content-type": "text/plain"})
    answer = view()
    assert answer["refusals"] == []
    counts = {item["reason"]: item["refused"] for item in answer["refused_by_day"]}
    assert counts == {"bad-signature": 2, "no-signature": 1, "unsupported-type": 1}


@pytest.mark.parametrize(("shift_s", "side"), [(-400, "behind"), (412, "ahead of")])
def test_a_right_signature_of_another_time_is_listed_and_its_answer_says_so(
    post, view, shift_s, side
):
    refused = problem(post("msg_1", shift_s=shift_s), 401, "bad-signature")
    detail = f"webhook-timestamp: {abs(shift_s)} s {side} the gateway's clock"
    assert refused["detail"] == f"{detail}, at most 300 s are allowed"
    answer = view()
    [listed] = answer["refusals"]
    assert (listed["webhook_id"], listed["reason"]) == ("msg_1", "stale-timestamp")
    assert listed["detail"] == refused["detail"]
    [counted] = answer["refused_by_day"]
    assert (counted["reason"], counted["day"]) == ("stale-timestamp", "2026-01-01")
    assert counted["last_detail"] == refused["detail"]


def test_what_a_disabled_partner_signed_is_listed(world, post, view):
    world.database.partners["acme"] = a_partner(SECRET, enabled=False)
    problem(post("msg_1"), 404, "not-found")
    problem(post("msg_2", secret=create_secret()), 404, "not-found")
    world.database.partners["acme"] = a_partner(SECRET)  # whose keys work again
    world.later(5)
    found = [(item["webhook_id"], item["reason"]) for item in view()["refusals"]]
    assert found == [("msg_1", "disabled")]


def test_the_answer_to_a_stranger_does_not_say_what_was_almost_right(post):
    stale = problem(post("c", shift_s=-412, secret=create_secret()), 401, "bad-signature")
    wrong = problem(post("d", secret=create_secret()), 401, "bad-signature")
    assert {**stale, "instance": ""} == {**wrong, "instance": ""}


@pytest.mark.parametrize("path", ["deliveries", "dead-letters"])
def test_keys_of_a_disabled_partner_are_refused_at_once_and_again_good_when_enabled(
    world, client, path
):
    headers = {"Authorization": f"Bearer {world.database.add_key(partner='acme')}"}
    acme = world.database.partners["acme"]
    statuses = []
    for enabled in (True, False, True):
        world.database.partners["acme"] = acme._replace(enabled=enabled)
        statuses.append(client.get(f"/api/v1/partners/me/{path}", headers=headers).status_code)
    assert statuses == [200, 401, 200]


def test_a_partner_sees_only_its_own_rows(world, post, view):
    post("mine")
    post("theirs", partner="globex")
    post("bad", b"{", partner="globex")
    post("forged", partner="globex", secret=create_secret())
    own, other = view("acme"), view("globex")
    assert [item["webhook_id"] for item in own["deliveries"]] == ["mine"]
    assert (own["refusals"], own["refused_by_day"]) == ([], [])
    assert [item["webhook_id"] for item in other["deliveries"]] == ["theirs"]
    assert len(other["refusals"]) == 1
    # A cursor of one partner is a place in time for another, never a way to its rows.
    assert view("acme", cursor="OTk5OTk5OTk5OTk5OTl8dGhlaXJz")["deliveries"] == []


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ({"scopes": APP_SCOPES, "partner": "acme"}, 403),
        ({"scopes": (DELIVERIES_READ,)}, 403),
        ({"scopes": (DELIVERIES_READ,), "user_id": "user-1"}, 403),
        ({"scopes": (DELIVERIES_READ,), "partner": "acme"}, 200),
    ],
)
def test_it_needs_a_key_of_a_partner_with_the_scope(world, client, key, status):
    headers = {"Authorization": f"Bearer {world.database.add_key(**key)}"}
    assert client.get(URL, headers=headers).status_code == status


def test_pages_hold_everything_once(world, post, view):
    for number in range(7):
        world.later(0 if number % 2 else 1)
        post(f"msg_{number}")
        post(f"bad_{number}", b"{")
    seen, refused, page = [], [], view(limit=3)
    for _ in range(5):
        seen += [item["webhook_id"] for item in page["deliveries"]]
        if "next_cursor" not in page:
            break
        page = view(limit=3, cursor=page["next_cursor"])
    page = view(limit=3)
    for _ in range(5):
        refused += [item["webhook_id"] for item in page["refusals"]]
        if "next_refusals_cursor" not in page:
            break
        page = view(limit=3, refusals_cursor=page["next_refusals_cursor"])
    assert seen == [f"msg_{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert refused == [f"bad_{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("name", ["cursor", "refusals_cursor"])
@pytest.mark.parametrize("value", ["x", "", "fHx8", "OTk5OQ", "w7w=", "a" * 500])
def test_a_cursor_that_is_none_is_400(world, client, name, value):
    world.database.partners["acme"] = a_partner(SECRET)
    headers = {"Authorization": f"Bearer {world.database.add_key(partner='acme')}"}
    problem(client.get(URL, params={name: value}, headers=headers), 400, "invalid-content")


def test_every_reason_has_a_word_and_says_what_to_do():
    assert len({reason.slug for reason in REASONS}) == len(REASONS) == len(BY_SLUG)
    for reason in REASONS:
        assert reason.explanation.endswith("."), reason.slug


def test_refusals_of_strangers_under_any_name_take_bounded_memory(world):
    log = RefusalLog(FakeRefusals(world.database), lambda: world.now_ms)
    for number in range(3 * UNPROVEN_MAX):
        log.note(Noted(f"p-{number}", False, "malformed-headers", ""))
    assert len(log._counts) == UNPROVEN_MAX
    log.note(Noted("acme", True, "bad-signature", "x" * 5000))  # a known one has its place
    for number in range(3 * LISTED_MAX):
        log.note(Noted("acme", True, "not-json", "", f"m{number}"))
    assert len(log._counts) == UNPROVEN_MAX + 2
    assert len(log._listed) == LISTED_MAX
    for number in range(2 * COUNTS_MAX):
        log.note(Noted(f"q-{number}", True, "not-json", ""))
    assert len(log._counts) == COUNTS_MAX
    world.database.partners["acme"] = a_partner(SECRET)
    asyncio.run(log.flush())
    counts = {item.reason: item for item in world.database.refusal_counts}
    assert set(counts) == {"bad-signature", "not-json"}
    assert counts["not-json"].refused == 3 * LISTED_MAX
    assert len(counts["bad-signature"].detail) == 300
    assert world.database.refusals[-1].webhook_id == f"m{3 * LISTED_MAX - 1}"


async def test_refusals_survive_the_absence_of_the_database(world, monkeypatch):
    monkeypatch.setattr(refusal_log, "FLUSH_S", 0.001)
    world.database.partners["acme"] = a_partner(SECRET)
    world.database.away = True
    log = RefusalLog(FakeRefusals(world.database), lambda: world.now_ms)
    log.note(Noted("acme", True, "not-json", "first", "m1"))
    with pytest.raises(psycopg.OperationalError):
        await log.flush()
    log.note(Noted("acme", True, "not-json", "second", "m2"))

    async def twice_failed():
        return world.database.calls >= 3

    timer = asyncio.create_task(log.run())
    await wait_until_async(twice_failed, 10, "two failed writes")
    world.database.away = False
    timer.cancel()  # the end writes what is left
    await asyncio.gather(timer, return_exceptions=True)
    assert [item.webhook_id for item in world.database.refusals] == ["m1", "m2"]
    assert sum(item.refused for item in world.database.refusal_counts) == 2
