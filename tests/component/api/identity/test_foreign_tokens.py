"""Tokens of an operator's identity provider: who is believed, for what, and what never goes out."""

import json

import pytest
from prometheus_client import REGISTRY

from api.problems import UNAUTHENTICATED
from infra.postgres.token_issuers import TokenIssuer
from infra.postgres.token_revocations import TokenRevocation
from infra.security.keys import USER_SCOPES
from infra.security.tokens import Refusal
from tests.component.api.fakes import NOW_MS
from tests.component.api.test_webhooks import problem
from tests.support import tokens as made
from tests.support.tokens import AUDIENCE, HEADER, ISSUER, PAYLOAD, ed25519_jwk, jwks, rsa_jwk

URL = "https://id.example.com/jwks.json"
PATH = "/api/v1/users/user-1/recommendations"


def an_issuer(**changes):
    fields = {
        "issuer": ISSUER, "audience": AUDIENCE, "algorithms": ("RS256", "EdDSA"),
        "jwks": jwks(ed25519_jwk(), rsa_jwk()).decode(), "jwks_url": None, "scopes": USER_SCOPES,
        "tier": "pro", "user_claim": "sub", "token_type": "at+jwt", "lifetime_max_s": 3600,
        "enabled": True, "created_at_ms": 0,
    }  # fmt: skip
    return TokenIssuer(**{**fields, **changes})


@pytest.fixture
def get_with(client):
    return lambda text, path=PATH: client.get(path, headers={"Authorization": f"Bearer {text}"})


def refusals(reason):
    labels = {"reason": reason}
    return REGISTRY.get_sample_value("mg_api_credential_refusals_total", labels) or 0.0


def test_a_token_reaches_no_log_line(world, get_with, caplog):
    caplog.set_level("DEBUG")
    world.tokens.issuers.append(an_issuer())
    good, forged = made.token(), made.token(signature=made.b64(bytes(64)))
    assert get_with(good).status_code == 200
    assert get_with(forged).status_code == 401
    assert "credentials refused: signature" in caplog.text
    assert not {part for text in (good, forged) for part in text.split(".") if part in caplog.text}


@pytest.mark.parametrize("header", [HEADER, {"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}])
def test_a_token_of_a_known_issuer_speaks_for_its_user(world, get_with, header):
    world.tokens.issuers.append(an_issuer())
    text = made.token(header=header)
    assert get_with(text).status_code == 200
    problem(get_with(text, "/api/v1/users/user-2/recommendations"), 403, "forbidden")


def test_the_scopes_of_a_token_are_limited_by_its_issuer(world, get_with):
    world.tokens.issuers.append(an_issuer(scopes=("progress:write",)))
    problem(get_with(made.token()), 403, "forbidden")


def test_a_token_never_gets_scopes_of_apps_whatever_it_says(world, client):
    scopes = (*USER_SCOPES, "tokens:issue")
    world.tokens.issuers.append(an_issuer(scopes=scopes))
    text = made.token(PAYLOAD | {"scope": " ".join(scopes)})
    answer = client.post(
        "/api/v1/auth/tokens", json={}, headers={"Authorization": f"Bearer {text}"}
    )
    problem(answer, 403, "forbidden")


def test_unknown_and_disabled_issuers_are_not_believed(world, get_with):
    problem(get_with(made.token()), 401, "unauthenticated")
    world.tokens.issuers.append(an_issuer(enabled=False))
    world.later(3)
    before = refusals("unknown_issuer")
    problem(get_with(made.token()), 401, "unauthenticated")
    assert refusals("unknown_issuer") == before + 1


def test_a_stored_document_that_is_no_use_any_more_refuses_and_does_not_fail(world, get_with):
    world.tokens.issuers.append(an_issuer(jwks='{"keys": []}'))
    problem(get_with(made.token()), 401, "unauthenticated")


ATTACKS = {
    "none": made.token(header=HEADER | {"alg": "none"}, signature=""),
    "nOnE": made.token(header=HEADER | {"alg": "nOnE"}, signature="AA"),
    "hmac with the public key": made.token(
        header=HEADER | {"alg": "HS256"}, secret=made.public_pem(made.ED25519)
    ),
    "no exp": made.token({k: v for k, v in PAYLOAD.items() if k != "exp"}),
    "exp in a hundred years": made.token(PAYLOAD | {"exp": made.NOW_S + 100 * 31_557_600}),
    "exp as text": made.token(PAYLOAD | {"exp": str(made.NOW_S + 60)}),
    "another audience": made.token(PAYLOAD | {"aud": "other"}),
    "another issuer": made.token(PAYLOAD | {"iss": "https://evil.example/"}),
    "another type": made.token(header=HEADER | {"typ": "JWT"}),
    "kid is a path": made.token(header=HEADER | {"kid": "../../dev/null"}),
    "kid is SQL": made.token(header=HEADER | {"kid": "x' OR 1=1 --"}),
    "jku": made.token(header=HEADER | {"jku": "https://evil.example/jwks"}),
    "jwk": made.token(header=HEADER | {"jwk": ed25519_jwk()}),
    "x5u": made.token(header=HEADER | {"x5u": "https://evil.example/x"}),
    "crit": made.token(header=HEADER | {"crit": ["exp"]}),
    "5 kB": made.token(PAYLOAD | {"pad": "x" * 4000}),
    "expired for 31 s": made.token(
        PAYLOAD | {"iat": made.NOW_S - 931, "exp": made.NOW_S - 31}
    ),
    "from in 31 s": made.token(PAYLOAD | {"iat": made.NOW_S + 31, "exp": made.NOW_S + 60}),
    "a member twice": made.token(json.dumps(PAYLOAD)[:-1].encode() + b', "sub": "user-1"}'),
    "padding": made.token() + "=",
    "a trailing dot": made.token() + ".",
    "five parts": made.token() + ".a.b",
    "no token": "x",
    "half a key": "mg_live_abc",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_gets_the_one_401_and_causes_no_call(world, get_with, text):
    world.tokens.issuers.append(an_issuer(jwks=None, jwks_url=URL))
    body = problem(get_with(text), 401, "unauthenticated")
    assert body["title"] == UNAUTHENTICATED.title
    assert "detail" not in body
    assert world.tokens.fetched == []


def test_a_token_of_a_megabyte_is_refused(get_with):
    assert get_with("A" * (1024 * 1024)).status_code == 401  # a server refuses the header: 431


def test_every_reason_is_a_bounded_label():
    assert len({item.value for item in Refusal}) == len(Refusal) < 30
    assert all(item.value.isidentifier() for item in Refusal)


async def test_keys_by_address_are_used_once_they_are_there_and_follow_a_rotation(world):
    """The reader without HTTP around it: the key sets of this world are renewed by hand."""
    world.tokens.issuers.append(an_issuer(jwks=None, jwks_url=URL))
    world.tokens.documents[URL] = jwks(ed25519_jwk())
    async with world.open_services(world.settings) as services:
        tokens, remote = services.tokens, world.tokens.remote_keys
        assert await tokens.verified(made.token()) is Refusal.UNKNOWN_KEY
        await remote.refresh(await tokens.key_urls())
        assert (await tokens.verified(made.token())).claims.user_id == "user-1"
        rotated = made.token(header={"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"})
        assert await tokens.verified(rotated) is Refusal.UNKNOWN_KEY
        world.tokens.documents[URL] = jwks(rsa_jwk())
        await remote.refresh(await tokens.key_urls())
        assert (await tokens.verified(rotated)).claims.user_id == "user-1"
        assert await tokens.verified(made.token()) is Refusal.UNKNOWN_KEY
        assert world.tokens.fetched == [URL, URL]


async def test_a_revocation_holds_for_tokens_of_an_issuer_whose_clock_is_ahead(world):
    world.tokens.issuers.append(an_issuer())
    world.tokens.revocations.append(TokenRevocation("user", "user-1", NOW_MS // 1000 - 30))
    async with world.open_services(world.settings) as services:
        assert await services.tokens.verified(made.token()) is Refusal.REVOKED
        later = made.token(PAYLOAD | {"iat": made.NOW_S + 1})
        assert (await services.tokens.verified(later)).grant.issuer == ISSUER


def test_while_the_database_is_away_a_token_is_answered_503(world, get_with):
    world.database.away = True
    problem(get_with(made.token()), 503, "unavailable")
