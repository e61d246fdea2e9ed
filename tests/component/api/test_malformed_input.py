"""A sweep: whatever is sent to whatever route, the answer is a problem of the caller, never a 500.

Method: a fixed seed draws path segments, queries, headers and bodies from lists of known trouble
and from random bytes. Every answer below 500 is fine; errors must be problem documents.
"""

import random
import warnings

import orjson
import pytest

from api.examples import CONTENT_FEATURES, TOKEN_REQUEST
from api.identity.access import CallerKind
from api.operators import examples
from api.routes import ENDPOINTS
from infra.postgres.erasures import ErasureRow
from infra.postgres.viewers import Viewer
from infra.security.keys import APP_SCOPES
from infra.security.operator_secrets import create_token, hash_token
from infra.security.pseudonyms import Pseudonyms
from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from tests.component.api.fakes import NOW_MS, a_content, a_letter, a_partner, a_state
from tests.component.api.test_progress import a_report
from tests.component.api.test_reads import a_slate
from tests.component.api.test_webhooks import envelope

ROUNDS = 300
SECRET = create_secret()
SEGMENTS = [
    "user-1", "film-1", "acme", "%00", "%ff", "..", "%2e%2e", "a" * 300, "%C3%BC", "a|b", "'--",
    "-", "%0d%0aX: y", "null", "a%2Fb", "*", "{user}",
]  # fmt: skip
VALUES = [
    "", "0", "-1", "1", "999", "1000", "1e3", "٣", "NaN", "DE", "de", "D\0", "%00", "cowatch",
    "event-1", "x" * 3000, "ü", "\U0001f600", "' OR 1=1", "YWJj", "0x10", "true", "[]", "Drama",
]  # fmt: skip
NAMES = [
    "limit",
    "region",
    "after_event",
    "cursor",
    "by",
    "order",
    "genre",
    "since",
    "state",
    "after",
    "limit[]",
    "",
    "\0",
    "a" * 100,
]
JSON_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "",
    "\xff",
    ";;;",
]


def a_value(rng, depth=0):
    simple = [
        None, True, False, 0, -1, 2**53, 2**63, 1.5, -0.0, 1e308, "", "x", "\0", "x" * 5000,
        "2026-01-01T00:00:00Z", "event-1", "playing", [], {},
    ]  # fmt: skip
    kind = rng.randrange(8)
    if depth > 4 or kind < 5:
        return rng.choice(simple)
    if kind == 5:
        return [a_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {str(rng.choice(VALUES)): a_value(rng, depth + 1) for _ in range(rng.randrange(4))}


def a_body(rng, document):
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(rng.randrange(60))
    if kind == 1:
        return rng.choice([b"", b"null", b"{", b"[[[[", b'"\\ud800"', b"NaN", b"\xef\xbb\xbf{}"])
    if kind == 2:
        return b"[" * 2000
    if kind == 3:
        return orjson.dumps([a_report(), a_value(rng)]) if rng.random() < 0.5 else orjson.dumps([])
    report = dict(document)
    field = rng.choice(sorted(report) or ["name"])
    if rng.random() < 0.8:
        report[field] = a_value(rng)
    text = orjson.dumps([report] * rng.randrange(1, 4) if kind == 6 else report)
    if kind == 7:
        damaged = bytearray(text)
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        return bytes(damaged)
    return text


def headers_of(rng, world, token, body):
    headers = {
        "content-type": rng.choice(JSON_TYPES[:3]) if rng.random() < 0.9 else rng.choice(JSON_TYPES)
    }
    if rng.random() < 0.8:
        headers["authorization"] = rng.choice(
            [f"Bearer {token}"] * 4 + ["Bearer \xff\x01", "x" * 5000]
        )
    at = str(world.now_ms // 1000)
    if rng.random() < 0.7:
        headers |= {"webhook-id": f"m{rng.randrange(50)}", "webhook-timestamp": at}
        headers["webhook-signature"] = sign(SECRET, headers["webhook-id"], int(at), body)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "content-encoding"):
        if rng.random() < 0.1:
            headers[name] = rng.choice(
                ["", "x", "\xff", "9" * 500, "v1,", "v1,\xe9", "gzip", "-1", "٣"[:0]]
            )
    return {name: value.encode("latin-1") for name, value in headers.items()}


def path_of(rng, template):
    while "{" in template:
        start, end = template.index("{"), template.index("}")
        good = {
            "user": "user-1", "content_id": "film-1", "partner": "acme", "dead_letter_id": "17",
            "key_id": "0a1b2c3d",
        }[template[start + 1 : end]]  # fmt: skip
        segment = good if rng.random() < 0.5 else rng.choice(SEGMENTS[:-1])
        template = template[:start] + segment + template[end + 1 :]
    return template


@pytest.fixture
def token(world):
    world.database.partners["acme"] = a_partner(SECRET)
    world.database.add_content(a_content("film-1"))
    world.database.add_state(a_state("film-1"))
    world.database.slates["user-1"] = a_slate("film-1")
    world.database.features["film-1"] = orjson.dumps(CONTENT_FEATURES)
    world.people.add()
    world.database.viewers["user-1"] = Viewer("user-1", 7, 7, (), NOW_MS)
    world.tokens.add_signing_key()
    world.database.erasures = [ErasureRow(Pseudonyms("").of("user-1"), 1)]
    world.database.dead_letters = [a_letter(17)]
    world.database.add_key(key_id="0a1b2c3d")
    return world.database.add_key(scopes=APP_SCOPES)


def token_for(world, endpoint, key):
    """Return an app's key, or the token of a new session with a recent code."""
    if endpoint.access.caller is not CallerKind.OPERATOR:
        return key
    token = create_token()
    world.people.open("op_ada", hash_token(token), world.now_ms, world.now_ms)
    return token


def document_for(world, endpoint):
    """Return a body that the endpoint takes."""
    if endpoint.path.startswith("/api/v1/admin/"):
        return {} if endpoint.body is None else endpoint.body.example
    if "webhooks" in endpoint.path:
        return envelope()
    if "tokens" in endpoint.path:
        return TOKEN_REQUEST
    if endpoint.path.startswith("/api/v1/auth/"):
        world.later(30)
        code = examples.RECOVERY["recovery_code"].replace("-", "")
        world.people.add(recovery=world.people.recovery_hashes([code]))  # as if nobody had tried
        return {**examples.LOGIN, **examples.RECOVERY, "code": world.people.code()}
    return a_report()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda item: item.name)
def test_no_input_makes_a_500(world, client, token, endpoint):
    rng = random.Random(f"{endpoint.name}-1")
    if endpoint.access.caller is CallerKind.PARTNER:
        token = world.database.add_key(partner="acme")
    statuses = set()
    for number in range(ROUNDS * 10):
        if number >= ROUNDS and min(statuses) < 300:
            break
        body = a_body(rng, document_for(world, endpoint))
        path = path_of(rng, endpoint.path)
        method = (
            endpoint.method if rng.random() < 0.95 else rng.choice(["PUT", "HEAD", "TRACE", "XYZ"])
        )
        params = [(rng.choice(NAMES), rng.choice(VALUES)) for _ in range(rng.randrange(4))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            credentials = token_for(world, endpoint, token)
            response = client.request(
                method, path, params=params if rng.random() < 0.7 else None,
                content=body if method != "GET" else None,
                headers=headers_of(rng, world, credentials, body),
            )  # fmt: skip
        what = (number, method, path, params, body[:200])
        assert response.status_code < 500, what
        if response.status_code >= 400 and method != "HEAD":
            assert response.headers["content-type"] == "application/problem+json", what
            assert response.json()["type"].startswith("urn:media-gateway:problem:"), what
        statuses.add(response.status_code)
    assert min(statuses) < 300, statuses  # the sweep also reaches the inside
