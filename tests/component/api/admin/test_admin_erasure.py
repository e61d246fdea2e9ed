from infra.security.pseudonyms import Pseudonyms
from schemas.times import to_rfc3339
from tests.component.api.test_progress import a_report
from tests.component.api.test_webhooks import problem
from topics.catalog import PROGRESS

PATH = "users/user-1/erasure"
PSEUDONYM = Pseudonyms("").of("user-1")


def test_an_erasure_is_a_mark_among_the_users_events_and_an_entry(world, send, entries):
    response = send("POST", PATH)
    assert response.status_code == 202
    assert response.json() == {
        "pseudonym": PSEUDONYM, "erased_at": to_rfc3339(world.now_ms), "audit_sequence": 1,
    }  # fmt: skip
    [(topic, mark)] = world.producer.sent
    assert topic == PROGRESS.name
    assert (mark.user_id, mark.state, mark.device_id) == ("user-1", "erased", PSEUDONYM)
    assert mark.occurred_at_ms == world.now_ms
    assert entries() == [("admin-1", "user.erase", PSEUDONYM)]
    assert "user-1" not in response.text


def test_keys_of_the_user_end_and_events_of_before_are_refused(world, client, send, app_headers):
    own = {"Authorization": f"Bearer {world.database.add_key(user_id='user-1')}"}
    send("POST", PATH)
    world.later(5)  # what is believed of keys and erasures is that old at most
    problem(client.get("/api/v1/users/user-1/history", headers=own), 401, "unauthenticated")
    late = client.post("/api/v1/progress", json=a_report(), headers=app_headers)
    problem(late, 400, "invalid-content")
    anew = a_report(occurred_at=to_rfc3339(world.now_ms))
    assert client.post("/api/v1/progress", json=anew, headers=app_headers).status_code == 202


def test_tokens_of_before_are_refused_and_who_comes_back_gets_a_new_one(
    world, client, send, app_headers
):
    world.tokens.add_signing_key()

    def token():
        body = {"user_id": "user-1", "scopes": ["recommendations:read"]}
        answer = client.post("/api/v1/auth/tokens", json=body, headers=app_headers)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def status(headers):
        return client.get("/api/v1/users/user-1/history", headers=headers).status_code

    old = token()
    assert status(old) == 200
    world.later(1)
    send("POST", PATH)
    assert "user-1" not in str(world.tokens.revocations)
    world.later(4)  # what is believed of revocations is 2 s old at most
    assert status(old) == 401
    assert status(token()) == 200


def test_a_refusal_logs_the_template_of_the_path(send, token, caplog):
    send("POST", PATH, as_token=token("viewer"))
    [line] = [each for each in caplog.messages if "authz_fail" in each]
    assert line == "authz_fail:viewer-1,/api/v1/admin/users/{user}/erasure"


def test_the_state_is_told_and_a_repetition_is_later(world, send):
    problem(send("GET", PATH), 404, "not-found")
    first = send("POST", PATH).json()
    again = send("POST", PATH).json()
    assert again["erased_at"] > first["erased_at"]
    state = send("GET", PATH).json()
    assert state == {"pseudonym": PSEUDONYM, "erased_at": again["erased_at"], "requested": 2}


def test_without_kafka_it_is_503_and_asking_again_is_right(world, send):
    world.producer.away = True
    problem(send("POST", PATH), 503, "unavailable")
    world.producer.away = False
    assert send("POST", PATH).status_code == 202


def test_it_needs_an_administrator_with_a_recent_code(send, token, world):
    problem(send("POST", PATH, as_token=token("viewer")), 403, "forbidden")
    problem(send("POST", PATH, as_token=token(stale=True)), 403, "recent-code-required")
    assert send("GET", PATH, as_token=token("viewer")).status_code == 404
    assert world.producer.sent == []
