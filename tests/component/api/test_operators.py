"""Operators over HTTP: each endpoint, what is refused and how, and what it leaves in the trail."""

import asyncio
import logging
from dataclasses import replace

import pytest

from api.app import create_app
from api.operators.login import REFUSAL_STEP_S
from domain.audit import verify
from domain.identity.lockout import Counts, Failures
from infra.security.operator_secrets import create_token, hash_token
from infra.security.passwords import Cost, PasswordHashing
from infra.security.sealing import SealingError
from tests.component.api.fake_operators import PASSWORD
from tests.component.api.test_operator_access import an_endpoint
from tests.support.described import DescribedClient

AUTH = "/api/v1/auth/"
TRAIL = "/api/v1/admin/audit"


def get(client, path, token, **params):
    return client.get(path, params=params, headers={"Authorization": f"Bearer {token}"})


def kind(response):
    return response.status_code, response.json()["type"].rpartition(":")[2]


def actions(people):
    return [entry.action for entry in people.entries]


def test_a_password_and_a_code_open_a_session(client, people, log_in):
    opened = log_in()
    assert opened.status_code == 200, opened.text
    assert opened.headers["cache-control"] == "no-store"
    body = opened.json()
    assert (body["name"], body["role"], body["idle_minutes"]) == ("ada", "admin", 30)
    assert len(body["token"]) == len("mg_op_") + 43
    assert list(people.live) == [hash_token(body["token"])]
    me = get(client, AUTH + "me", body["token"])
    assert me.json() == {key: value for key, value in body.items() if key != "token"}
    assert actions(people) == ["operator.login"]
    assert people.entries[0].source == "testclient"
    assert people.entries[0].request_id == opened.headers["x-request-id"]


def test_every_refusal_is_the_same_in_text_and_time(people, log_in, post):
    people.add("dora", disabled=True)
    people.add("lea", counts=Counts(Failures(locked_until_ms=2**50)))
    people.add("rita", last_step=2**40)
    refused = [
        log_in("nobody"), log_in("ada\r\nauthn_login_success:root"), log_in("dora"), log_in("lea"),
        log_in("rita"), log_in(password="wrong"), log_in(code=people.code(5)), log_in(code=""),
        log_in(code="\uff11\uff12\uff13\uff14\uff15\uff16"),
        post("recover", name="vic", password=PASSWORD, recovery_code="ABCDEFGH"),
        post("recover", name="nobody", password=PASSWORD, recovery_code="ABCDEFGH"),
    ]  # fmt: skip
    assert {kind(answer) for answer in refused} == {(401, "login-refused")}
    bodies = [{**answer.json(), "instance": ""} for answer in refused]
    assert all(body == bodies[0] for body in bodies)
    assert people.pauses == [REFUSAL_STEP_S] * len(refused)
    assert people.live == {}
    assert all("www-authenticate" in answer.headers for answer in refused)


def test_a_refusal_is_held_back_to_the_end_of_its_step(people, log_in):
    people.takes_s = 1.3
    log_in("nobody")
    assert people.pauses == [pytest.approx(0.2)]


def test_as_many_hashes_are_computed_for_nobody(people, post, log_in):
    for name in ("ada", "nobody"):
        log_in(name, code="000000")
        post("recover", name=name, password="x", recovery_code="ABCDEFGH")
    computed = people.passwords.computed
    assert computed[:3] == computed[3:] == ["password", "password", "recovery code"]


def test_a_used_code_never_opens_a_second_session(people, log_in):
    assert log_in().status_code == 200
    assert kind(log_in()) == (401, "login-refused")
    assert actions(people) == ["operator.login", "operator.code-replayed"]
    assert log_in("vic").status_code == 200  # everybody has a step of their own


def test_the_fifth_wrong_attempt_locks_and_time_unlocks(world, people, log_in):
    for _ in range(5):
        assert log_in(password="wrong").status_code == 401
    assert log_in().status_code == 401
    assert actions(people) == ["operator.login-failed"] * 5 + ["operator.lockout"]
    world.later(15 * 60)
    assert log_in().status_code == 200


def test_attempts_on_a_locked_account_leave_no_entries(people, log_in):
    for _ in range(20):
        log_in(password="wrong")
    assert len(people.entries) == 6


def test_a_name_cannot_forge_a_line_of_the_log(log_in, caplog):
    with caplog.at_level(logging.INFO):
        log_in("ada\r\nauthn_login_success:root\x1b[0m")
    lines = [record.getMessage() for record in caplog.records if record.name == "security"]
    assert lines == [
        "authn_login_fail:ada\\x0d\\x0aauthn_login_success\\x3aroot\\x1b[0m,testclient"
    ]


def test_no_secret_is_in_a_log_or_an_error(people, log_in, post, caplog):
    with caplog.at_level(logging.DEBUG):
        token = log_in().json()["token"]
        answers = [
            log_in(password="canary of a password!"),
            post("login", name="ada", password="canary of a password!", code=["canary"]),
            post("step-up", token, code="canary"),
        ]
    seen = caplog.text + "".join(answer.text for answer in answers)
    assert "canary" not in seen
    assert token not in seen


def test_a_flood_of_logins_is_told_to_come_back(people, post, log_in):
    """Not with a 5xx: any stranger can bring it about."""
    people.passwords.busy = True
    given = {"name": "ada", "password": PASSWORD, "recovery_code": "ABCDEFGH"}
    for refused in (log_in(), log_in("nobody"), post("recover", **given)):
        assert kind(refused) == (429, "too-many-at-once")
        assert int(refused.headers["retry-after"]) >= 1
    assert (people.entries, people.live) == ([], {})


def test_recovery_codes_wait_for_the_flood_too(people, post, token):
    people.passwords.busy = True
    refused = post("recovery-codes", token)
    assert kind(refused) == (429, "too-many-at-once")
    assert int(refused.headers["retry-after"]) >= 1


def test_without_the_key_a_refusal_is_the_same_for_every_name_and_the_log_has_the_cause(
    people, log_in, caplog
):
    people.failing = SealingError("sealed with a key that is not set")
    refused = [log_in(), log_in(password="wrong"), log_in("nobody")]
    assert {kind(answer) for answer in refused} == {(401, "login-refused")}
    bodies = [{**answer.json(), "instance": ""} for answer in refused]
    assert all(body == bodies[0] for body in bodies)
    assert people.pauses == [REFUSAL_STEP_S] * len(refused)
    assert caplog.text.count("cannot log in") == 1
    assert "operator 'ada' cannot log in: sealed with a key that is not set" in caplog.text


def test_without_the_key_nobody_can_step_up_and_the_answer_says_so(people, post, token):
    people.failing = SealingError("sealed with a key that is not set")
    refused = post("step-up", token, code=people.code())
    assert kind(refused) == (503, "unavailable")
    assert "sealed" not in refused.text


def test_an_older_hash_is_renewed_at_login(people, log_in):
    older = PasswordHashing(Cost(memory_kib=16, passes=1, lanes=1))
    people.operators["ada"].password_hash = asyncio.run(older.hash(PASSWORD))
    assert log_in().status_code == 200
    assert not people.passwords.is_outdated(people.operators["ada"].password_hash)


def test_a_refresh_replaces_the_token_and_keeps_the_end(world, client, token, post):
    began = get(client, AUTH + "me", token).json()
    world.later(60)
    renewed = post("refresh", token).json()
    assert renewed["token"] != token
    assert renewed["ends_at"] == began["ends_at"]
    assert kind(get(client, AUTH + "me", token)) == (401, "unauthenticated")
    assert kind(post("refresh", token)) == (401, "unauthenticated")
    assert get(client, AUTH + "me", renewed["token"]).status_code == 200


def test_a_recovery_code_opens_a_session_that_may_read_once(client, people, post, token):
    [code, *_] = post("recovery-codes", token).json()["codes"]
    given = {"name": "ada", "password": PASSWORD, "recovery_code": f"{code[:4]}-{code[4:].lower()}"}
    opened = post("recover", **given).json()
    assert "code_is_recent_until" not in opened
    assert get(client, TRAIL, opened["token"]).status_code == 200
    assert kind(post("recovery-codes", opened["token"])) == (403, "recent-code-required")
    assert kind(post("recover", **given)) == (401, "login-refused")
    assert "operator.use-recovery-code" in actions(people)


@pytest.fixture
def short_deadline(monkeypatch):
    monkeypatch.setattr("api.endpoint.POST_S", 1.0)


def test_new_recovery_codes_are_shown_however_long_their_hashes_take(
    short_deadline, people, post, token
):
    people.passwords.takes_s = 1.2
    response = post("recovery-codes", token)
    assert response.status_code == 200, response.text
    assert len(response.json()["codes"]) == 10


def test_a_logout_ends_one_session_and_everywhere_ends_all(world, client, people, post, log_in):
    tokens = []
    for _ in range(3):
        tokens.append(log_in().json()["token"])
        world.later(30)
    other = log_in("vic").json()["token"]
    assert post("logout", tokens[0]).json() == {"ended": 1}
    assert [get(client, AUTH + "me", each).status_code for each in tokens] == [401, 200, 200]
    assert post("logout-everywhere", tokens[1]).json() == {"ended": 2}
    assert [get(client, AUTH + "me", each).status_code for each in tokens] == [401] * 3
    assert get(client, AUTH + "me", other).status_code == 200


def test_a_session_ends_by_a_pause_by_its_age_and_with_its_operator(world, client, people, log_in):
    token = log_in().json()["token"]
    world.later(30 * 60 - 1)
    assert get(client, AUTH + "me", token).status_code == 200
    world.later(30 * 60)
    assert get(client, AUTH + "me", token).status_code == 401
    token = log_in().json()["token"]
    for _ in range(12 * 60 // 20 - 1):
        world.later(20 * 60)
        assert get(client, AUTH + "me", token).status_code == 200
    world.later(20 * 60)
    assert get(client, AUTH + "me", token).status_code == 401
    token = log_in().json()["token"]
    ada = people.operators["ada"]
    ada.account = replace(ada.account, disabled=True)
    assert get(client, AUTH + "me", token).status_code == 401


def test_tokens_and_keys_do_not_stand_for_each_other(world, client, token):
    key = world.database.add_key()
    assert kind(get(client, AUTH + "me", key)) == (401, "unauthenticated")
    assert kind(get(client, TRAIL, key)) == (401, "unauthenticated")
    refused = get(client, "/api/v1/users/user-1/recommendations", token)
    assert kind(refused) == (401, "unauthenticated")
    progress = client.post(
        "/api/v1/progress", json={}, headers={"Authorization": f"Bearer {token}"}
    )
    assert kind(progress) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "text",
    ["", "mg_op_", create_token(), create_token() + "x", "mg_op_" + "\xe9" * 43, "x" * 5000],
    ids=["none", "prefix", "unknown", "too-long", "not-ascii", "no-prefix"],
)
def test_what_is_no_session_is_unauthenticated(client, people, text):
    headers = {"Authorization": f"Bearer {text}".encode("latin-1")}
    assert kind(client.get(TRAIL, headers=headers)) == (401, "unauthenticated")


def test_the_trail_is_read_by_pages_and_filters(world, client, people, log_in):
    log_in("vic")
    log_in(password="wrong")
    world.later(30)
    token = log_in().json()["token"]
    first = get(client, TRAIL, token, limit=2).json()
    assert [entry["sequence"] for entry in first["entries"]] == [3, 2]
    rest = get(client, TRAIL, token, limit=2, before=first["next_before"]).json()
    assert [entry["sequence"] for entry in rest["entries"]] == [1]
    assert "next_before" not in rest
    by_actor = get(client, TRAIL, token, actor="ada", action="operator.login").json()["entries"]
    assert [entry["sequence"] for entry in by_actor] == [3]
    since = get(client, TRAIL, token, since="2026-01-01T20:40:30Z").json()["entries"]
    assert [entry["sequence"] for entry in since] == [3]
    assert verify(people.entries) is None


@pytest.mark.parametrize(
    "params",
    [{"action": "no.such"}, {"before": "-1"}, {"since": "yesterday"}, {"actor": "x" * 200}],
)
def test_a_query_that_asks_for_nothing_there_can_be_is_invalid(client, token, params):
    assert kind(get(client, TRAIL, token, **params)) == (400, "invalid-content")


def test_a_viewer_may_read_and_not_change(world, client, people, log_in):
    client.app.router.routes.append(an_endpoint().route())
    client.undocumented = frozenset({an_endpoint().path})

    def change(token):
        headers = {"Authorization": f"Bearer {token}"}
        return client.post("/api/v1/admin/nothing", headers=headers)

    viewer, admin = log_in("vic").json()["token"], log_in("ada").json()["token"]
    assert get(client, TRAIL, viewer).status_code == 200
    assert kind(change(viewer)) == (403, "forbidden")
    assert change(admin).status_code == 200
    world.later(5 * 60)
    refused = change(admin)
    assert kind(refused) == (403, "recent-code-required")
    assert "/api/v1/auth/step-up" in refused.json()["detail"]


def test_an_absent_database_is_503(world, client, people, token, log_in):
    world.database.away = True
    assert kind(log_in()) == (503, "unavailable")
    assert kind(get(client, TRAIL, token)) == (503, "unavailable")


@pytest.mark.parametrize(
    ("peer", "source"), [("192.0.2.1", "2001:db8::7"), ("198.51.100.1", "198.51.100.1")]
)
def test_the_address_in_the_trail_is_the_callers_behind_a_trusted_proxy_only(
    world, people, peer, source
):
    world.settings = replace(world.settings, trusted_proxies="192.0.2.0/24")
    app = create_app(world.settings, world.open_services)
    body = {"name": "ada", "password": PASSWORD, "code": "000000"}
    with DescribedClient(app, client=(peer, 1)) as client:
        answer = client.post(AUTH + "login", json=body, headers={"X-Forwarded-For": "2001:db8::7"})
    assert answer.status_code == 401
    assert people.entries[-1].source == source
