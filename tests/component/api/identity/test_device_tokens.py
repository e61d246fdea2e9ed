"""A backend gets a token for a device; the token touches its own user, while its key may."""

import json

import pytest

from api.app import create_app
from api.identity.access import CallerKind
from api.routes import ENDPOINTS
from infra.postgres.token_revocations import TokenRevocation
from infra.security.jwks import parse_jwks
from infra.security.keys import APP_SCOPES, USER_SCOPES
from infra.security.tokens import Rules, Unverified, read, verify
from infra.settings import Settings
from schemas.tokens import PublicKeys, TokenIssued
from tests.component.api.fakes import NOW_MS, FakeWorld
from tests.component.api.test_progress import a_report
from tests.component.api.test_webhooks import problem
from tests.support.described import DescribedClient

TOKENS = "/api/v1/auth/tokens"
KEYS = "/.well-known/jwks.json"
OWN = Settings().token_issuer
RECOMMENDATIONS = "/api/v1/users/{}/recommendations"


@pytest.fixture
def app_key(world):
    return world.database.add_key(scopes=APP_SCOPES, tier="pro")


@pytest.fixture
def ask(client, world, app_key):
    world.tokens.add_signing_key()

    def post(key=app_key, **changes):
        wanted = {"user_id": "user-1", "scopes": list(USER_SCOPES), **changes}
        return client.post(TOKENS, json=wanted, headers=bearer(key))

    return post


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def token_of(response):
    assert response.status_code == 201, response.text
    return TokenIssued.model_validate_json(response.content).access_token


def test_a_device_reads_and_posts_as_its_user(client, ask):
    response = ask(ttl_s=60)
    body = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 60)
    device = bearer(token_of(response))
    assert client.get(RECOMMENDATIONS.format("user-1"), headers=device).status_code == 200
    posted = client.post("/api/v1/progress", json=a_report(user_id="user-1"), headers=device)
    assert posted.status_code == 202


def test_a_device_touches_no_other_user(client, world, ask):
    device = bearer(token_of(ask()))
    other = client.get(RECOMMENDATIONS.format("user-2"), headers=device)
    problem(other, 403, "forbidden")
    reports = [a_report(user_id="user-1"), a_report(event_id="e2", user_id="user-2")]
    problem(client.post("/api/v1/progress", json=reports, headers=device), 403, "forbidden")
    assert world.producer.sent == []
    problem(client.post(TOKENS, json={}, headers=device), 403, "forbidden")


@pytest.mark.parametrize(
    "path",
    [
        item.path
        for item in ENDPOINTS
        if "{user}" in item.path and item.access.caller is CallerKind.APP
    ],
)
def test_no_path_of_another_user_is_open_to_a_device(client, ask, path):
    device = bearer(token_of(ask()))
    other = path.format(user="user-2", content_id="film-1")
    problem(client.get(other, headers=device), 403, "forbidden")


def test_a_token_has_the_scopes_that_were_asked_for(client, ask):
    device = bearer(token_of(ask(scopes=["progress:write"])))
    problem(client.get(RECOMMENDATIONS.format("user-1"), headers=device), 403, "forbidden")


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "a|b"}, {"user_id": None}, {"user_id": 7}, {"scopes": []}, {"scopes": "x"},
        {"scopes": ["tokens:issue"]}, {"scopes": ["deliveries:read"]}, {"ttl_s": 59},
        {"ttl_s": 3601}, {"ttl_s": "900"}, {"ttl_s": 1e9}, {"ttl_s": True},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(ask, changes):
    problem(ask(**changes), 400, "invalid-content")


def test_only_an_app_that_may_issue_gets_tokens(world, ask):
    database = world.database
    for key in (
        database.add_key(scopes=USER_SCOPES),
        database.add_key(scopes=APP_SCOPES, user_id="user-1"),
        database.add_key(scopes=APP_SCOPES, partner="acme"),
    ):
        problem(ask(key), 403, "forbidden")
    narrow = database.add_key(scopes=("tokens:issue", "progress:write"))
    problem(ask(narrow), 403, "forbidden")
    assert ask(narrow, scopes=["progress:write"]).status_code == 201


def test_without_a_signing_key_or_a_secrets_key_the_answer_says_what_to_do(client, world, app_key):
    wanted = {"user_id": "user-1", "scopes": ["progress:write"]}
    response = client.post(TOKENS, json=wanted, headers=bearer(app_key))
    assert "signing-key rotate" in problem(response, 501, "not-set-up")["detail"]
    world.tokens.sealed_with_another = True
    world.later(4)
    response = client.post(TOKENS, json=wanted, headers=bearer(app_key))
    assert "MEDIA_GATEWAY_SECRETS_KEY" in problem(response, 501, "not-set-up")["detail"]


@pytest.mark.parametrize(("seconds", "status"), [(89, 200), (90, 401), (91, 401)])
def test_a_token_ends_after_its_time_and_the_leeway(client, world, ask, seconds, status):
    device = bearer(token_of(ask(ttl_s=60)))
    world.later(seconds)
    assert client.get(RECOMMENDATIONS.format("user-1"), headers=device).status_code == status


def test_a_token_ends_with_the_key_that_got_it(client, world, ask, app_key):
    device = bearer(token_of(ask()))
    [key] = [key for key in world.database.keys.values() if key.tier == "pro"]
    world.database.keys[key.key_id] = key._replace(revoked_at_ms=NOW_MS)
    world.later(3)
    problem(client.get(RECOMMENDATIONS.format("user-1"), headers=device), 401, "unauthenticated")
    world.database.keys[key.key_id] = key._replace(scopes=("progress:write",))
    world.later(3)
    problem(client.get(RECOMMENDATIONS.format("user-1"), headers=device), 403, "forbidden")


def test_one_token_or_all_of_a_user_can_be_revoked(client, world, ask):
    one, two = ask(), ask()
    others = bearer(token_of(ask(user_id="user-2")))

    def statuses():
        world.later(2)
        devices = [bearer(token_of(response)) for response in (one, two)]
        answers = [client.get(RECOMMENDATIONS.format("user-1"), headers=each) for each in devices]
        return [answer.status_code for answer in answers]

    assert statuses() == [200, 200]
    revoked = TokenRevocation("token", one.json()["token_id"], NOW_MS // 1000)
    world.tokens.revocations.append(revoked)
    assert statuses() == [401, 200]
    world.tokens.revocations.append(TokenRevocation("user", "user-1", world.now_ms // 1000))
    assert statuses() == [401, 401]
    assert client.get(RECOMMENDATIONS.format("user-2"), headers=others).status_code == 200
    newer = bearer(token_of(ask()))
    assert client.get(RECOMMENDATIONS.format("user-1"), headers=newer).status_code == 200


def test_a_key_signs_what_is_good_after_the_next_one_began_and_until_it_ends(client, world, ask):
    device = bearer(token_of(ask(ttl_s=3600)))
    public, seed = world.tokens.signing_keys["own-1"]
    ended = public._replace(ends_at_ms=NOW_MS + 600_000)
    world.tokens.signing_keys["own-1"] = (ended, seed)
    world.tokens.add_signing_key("own-2", signs_from_ms=NOW_MS + 1)
    world.later(4)
    assert read(token_of(ask())).kid == "own-2"
    assert client.get(RECOMMENDATIONS.format("user-1"), headers=device).status_code == 200
    kids = [key["kid"] for key in client.get(KEYS).json()["keys"]]
    assert kids == ["own-1", "own-2"]
    world.later(600)
    assert client.get(RECOMMENDATIONS.format("user-1"), headers=device).status_code == 401
    assert [key["kid"] for key in client.get(KEYS).json()["keys"]] == ["own-2"]


def test_an_announced_key_is_published_and_does_not_sign(client, world, ask):
    world.tokens.add_signing_key("own-2", signs_from_ms=NOW_MS + 10_000)
    assert read(token_of(ask())).kid == "own-1"
    assert len(client.get(KEYS).json()["keys"]) == 2


def test_others_verify_with_the_published_keys(client, ask):
    response = client.get(KEYS)
    assert response.headers["content-type"] == "application/jwk-set+json"
    assert response.headers["cache-control"] == "public, max-age=300"
    PublicKeys.model_validate_json(response.content)
    assert not {"d", "k"} & set(json.loads(response.content)["keys"][0])
    keys = parse_jwks(response.content)
    token = read(token_of(ask()))
    assert isinstance(token, Unverified)
    rules = Rules(OWN, OWN, ("EdDSA",), "at+jwt", "sub", 3600)
    assert verify(token, rules, keys[token.kid], NOW_MS / 1000).user_id == "user-1"


def test_without_keys_the_published_set_is_empty(client):
    assert client.get(KEYS).json() == {"keys": []}


def test_the_issuer_is_a_setting():
    world = FakeWorld(token_issuer="https://tokens.example/")
    world.tokens.add_signing_key()
    key = world.database.add_key(scopes=APP_SCOPES)
    with DescribedClient(create_app(world.settings, world.open_services)) as client:
        wanted = {"user_id": "user-1", "scopes": ["recommendations:read"]}
        text = token_of(client.post(TOKENS, json=wanted, headers=bearer(key)))
        assert read(text).issuer == "https://tokens.example/"
        path = RECOMMENDATIONS.format("user-1")
        assert client.get(path, headers=bearer(text)).status_code == 200
