"""Operators administer partners: what is shown holds no secret, what is made is shown once."""

import pytest

from infra.postgres.sealed_columns import KeyMismatch
from infra.security.sealing import SealingError
from infra.security.webhook_keys import Scheme, fingerprint, format_public_key, parse_secret
from schemas.admin_api import AdminPartner
from tests.component.api.fakes import FakePartners, a_partner
from tests.component.api.test_webhooks import problem
from tests.support.signing import PUBLIC_KEY_TEXT

SECRET = b"s" * 32
NEW = {"partner": "globex", "mapper": "generic"}


@pytest.fixture
def acme(world):
    world.database.partners["acme"] = a_partner(SECRET, deliveries_per_s=None)
    return world.database.partners


def test_a_partner_is_shown_without_its_secret(acme, send):
    response = send("GET", "partners/acme")
    assert response.status_code == 200, response.text
    AdminPartner.model_validate_json(response.content)
    body = response.json()
    assert (body["partner"], body["tier"], body["schemes"]) == ("acme", "pro", ["v1"])
    assert (body["body_bytes_max"], body["own_limits"]) == (262144, [])
    assert [key["fingerprint"] for key in body["keys"]] == [fingerprint(SECRET)]
    assert "c3Nzc3" not in response.text  # base64 of the secret
    assert response.headers["cache-control"] == "no-store"


def test_a_list_has_pages_by_name_and_no_fingerprints(world, send):
    for name in ("c", "a", "e", "b", "d"):
        world.database.partners[name] = a_partner(SECRET, partner=name)
    seen, after = [], None
    for _ in range(3):
        page = send("GET", "partners", limit=2, **({"after": after} if after else {})).json()
        seen += [each["partner"] for each in page["partners"]]
        assert all("fingerprint" not in key for each in page["partners"] for key in each["keys"])
        after = page.get("next_after")
    assert (seen, after) == (["a", "b", "c", "d", "e"], None)


def test_a_new_partner_gets_a_secret_that_is_shown_once(world, send, entries):
    response = send("POST", "partners", NEW | {"tier": "pro", "deliveries_per_s": 7})
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["own_limits"] == ["deliveries_per_s"]
    assert world.database.partners["globex"].keyring.secrets == (parse_secret(body["secret"]),)
    assert body["secret"] not in send("GET", "partners/globex").text
    assert entries() == [("admin-1", "partner.create", "globex")]
    assert world.people.entries[0].request_id == response.headers["x-request-id"]


def test_a_partner_that_signs_by_private_key_gets_no_secret(world, send):
    body = send("POST", "partners", NEW | {"public_key": PUBLIC_KEY_TEXT}).json()
    assert body["schemes"] == ["v1a"]
    assert "secret" not in body
    assert [key["kind"] for key in body["keys"]] == ["public_key"]


def test_a_change_changes_what_is_given(acme, send, entries):
    given = {"display_name": "Acme TV", "body_bytes_max": 1000, "tier": "free"}
    body = send("PATCH", "partners/acme", given).json()
    assert (body["display_name"], body["body_bytes_max"], body["tier"]) == ("Acme TV", 1000, "free")
    assert body["own_limits"] == ["body_bytes_max"]
    body = send("PATCH", "partners/acme", {"body_bytes_max": None}).json()
    assert (body["body_bytes_max"], body["own_limits"]) == (65536, [])
    assert send("PATCH", "partners/acme", {"enabled": False}).json()["enabled"] is False
    assert send("PATCH", "partners/acme", {"enabled": True}).json()["enabled"] is True
    assert [action for _, action, _ in entries()] == [
        "partner.update", "partner.update", "partner.disable", "partner.enable",
    ]  # fmt: skip
    assert acme["acme"].mapper == "generic"


def test_a_rotation_gives_a_new_secret_and_keeps_the_old_one(acme, send, entries):
    first = send("POST", "partners/acme/rotate", {})
    assert first.status_code == 200, first.text
    assert first.headers["cache-control"] == "no-store"
    assert acme["acme"].keyring.secrets == (parse_secret(first.json()["secret"]), SECRET)
    second = send("POST", "partners/acme/rotate", {"overlap_s": 3600}).json()["secret"]
    refused = send("POST", "partners/acme/rotate", {"overlap_s": 3600})
    problem(refused, 409, "state-conflict")
    assert "3 keys are live" in refused.json()["detail"]
    last = send("POST", "partners/acme/rotate", {"overlap_s": 0}).json()["secret"]
    assert acme["acme"].keyring.secrets == (parse_secret(last),)
    assert len({first.json()["secret"], second, last}) == 3
    assert entries() == [("admin-1", "partner.rotate-secret", "acme")] * 3


def test_a_partner_moves_from_secret_to_private_key(acme, send):
    problem(send("PATCH", "partners/acme", {"schemes": ["v1a"]}), 409, "state-conflict")
    given = {"public_key": PUBLIC_KEY_TEXT}
    problem(send("POST", "partners/acme/rotate", given), 409, "state-conflict")
    assert send("PATCH", "partners/acme", {"schemes": ["v1", "v1a"]}).status_code == 200
    assert "secret" not in send("POST", "partners/acme/rotate", given).json()
    assert send("PATCH", "partners/acme", {"schemes": ["v1a"]}).json()["schemes"] == ["v1a"]
    assert acme["acme"].keyring.schemes == {Scheme.V1A}
    problem(send("POST", "partners/acme/rotate", {}), 409, "state-conflict")


@pytest.mark.parametrize(
    "changes",
    [{"partner": "Acme"}, {"partner": "a" * 41}, {"partner": "-a"}, {"mapper": "no-such"},
     {"mapper": "x" * 41}, {"display_name": "a\nb"}, {"display_name": "x" * 81},
     {"schemes": []}, {"schemes": ["md5"]}, {"schemes": ["v1", "v1"]}, {"schemes": ["v1a"]},
     {"tier": "gold"}, {"body_bytes_max": 0}, {"body_bytes_max": 262145},
     {"body_bytes_max": "1"}, {"deliveries_per_s": 10_001}, {"public_key": "whpk_AAAA"},
     {"public_key": format_public_key(bytes(32))}, {"schemes": ["v1"], "public_key":
     PUBLIC_KEY_TEXT}, {"secret": "whsec_mine"}],
)  # fmt: skip
def test_a_partner_that_cannot_be_is_refused(world, send, changes):
    problem(send("POST", "partners", NEW | changes), 400, "invalid-content")
    assert world.database.partners == {}
    assert world.people.entries == []


@pytest.mark.parametrize(
    "changes",
    [{}, {"mapper": None}, {"mapper": ""}, {"mapper": "no-such"}, {"schemes": []}, {"tier": None},
     {"enabled": "no"}, {"enabled": None}, {"partner": "other"}, {"tears": "pro"}, []],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(acme, world, send, changes):
    before = dict(acme)
    problem(send("PATCH", "partners/acme", changes), 400, "invalid-content")
    assert (acme, world.people.entries) == (before, [])


@pytest.mark.parametrize("given", [{"overlap_s": -1}, {"overlap_s": 604801}, {"overlap_s": 1.5}])
def test_an_overlap_out_of_range_is_refused(acme, send, given):
    problem(send("POST", "partners/acme/rotate", given), 400, "invalid-content")


def test_a_name_that_is_taken_or_unknown_is_said(acme, send):
    problem(send("POST", "partners", NEW | {"partner": "acme"}), 409, "already-exists")
    for name in ("nobody", "%C3%BC", "a" * 50):
        problem(send("GET", f"partners/{name}"), 404, "not-found")
        problem(send("PATCH", f"partners/{name}", {"tier": "pro"}), 404, "not-found")
        problem(send("POST", f"partners/{name}/rotate", {}), 404, "not-found")
    problem(send("GET", "partners", after="Not a name"), 400, "invalid-content")
    problem(send("GET", "partners", limit=201), 400, "invalid-content")


def test_readers_read_and_only_administrators_with_a_recent_code_change(acme, world, send, token):
    viewer, stale = token("viewer"), token(stale=True)
    changes = [
        ("POST", "partners", NEW), ("PATCH", "partners/acme", {"tier": "free"}),
        ("POST", "partners/acme/rotate", {}),
    ]  # fmt: skip
    for reader in (viewer, stale):
        assert send("GET", "partners/acme", as_token=reader).status_code == 200
        assert send("GET", "partners", as_token=reader).status_code == 200
    for method, path, body in changes:
        problem(send(method, path, body, as_token=viewer), 403, "forbidden")
        problem(send(method, path, body, as_token=stale), 403, "recent-code-required")
    assert world.people.entries == []


@pytest.mark.parametrize(
    ("method", "path", "body", "changes"),
    [("create", "partners", NEW, "globex"),
     ("rotate", "partners/acme/rotate", {}, "acme")],
)  # fmt: skip
def test_another_key_than_that_of_what_is_stored_seals_nothing(
    acme, send, monkeypatch, caplog, method, path, body, changes
):
    async def mismatched(self, actor, name, *rest):
        raise KeyMismatch("the secret of partner initech is sealed with the key 2f1e1012")

    monkeypatch.setattr(FakePartners, method, mismatched)
    response = send("POST", path, body)
    problem(response, 501, "not-set-up")
    assert "initech" not in response.text
    [record] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.getMessage().startswith(f"partner {changes} was not changed: the secret of ")


def test_keys_that_cannot_be_opened_are_said(acme, send, monkeypatch, caplog):
    async def sealed(self, partner):
        raise SealingError("secret-detail")

    monkeypatch.setattr(FakePartners, "live_keys", sealed)
    response = send("GET", "partners/acme")
    problem(response, 501, "not-set-up")
    assert "secret-detail" not in response.text
    assert "partner acme: secret-detail" in caplog.text
    assert send("GET", "partners").status_code == 200


def test_without_the_database_it_says_try_again(acme, world, send):
    world.database.away = True
    problem(send("GET", "partners"), 503, "unavailable")
