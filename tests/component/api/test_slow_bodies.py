"""Whose session ends, or whose key is revoked, while the body is under way changes nothing more."""

import copy
import json
from dataclasses import replace

import pytest

from api.identity.again import UNNOTICED_S
from tests.component.api.fakes import a_letter, a_partner
from tests.component.api.test_operators import actions, kind
from tests.component.api.test_progress import a_report

ADMIN = "/api/v1/admin/"
CHANGES = [
    ("POST", "keys", {"name": "backdoor"}),
    ("POST", "partners", {"partner": "globex", "mapper": "generic"}),
    ("PATCH", "partners/acme", {"enabled": False}),
    ("POST", "partners/acme/rotate", {"overlap_s": 0}),
    ("POST", "dead-letter-redrives", {"ids": [1]}),
    ("POST", "dead-letter-discards", {"ids": [1], "reason": "known"}),
]


@pytest.fixture
def send(client):
    """Return a function that posts a document; ``meanwhile`` is called before its last bytes."""

    def call(method, path, token, document, meanwhile):
        def body():
            text = json.dumps(document).encode()
            yield text[:5]
            meanwhile()
            yield text[5:]

        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return client.request(method, path, content=body(), headers=headers)

    return call


@pytest.fixture
def changed(world):
    """Return a function that tells everything that operators can change, and the trail."""
    world.database.partners["acme"] = a_partner(b"s" * 32)
    world.database.dead_letters.append(a_letter())

    def state():
        database = world.database
        found = (database.keys, database.partners, database.dead_letters, world.people.entries)
        return copy.deepcopy(found)

    return state


@pytest.mark.parametrize(("method", "path", "document"), CHANGES)
def test_a_session_that_ends_before_the_body_does_changes_nothing(
    people, token, send, changed, method, path, document
):
    """However soon: ``operator disable`` ends the sessions at once."""
    before = changed()
    refused = send(method, ADMIN + path, token, document, people.live.clear)
    assert kind(refused) == (401, "unauthenticated")
    assert changed() == before


@pytest.mark.parametrize(("method", "path", "document"), CHANGES)
def test_a_slow_body_of_a_session_that_lives_is_taken(
    world, token, send, changed, method, path, document
):
    before = changed()
    taken = send(method, ADMIN + path, token, document, lambda: world.later(9))
    assert taken.status_code in (200, 201), taken.text
    assert changed() != before


def test_a_code_that_is_no_longer_recent_when_the_body_ends_changes_nothing(
    world, token, send, changed
):
    before = changed()
    world.later(5 * 60 - 1)
    refused = send("POST", ADMIN + "keys", token, {"name": "late"}, lambda: world.later(9))
    assert kind(refused) == (403, "recent-code-required")
    assert changed() == before


def test_a_role_that_was_taken_away_while_the_body_came_changes_nothing(
    world, people, token, send, changed
):
    def become_viewer():
        world.later(9)
        [(token_sha256, session)] = people.live.items()
        people.live[token_sha256] = session._replace(role="viewer")

    before = changed()
    refused = send("POST", ADMIN + "keys", token, {"name": "late"}, become_viewer)
    assert kind(refused) == (403, "forbidden")
    assert changed() == before


def test_no_code_is_judged_for_a_session_that_ended_while_it_came(world, people, token, send):
    def end():
        world.later(9)
        people.live.clear()

    account = people.operators["ada"].account
    refused = send("POST", "/api/v1/auth/step-up", token, {"code": "000000"}, end)
    assert kind(refused) == (401, "unauthenticated")
    assert people.operators["ada"].account == account
    assert actions(people) == ["operator.login"]


def test_recovery_codes_of_a_session_that_ended_while_they_were_hashed_replace_none(
    people, token, post
):
    """``reset-totp`` voids all codes of before, so none may follow it."""
    hash_recovery, operator = people.passwords.hash_recovery, people.operators["ada"]

    async def reset_meanwhile(codes, salt):
        people.live.clear()
        return await hash_recovery(codes, salt)

    operator.account = replace(operator.account, recovery=frozenset({b"given out by the reset"}))
    people.passwords.hash_recovery = reset_meanwhile
    refused = post("recovery-codes", token)
    assert kind(refused) == (401, "unauthenticated")
    assert operator.account.recovery == {b"given out by the reset"}
    assert actions(people) == ["operator.login"]


@pytest.fixture
def revoked(world):
    """Return a function that makes an API key; what it returns revokes it, seconds before now."""

    def make(seconds):
        text = world.database.add_key()
        [key_id] = world.database.keys

        def revoke():
            found = world.database.keys[key_id]
            world.database.keys[key_id] = found._replace(revoked_at_ms=world.now_ms)
            world.later(seconds)

        return text, revoke

    return make


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("progress", a_report()),
        ("auth/tokens", {"user_id": "user-1", "scopes": ["progress:write"], "ttl_s": 60}),
    ],
)
def test_a_key_that_was_revoked_while_the_body_came_is_refused(
    world, send, revoked, path, document
):
    text, revoke = revoked(9)
    refused = send("POST", f"/api/v1/{path}", text, document, revoke)
    assert kind(refused) == (401, "unauthenticated")
    assert world.producer.sent == []


def test_a_body_that_came_quickly_is_taken_without_another_look(world, send, revoked):
    text, revoke = revoked(UNNOTICED_S)
    calls = world.database.calls
    assert send("POST", "/api/v1/progress", text, a_report(), revoke).status_code == 202
    quick = world.database.calls - calls
    world.database.keys.clear()
    text = world.database.add_key()
    calls = world.database.calls
    slow = send("POST", "/api/v1/progress", text, a_report(), lambda: world.later(9))
    assert slow.status_code == 202
    assert world.database.calls - calls > quick
