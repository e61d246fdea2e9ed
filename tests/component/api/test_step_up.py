"""A code given within a session: what it allows, what refuses it, and who cannot hinder it."""

import pytest

from infra.security.sealing import SealingError
from tests.component.api.test_operators import AUTH, get, kind


def test_a_step_up_makes_a_code_recent_and_replaces_the_token(world, client, people, token, post):
    world.later(5 * 60)
    assert "code_is_recent_until" not in get(client, AUTH + "me", token).json()
    assert kind(post("recovery-codes", token)) == (403, "recent-code-required")
    stepped = post("step-up", token, code=people.code())
    assert stepped.status_code == 200, stepped.text
    assert stepped.json()["code_is_recent_until"]
    assert kind(post("recovery-codes", token)) == (401, "unauthenticated")
    codes = post("recovery-codes", stepped.json()["token"]).json()["codes"]
    assert len(set(codes)) == 10


@pytest.mark.parametrize(
    ("away", "reason"), [(0, "used before"), (7, "not the code"), (None, "not the code")]
)
def test_a_refused_step_up_says_why_and_keeps_the_session(
    client, people, token, post, away, reason
):
    refused = post("step-up", token, code="" if away is None else people.code(away))
    assert kind(refused) == (403, "code-refused")
    assert reason in refused.json()["detail"]
    assert get(client, AUTH + "me", token).status_code == 200


def test_strangers_do_not_hinder_a_session_whatever_they_try(world, people, token, post, log_in):
    """Not even from the address that its operator logged in from."""
    world.later(60)
    for _ in range(6):
        assert log_in(password="wrong").status_code == 401
    assert log_in().status_code == 401
    stepped = post("step-up", token, code=people.code())
    assert stepped.status_code == 200, stepped.text
    assert log_in().status_code == 401  # and a step-up lets nobody in


def test_a_session_whose_code_cannot_be_checked_is_told_to_come_back(people, token, post, caplog):
    people.failing = SealingError("sealed with a key that is not set")
    refused = post("step-up", token, code=people.code())
    assert kind(refused) == (503, "unavailable")
    assert "sealed" not in refused.text
    assert "operator 'ada' cannot step up: sealed with" in caplog.text


def test_wrong_step_ups_lock_step_ups_out_and_no_login(world, people, token, post, log_in):
    for _ in range(5):
        post("step-up", token, code="000000")
    world.later(60)
    assert "too many wrong codes" in post("step-up", token, code=people.code()).json()["detail"]
    assert log_in().status_code == 200
