"""What a browser is told: headers of every answer, and the CORS protocol."""

import pytest

from api.app import create_app
from infra.settings import Settings
from tests.component.api.fakes import FakeWorld
from tests.component.api.test_reads import a_slate
from tests.support.described import DescribedClient

TV = "https://tv.example"
SLATE = "/api/v1/users/user-1/recommendations"
SECURITY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def open_world():
    world = FakeWorld(cors_origins=f"{TV}, http://localhost:5173")
    world.database.slates["user-1"] = a_slate("film-1")
    return world


@pytest.fixture
def open_client(open_world):
    with DescribedClient(create_app(open_world.settings, open_world.open_services)) as found:
        yield found


def answers_of(client, key):
    bearer = {"Authorization": f"Bearer {key}"}
    yield client.get("/healthz")
    yield client.get("/metrics")
    yield client.get("/openapi.json")
    yield client.get("/nothing")
    yield client.put("/healthz")
    yield client.get(SLATE)
    yield client.get(SLATE, headers=bearer)
    yield client.post("/api/v1/progress", content=b"{", headers=bearer)
    yield client.post("/api/v1/webhooks/acme")
    yield client.get("/healthz", headers={f"x-{n}": "x" for n in range(70)})


def test_every_answer_has_the_security_headers_and_no_server(world, client):
    for answer in answers_of(client, world.database.add_key()):
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_answers_about_a_caller_are_not_stored(world, client):
    world.database.slates["user-1"] = a_slate("film-1")
    bearer = {"Authorization": f"Bearer {world.database.add_key()}"}
    for answer in (client.get(SLATE, headers=bearer), client.get(SLATE)):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"hsts_s": 600}, "max-age=600; includeSubDomains"),
        ({"tls_certificate_file": "cert.pem"}, "max-age=31536000; includeSubDomains"),
        ({"tls_certificate_file": "cert.pem", "hsts_s": 1}, "max-age=1; includeSubDomains"),
    ],
)
def test_tls_is_to_stay_where_it_is_spoken(world, settings, value):
    with DescribedClient(create_app(Settings(**settings), world.open_services)) as client:
        assert client.get("/healthz").headers["strict-transport-security"] == value


def preflight(client, origin, method="GET", path=SLATE):
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    headers["Access-Control-Request-Headers"] = "authorization"
    return client.options(path, headers=headers)


def test_by_default_no_origin_may_read(client, world):
    assert preflight(client, TV).status_code == 405
    bearer = {"Authorization": f"Bearer {world.database.add_key()}", "Origin": TV}
    assert "access-control-allow-origin" not in client.get(SLATE, headers=bearer).headers


def test_a_listed_origin_may_read_without_credentials_in_the_preflight(open_world, open_client):
    answer = preflight(open_client, TV)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == TV
    assert answer.headers["access-control-allow-methods"] == "GET"
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    bearer = {"Authorization": f"Bearer {open_world.database.add_key()}"}
    read = open_client.get(SLATE, headers={**bearer, "Origin": TV})
    assert read.status_code == 200
    assert read.headers["access-control-allow-origin"] == TV
    assert "ratelimit" in read.headers["access-control-expose-headers"]
    assert read.headers["vary"] == "Origin"
    refused = open_client.get(SLATE, headers={"Origin": TV})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, TV)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://tv.example.evil", "http://tv.example", "null", "*", "",
     "https://tv.example:444", "https://TV.example", "https://tv.example/", "\xff"],
)  # fmt: skip
def test_no_other_origin_may_read(open_world, open_client, origin):
    sent = origin.encode("latin-1")
    bearer = {"Authorization": f"Bearer {open_world.database.add_key()}"}
    read = open_client.get(SLATE, headers={**bearer, "Origin": sent})
    assert read.status_code == 200
    assert "access-control-allow-origin" not in read.headers
    assert read.headers["vary"] == "Origin"  # or a cache would give it to another origin
    assert preflight(open_client, sent).status_code == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v1/progress"), ("POST", SLATE), ("DELETE", SLATE), ("GET", "/metrics")],
)
def test_only_reading_of_the_query_api_is_allowed(open_client, method, path):
    answer = preflight(open_client, TV, method, path)
    assert answer.status_code == 405
    assert "access-control-allow-methods" not in answer.headers
    posted = open_client.post("/api/v1/progress", headers={"Origin": TV})
    assert "access-control-allow-origin" not in posted.headers
