"""Operators create, list and revoke API keys; a key is shown once."""

import pytest

from infra.security.keys import USER_SCOPES, hash_key
from tests.component.api.fakes import NOW_MS, a_partner
from tests.component.api.test_webhooks import problem


def test_a_new_key_works_and_is_shown_once(world, client, send, entries):
    response = send("POST", "keys", {"name": "tv-app", "expires_in_s": 3600})
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["scopes"], body["state"]) == ([*USER_SCOPES], "live")
    assert body["expires_at"] == "2026-01-01T21:40:00.000Z"
    stored = world.database.keys[body["key_id"]]
    assert stored.key_sha256 == hash_key(body["key"])
    assert stored.expires_at_ms == NOW_MS + 3_600_000
    read = client.get("/api/v1/trending", headers={"Authorization": f"Bearer {body['key']}"})
    assert read.status_code == 200
    assert body["key"] not in send("GET", "keys").text
    assert entries() == [("admin-1", "key.create", body["key_id"])]


def test_a_key_belongs_to_an_app_a_user_or_a_partner(world, send):
    world.database.partners["acme"] = a_partner(b"s" * 32)
    of_partner = send("POST", "keys", {"name": "reports", "partner": "acme", "tier": "pro"}).json()
    assert (of_partner["scopes"], of_partner["partner"]) == (["deliveries:read"], "acme")
    given = {"name": "phone", "user_id": "user-1", "scopes": ["progress:write"]}
    of_user = send("POST", "keys", given).json()
    assert (of_user["user_id"], of_user["scopes"]) == ("user-1", ["progress:write"])
    given = {"name": "backend", "scopes": ["tokens:issue", "tokens:issue"]}
    assert send("POST", "keys", given).json()["scopes"] == ["tokens:issue"]


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "x" * 65}, {"name": "a\nb"}, {"name": " "}, {"name": None},
     {"scopes": []}, {"scopes": ["no:such"]}, {"scopes": ["x" * 41]},
     {"scopes": ["progress:write"] * 11}, {"scopes": ["deliveries:read"]}, {"user_id": "a|b"},
     {"user_id": "u" * 65}, {"user_id": "u", "scopes": ["tokens:issue"]},
     {"partner": "acme", "user_id": "u"}, {"partner": "nobody"},
     {"partner": "acme", "scopes": ["progress:write"]}, {"tier": "gold"}, {"expires_in_s": 0},
     {"expires_in_s": 10**12}, {"key": "mg_live_mine"}],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused(world, send, changes):
    problem(send("POST", "keys", {"name": "x"} | changes), 400, "invalid-content")
    assert (world.database.keys, world.people.entries) == ({}, [])


def test_keys_are_listed_newest_first_by_pages_with_their_state(world, send):
    states = [{}, {"revoked_at_ms": 5}, {"expires_at_ms": 5}, {"last_used_at_ms": 1}, {}]
    for number, fields in enumerate(states):
        world.database.add_key(key_id=f"k{number}", created_at_ms=number // 2, **fields)
    seen, cursor = [], None
    for _ in range(3):
        page = send("GET", "keys", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [(each["key_id"], each["state"]) for each in page["keys"]]
        cursor = page.get("next_cursor")
    assert cursor is None
    assert seen == [
        ("k4", "live"), ("k3", "live"), ("k2", "ended"), ("k1", "revoked"), ("k0", "live"),
    ]  # fmt: skip


@pytest.mark.parametrize("params", [{"limit": "0"}, {"cursor": "!"}, {"cursor": "AAAA"}])
def test_wrong_pages_are_refused(send, params):
    problem(send("GET", "keys", **params), 400, "invalid-content")


def test_a_revoked_key_is_over(world, send, entries):
    world.database.add_key(key_id="0a1b2c3d")
    body = send("POST", "keys/0a1b2c3d/revoke").json()
    assert (body["state"], body["revoked_at"]) == ("revoked", "2026-01-01T20:40:00.000Z")
    assert world.database.keys["0a1b2c3d"].revoked_at_ms == NOW_MS
    problem(send("POST", "keys/0a1b2c3d/revoke"), 404, "not-found")
    for wrong in ("nobody00", "x" * 50, "%C3%BC"):
        problem(send("POST", f"keys/{wrong}/revoke"), 404, "not-found")
    assert entries() == [("admin-1", "key.revoke", "0a1b2c3d")]


def test_readers_read_and_only_administrators_with_a_recent_code_change(world, send, token):
    world.database.add_key(key_id="0a1b2c3d")
    viewer, stale = token("viewer"), token(stale=True)
    for reader in (viewer, stale):
        assert send("GET", "keys", as_token=reader).status_code == 200
    for path, body in (("keys", {"name": "x"}), ("keys/0a1b2c3d/revoke", None)):
        problem(send("POST", path, body, as_token=viewer), 403, "forbidden")
        problem(send("POST", path, body, as_token=stale), 403, "recent-code-required")
    assert len(world.database.keys) == 1
    assert world.people.entries == []
