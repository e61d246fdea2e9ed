"""Credentials with a real server, a real Postgres and the real clock.

What an operator changes with a command holds in the running API within five seconds.
"""

import asyncio
import base64
import json

import httpx2
import psycopg
import pytest
from click.testing import CliRunner

from cli.main import main
from infra.postgres.migrate import migrate
from infra.security.keys import parse_key_id
from infra.security.signing import create_seed
from infra.wall_clock import now_ms
from tests.support import tokens as made
from tests.support.api_process import running_api
from tests.support.documents import document_server
from tests.support.tokens import ed25519_jwk, jwks, rsa_jwk
from tests.support.waiting import wait_until, wait_until_async

BELIEVED_S_MAX = 5.0  # the promise
SECRETS_KEY = {"MEDIA_GATEWAY_SECRETS_KEY": base64.b64encode(bytes(32)).decode()}
PATH = "/api/v1/users/user-1/recommendations"


@pytest.fixture
def run(fresh_database_url, tmp_path):
    migrate(fresh_database_url)
    environment = {
        "DATABASE_URL": fresh_database_url, "MEDIA_GATEWAY_ISSUERS_PRIVATE": "1", **SECRETS_KEY
    }  # fmt: skip

    def invoke(*arguments):
        result = CliRunner().invoke(
            main, [*arguments, "--data-dir", str(tmp_path)], env=environment
        )
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()[-1]

    invoke.url = fresh_database_url
    return invoke


@pytest.fixture
def api(run, tmp_path):
    with (
        running_api(
            run.url, tmp_path, MEDIA_GATEWAY_ISSUERS_PRIVATE="1", **SECRETS_KEY
        ) as url,
        httpx2.Client(base_url=url) as client,
    ):  # fmt: skip
        yield client


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def refused_in_time(client, text):
    wait_until(
        lambda: client.get(PATH, headers=bearer(text)).status_code == 401, BELIEVED_S_MAX, "401"
    )


def device(client, key, user="user-1"):
    wanted = {"user_id": user, "scopes": ["recommendations:read"], "ttl_s": 3600}
    answer = client.post("/api/v1/auth/tokens", json=wanted, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_keys_tokens_and_signing_keys_end_within_five_seconds(run, api):
    run("signing-key", "rotate")
    plain = run("key", "create", "app")
    backend = run("key", "create", "backend", "--scopes", "tokens:issue,recommendations:read")
    one, two = device(api, backend), device(api, backend)
    three = device(api, backend, "user-3")
    for text in (plain, one["access_token"], two["access_token"]):
        assert api.get(PATH, headers=bearer(text)).status_code == 200

    run("key", "revoke", parse_key_id(plain))
    refused_in_time(api, plain)
    run("token", "revoke", "--jti", one["token_id"])
    refused_in_time(api, one["access_token"])
    assert api.get(PATH, headers=bearer(two["access_token"])).status_code == 200
    run("token", "revoke", "--user", "user-1")
    refused_in_time(api, two["access_token"])

    other = {
        "url": "/api/v1/users/user-3/recommendations",
        "headers": bearer(three["access_token"]),
    }
    assert api.get(**other).status_code == 200
    kid = json.loads(base64.urlsafe_b64decode(three["access_token"].split(".")[0] + "=="))["kid"]
    run("signing-key", "retire", kid)
    wait_until(lambda: api.get(**other).status_code == 401, BELIEVED_S_MAX, "a retired key")


def test_a_rotated_key_overlaps_and_its_last_use_is_seen(run, api):
    old = run("key", "create", "app", "--tier", "pro", "--expires-in", "90d")
    new = run("key", "rotate", parse_key_id(old), "--overlap", "3s")
    assert new != old
    for text in (old, new):
        assert api.get(PATH, headers=bearer(text)).status_code == 200

    def used():
        query = "SELECT count(*) FROM api_keys WHERE last_used_at_ms > created_at_ms"
        with psycopg.connect(run.url) as connection:
            return connection.execute(query).fetchone() == (2,)

    wait_until(used, 30, "the last uses of both keys")
    wait_until(
        lambda: api.get(PATH, headers=bearer(old)).status_code == 401, 30, "the old key ends"
    )
    assert api.get(PATH, headers=bearer(new)).status_code == 200


async def test_an_issuer_is_believed_rotates_its_keys_and_is_disabled(run, api):
    async with document_server() as server:
        server.body = jwks(ed25519_jwk())
        await asyncio.to_thread(
            run, "issuer", "add", made.ISSUER, "--audience", made.AUDIENCE, "--jwks-url", server.url
        )

        async def status(kid, algorithm):
            header = {"alg": algorithm, "kid": kid, "typ": "at+jwt"}
            now_s = now_ms() // 1000
            text = made.token(made.PAYLOAD | {"iat": now_s, "exp": now_s + 600}, header)
            answer = await asyncio.to_thread(api.get, PATH, headers=bearer(text))
            return answer.status_code

        async def believed(kid, algorithm):
            return await status(kid, algorithm) == 200

        await wait_until_async(lambda: believed("ed-1", "EdDSA"), 30, "the first key")
        server.body = jwks(rsa_jwk())
        await wait_until_async(lambda: believed("rsa-1", "RS256"), 30, "the rotated key")
        assert await status("ed-1", "EdDSA") == 401
        await asyncio.to_thread(run, "issuer", "disable", made.ISSUER)

        async def refused():
            return await status("rsa-1", "RS256") == 401

        await wait_until_async(refused, BELIEVED_S_MAX, "the issuer is disabled")


def test_seeds_are_never_stored_as_they_are(run):
    run("signing-key", "rotate")
    run("signing-key", "rotate")
    with psycopg.connect(run.url) as connection:
        rows = connection.execute("SELECT sealed FROM signing_keys").fetchall()
        assert len(rows) == 2
        assert all(sealed.startswith("aes256gcm:") for (sealed,) in rows)
        plain = "plain:" + base64.b64encode(create_seed()).decode()
        statement = "INSERT INTO signing_keys VALUES ('k', %s, 'x', 0, 0, NULL)"
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(statement, (plain,))
