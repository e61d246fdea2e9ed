"""The fuzzer of administration keeps off what others have, and asks for what there can be."""

import json
from types import SimpleNamespace

import pytest

from api.admin.partners import public_key_of
from infra.security.keys import granted_scopes
from infra.security.partner_keys import first_keys
from infra.security.webhook_keys import Scheme
from tests.support.fuzzed_requests import BEYOND, Administration

MADE = {
    "partners": ["fuzzed"], "keys": ["k1", "k2"], "letters": [7, 8], "users": ["fuzzed-user"],
    "others_partners": ["globex"], "others_keys": ["k9"],
}  # fmt: skip


@pytest.fixture
def own():
    return Administration(json.dumps(MADE))


def case(name, body=None, **path):
    raw = {"operationId": name}
    operation = SimpleNamespace(definition=SimpleNamespace(raw=raw))
    return SimpleNamespace(operation=operation, path_parameters=path, body=body)


@pytest.mark.parametrize(
    ("name", "parameter", "foreign", "put"),
    [("post_rotation", "partner", "globex", "fuzzed"), ("patch_partner", "partner", "acme",
     "fuzzed"), ("post_revocation", "key_id", "k9", "k1"), ("post_erasure", "user", "user-1",
     "fuzzed-user.user-1"), ("post_erasure", "user", "u" * 64, "fuzzed-user." + "u" * 52)],
)  # fmt: skip
def test_names_of_others_are_replaced(own, name, parameter, foreign, put):
    request = case(name, **{parameter: foreign})
    own.keep_off(request)
    assert request.path_parameters == {parameter: put}


@pytest.mark.parametrize(
    ("name", "path"),
    [("post_rotation", {"partner": "fuzzed"}), ("post_rotation", {"partner": "Not a name"}),
     ("post_rotation", {"partner": ["a"]}), ("post_revocation", {"key_id": "k2"}),
     ("post_erasure", {"user": "fuzzed-user.x"}), ("post_erasure", {"user": "u" * 65}),
     ("post_erasure", {"user": "a|b"}), ("get_erasure", {"user": "user-1"}),
     ("get_me", {})],
)  # fmt: skip
def test_its_own_names_and_what_is_no_name_stay(own, name, path):
    request = case(name, **path)
    own.keep_off(request)
    assert request.path_parameters == path


def test_dead_letters_of_others_are_not_named(own):
    ids = [7, 1, 2**53, 0, -1, "1", None, 9.5]
    request = case("post_discard", {"ids": ids})
    own.keep_off(request)
    assert request.body["ids"] == [7, 1 + BEYOND, 2**53, 0, -1, "1", None, 9.5 + BEYOND]
    for body in ([1], "1", None, {"ids": {"a": 1}}, {"ids": None}, {"partner": {"a": 1}}):
        request = case("post_discard", body)
        own.keep_off(request)
        assert request.body == body


@pytest.mark.parametrize("schemes", [None, ["v1"], ["v1a"], ["sha256", "v1a"]])
@pytest.mark.parametrize("key", [None, "whpk_drawn"])
def test_a_new_partner_can_be(own, schemes, key):
    body = {"partner": "fuzzed", "display_name": "\n", "schemes": schemes, "public_key": key}
    request = case("post_partner", body)
    own.fit(request, 5)
    assert request.body["partner"] == "fuzzed-5"
    assert request.body["display_name"] == "blank"
    wanted = tuple(map(Scheme, request.body["schemes"] or ["v1"]))
    assert first_keys(wanted, public_key_of(request.body["public_key"]))


@pytest.mark.parametrize("owner", [{}, {"user_id": "u"}, {"partner": "p"}, {"user_id": "u",
                                   "partner": "p"}])  # fmt: skip
@pytest.mark.parametrize("scopes", [None, ["deliveries:read"], ["tokens:issue", "catalogue:read"]])
def test_a_new_key_can_be(own, owner, scopes):
    request = case("post_key", {"name": "a", "scopes": scopes, **owner})
    own.fit(request, 5)
    body = request.body
    assert granted_scopes(body["scopes"], user=body.get("user_id"), partner=body.get("partner"))
    assert body.get("partner") in (None, "fuzzed")


def test_what_the_run_makes_is_its_own(own):
    for name, made in (("post_partner", {"partner": "p2"}), ("post_key", {"key_id": "k3"})):
        own.note(case(name), SimpleNamespace(status_code=201, json=lambda made=made: made))
        own.note(case(name), SimpleNamespace(status_code=409, json=dict))
    assert own.known()["partner"] == ["fuzzed", "p2"]
    assert own.known()["key_id"] == ["k1", "k2", "k3"]
