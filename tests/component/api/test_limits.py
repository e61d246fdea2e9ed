"""Who is counted, by which quota, and what the answer says of it; the clock stands still."""

import asyncio
import re

import orjson
import pytest

from api.app import create_app
from api.forgetting import sweep
from api.limits.limit import UNLIMITED
from api.routes import ENDPOINTS
from api.services import KEY_TTL_S
from infra.security import keys
from infra.security.operator_secrets import create_token
from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from infra.settings import Settings, SettingsError
from tests.component.api.fake_operators import PASSWORD
from tests.component.api.fakes import FakeWorld, a_partner
from tests.component.api.test_reads import a_slate
from tests.component.api.test_webhooks import envelope, problem
from tests.support.described import DescribedClient

SECRET = create_secret()
SLATE = "/api/v1/users/user-1/recommendations"
WEBHOOK = "/api/v1/webhooks/acme"
ME = "/api/v1/auth/me"
POLICY = re.compile(r'"burst";q=(\d+);w=1, "sustained";q=(\d+);w=10')
LEFT = re.compile(r'"burst";r=(\d+);t=(\d+)(, "sustained";r=(\d+);t=(\d+))?')


@pytest.fixture
def world():
    """The quotas as they are by default."""
    world = FakeWorld()
    world.settings = Settings()
    world.database.slates["user-1"] = a_slate("film-1")
    world.database.partners["acme"] = a_partner(SECRET, deliveries_per_s=200)
    world.now_ms -= world.now_ms % 10_000  # at the start of a window
    return world


def client_of(world, address="192.0.2.1"):
    app = create_app(world.settings, world.open_services)
    return DescribedClient(app, client=(address, 1234))


@pytest.fixture
def client(world):
    with client_of(world) as found:
        yield found


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def read(client, text=None, times=1, **headers):
    given = {**(bearer(text) if text else {}), **headers}
    return [client.get(SLATE, headers=given) for _ in range(times)]


def statuses(answers):
    return [answer.status_code for answer in answers]


def deliver(client, secret=SECRET, times=1, now_ms=None, url=WEBHOOK):
    answers = []
    for number in range(times):
        body, at_s = orjson.dumps(envelope()), client.app.state.services.clock_ms() // 1000
        headers = {
            "content-type": "application/json", "webhook-id": f"m{number}",
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(secret, f"m{number}", at_s, body),
        }  # fmt: skip
        answers.append(client.post(url, content=body, headers=headers))
    return answers


@pytest.mark.parametrize(("tier", "per_s"), [("free", 10), ("pro", 50), ("enterprise", 200)])
def test_a_key_may_call_as_often_as_its_tier(world, client, tier, per_s):
    text = world.database.add_key(tier=tier)
    answers = read(client, text, 2 * per_s + 1)
    assert statuses(answers) == [200] * 2 * per_s + [429]
    policy = POLICY.fullmatch(answers[0].headers["ratelimit-policy"])
    assert [int(found) for found in policy.groups()] == [2 * per_s, 10 * per_s]
    world.later(2)
    assert statuses(read(client, text, 2 * per_s + 1)) == [200] * 2 * per_s + [429]


def test_an_average_is_kept_however_bursts_come(world, client):
    text = world.database.add_key()
    allowed = 0
    for _ in range(10):
        allowed += statuses(read(client, text, 20)).count(200)
        world.later(1)
    assert allowed == 100
    world.later(5)  # half of the window before still counts
    assert statuses(read(client, text, 20)).count(200) == 20


def test_headers_count_down_and_a_refusal_says_when(world, client):
    text = world.database.add_key()
    answers = read(client, text, 21)
    lefts = [LEFT.fullmatch(answer.headers["ratelimit"]) for answer in answers]
    assert [int(left[1]) for left in lefts] == [*range(19, -1, -1), 0]
    assert [int(left[4]) for left in lefts[:-1]] == [*range(99, 79, -1)]
    document = problem(answers[-1], 429, "quota-exceeded")
    assert document["errors"] == [{"violated_policy": "burst"}]
    wait_s = int(answers[-1].headers["retry-after"])
    assert wait_s == int(lefts[-1][2]) >= 1
    world.later(wait_s)
    assert statuses(read(client, text)) == [200]


def test_every_answer_of_a_limited_endpoint_has_the_headers(world, client):
    text = world.database.add_key(scopes=())
    for answer in (
        *read(client, text),  # 403
        *read(client),  # 401
        client.get("/openapi.json"),
        client.post(WEBHOOK),  # 415
        *deliver(client),
    ):
        assert POLICY.fullmatch(answer.headers["ratelimit-policy"]), answer.status_code
        assert LEFT.fullmatch(answer.headers["ratelimit"])


def test_health_and_metrics_are_not_limited(client):
    for path in ("/healthz", "/readyz", "/metrics"):
        answers = [client.get(path) for _ in range(30)]
        assert set(statuses(answers)) == {200}
        assert "ratelimit" not in answers[0].headers
    unlimited = {item.path for item in ENDPOINTS if item.limit is UNLIMITED}
    assert unlimited == {"/healthz", "/readyz", "/metrics"}


def test_callers_do_not_share_a_quota(world, client):
    first, second = world.database.add_key(), world.database.add_key()
    assert statuses(read(client, first, 21))[-1] == 429
    assert statuses(read(client, second)) == [200]


def get_tokens(world, client, count, key):
    tokens = []
    for number in range(count):
        world.later(1)  # within the rate of the key
        wanted = {"user_id": f"user-{number}", "scopes": ["recommendations:read"]}
        answer = client.post("/api/v1/auth/tokens", json=wanted, headers=bearer(key))
        assert answer.status_code == 201, answer.text
        tokens.append(answer.json()["access_token"])
    world.later(20 - world.now_ms // 1000 % 10)  # another window begins
    return tokens


def read_as(client, user, token):
    path = f"/api/v1/users/{user}/recommendations"
    return client.get(path, headers=bearer(token))


def test_invented_users_share_the_quota_of_the_key_that_got_their_tokens(world):
    world.settings = Settings(limits_users_factor=2)
    scopes = ("tokens:issue", "recommendations:read")
    key, neighbour = (world.database.add_key(scopes=scopes) for _ in range(2))
    with client_of(world) as client:
        world.tokens.add_signing_key()
        tokens = get_tokens(world, client, 12, key)
        [other] = get_tokens(world, client, 1, neighbour)
        answers = [
            read_as(client, f"user-{number}", token)
            for number, token in enumerate(tokens)
            for _ in range(20)
        ]
        assert statuses(answers) == [200] * 200 + [429] * 40  # 2 * 10 a second, in ten seconds
        assert all(POLICY.fullmatch(each.headers["ratelimit-policy"]) for each in answers[:200])
        document = problem(answers[-1], 429, "quota-exceeded")
        assert document["errors"] == [{"violated_policy": "all-users"}]
        world.later(2)  # each user has a burst again, all together have none
        assert statuses([read_as(client, "user-0", tokens[0])]) == [429]
        assert statuses([read_as(client, "user-0", other)]) == [200]
        assert statuses(read(client, key)) == [200]  # nor are the key's own calls hindered


def test_what_one_user_is_refused_costs_the_others_nothing(world):
    world.settings = Settings(limits_users_factor=1)
    key = world.database.add_key(scopes=("tokens:issue", "recommendations:read"))
    with client_of(world) as client:
        world.tokens.add_signing_key()
        loud, quiet = get_tokens(world, client, 2, key)
        answers = [read_as(client, "user-0", loud) for _ in range(200)]
        assert statuses(answers).count(200) == 20
        assert problem(answers[-1], 429, "quota-exceeded")["errors"] == [
            {"violated_policy": "burst"}
        ]
        assert statuses([read_as(client, "user-1", quiet)]) == [200]


def test_tokens_are_got_as_often_as_the_tier_of_the_key_may_call(world, client):
    key = world.database.add_key(scopes=("tokens:issue", "recommendations:read"))
    world.tokens.add_signing_key()
    answers = [
        client.post(
            "/api/v1/auth/tokens",
            json={"user_id": f"user-{number}", "scopes": ["recommendations:read"]},
            headers=bearer(key),
        )
        for number in range(30)
    ]
    assert statuses(answers) == [201] * 20 + [429] * 10


def test_failed_credentials_count_against_the_address_only(world, client):
    good = world.database.add_key()
    assert statuses(read(client, good)) == [200]
    bad = [keys.create_key().text for _ in range(12)]
    answers = [read(client, text)[0] for text in bad]
    assert statuses(answers) == [401] * 10 + [429] * 2
    assert statuses(read(client, good)) == [200]
    with client_of(world, "192.0.2.2") as other:
        assert statuses(read(other)) == [401]


def test_who_guesses_keys_does_not_shut_out_who_has_one_at_the_same_address(world, client):
    good = world.database.add_key()
    assert statuses(read(client, good)) == [200]
    read(client, keys.create_key().text, 12)
    world.later(KEY_TTL_S + 0.1)  # the key is to be read again, the address is used up
    read(client, keys.create_key().text, 12)
    assert statuses(read(client, good)) == [200]


@pytest.mark.parametrize("guess", [lambda: keys.create_key().text, create_token])
def test_guessing_does_not_reach_the_database(world, client, guess):
    def tried(times):
        return [client.get(ME, headers=bearer(guess())) for _ in range(times)]

    assert statuses(tried(10)) == [401] * 10
    before = world.database.calls
    assert statuses(tried(50)) == [429] * 50
    assert world.database.calls == before


def test_who_guesses_tokens_does_not_shut_out_an_operator_at_the_same_address(world, client):
    world.people.add("ada", "admin")
    given = {"name": "ada", "password": PASSWORD, "code": world.people.code()}
    token = client.post("/api/v1/auth/login", json=given).json()["token"]
    for _ in range(12):
        client.get(ME, headers=bearer(create_token()))
    assert client.get(ME, headers=bearer(create_token())).status_code == 429
    assert client.get(ME, headers=bearer(token)).status_code == 200
    renewed = client.post("/api/v1/auth/refresh", headers=bearer(token)).json()["token"]
    assert client.get(ME, headers=bearer(renewed)).status_code == 200


def test_what_names_a_user_leaves_the_memory_when_it_is_of_no_use(world, client):
    text = world.database.add_key(user_id="user-1")
    assert statuses(read(client, text)) == [200]
    services = client.app.state.services
    counts = services.limiter._alone._storage._entries
    assert any("user-1" in repr(each) for each in services.key_cache._entries.values())
    asyncio.run(sweep(services))  # nothing is too old
    assert statuses(read(client, text)) == [200]
    assert len(services.key_cache._entries) == 1
    assert len(counts) == 2  # a second, ten seconds
    world.later(20)
    asyncio.run(sweep(services))
    assert len(services.key_cache._entries) == len(counts) == 0
    assert statuses(read(client, text)) == [200]


def test_a_refused_caller_does_not_have_its_body_read(world, client):
    text = world.database.add_key()
    read(client, text, 20)
    answer = client.post("/api/v1/progress", content=b"x", headers=bearer(text))
    problem(answer, 429, "quota-exceeded")  # not 415, and not 400
    assert world.producer.sent == []


def test_a_partner_is_counted_by_what_it_signed(world, client):
    answers = deliver(client, times=401)
    assert statuses(answers) == [202] * 400 + [429]
    problem(answers[-1], 429, "quota-exceeded")


def test_nobody_can_use_up_what_is_a_partners(world, client):
    with client_of(world, "198.51.100.7") as attacker:
        answers = deliver(attacker, secret=create_secret(), times=500)
        assert statuses(answers)[:11] == [401] * 10 + [429]
        assert set(statuses(answers)[10:]) == {429}
        assert statuses([attacker.post(WEBHOOK)]) == [429]
    assert statuses(deliver(client, times=100)) == [202] * 100


def test_a_forged_delivery_of_an_exhausted_address_is_not_read(world, client):
    deliver(client, secret=create_secret(), times=10)
    before = world.database.calls
    assert set(statuses(deliver(client, secret=create_secret(), times=30))) == {429}
    assert world.database.calls == before


def test_names_of_partners_that_are_none_count_against_the_address(world, client):
    answers = deliver(client, times=12, url="/api/v1/webhooks/nobody")
    assert statuses(answers) == [404] * 10 + [429] * 2


def test_what_is_forwarded_is_believed_of_a_trusted_proxy_only(world):
    with client_of(world) as direct:
        spoofed = [read(direct, **{"X-Forwarded-For": f"9.9.9.{n}"})[0] for n in range(12)]
        assert statuses(spoofed)[-2:] == [429, 429]
    world.settings = Settings(trusted_proxies="192.0.2.0/24")
    with client_of(world) as proxied:
        honest = [read(proxied, **{"X-Forwarded-For": f"9.9.9.{n}"})[0] for n in range(12)]
        assert statuses(honest) == [401] * 12
        prefixed = [
            read(proxied, **{"X-Forwarded-For": f"1.1.1.{n}, 8.8.8.8"})[0] for n in range(12)
        ]
        assert statuses(prefixed)[-2:] == [429, 429]


def test_a_tier_that_is_not_known_is_the_lowest(world, client):
    text = world.database.add_key(tier="platinum")
    assert statuses(read(client, text, 21))[-2:] == [200, 429]


def test_logging_in_has_a_stricter_limit_by_address(world):
    world.now_ms -= world.now_ms % 900_000
    with client_of(world, "192.0.2.1") as one, client_of(world, "192.0.2.2") as other:

        def login(client, name):
            body = {"name": name, "password": "not the password of anybody", "code": "000000"}
            return client.post("/api/v1/auth/login", json=body)

        many = [login(one, f"user-{number}") for number in range(21)]
        assert statuses(many) == [401] * 20 + [429]
        assert int(many[-1].headers["retry-after"]) == 901
        assert many[-1].headers["ratelimit-policy"] == '"login-address";q=20;w=900'
        assert statuses([login(other, "user-1")]) == [401]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("limits_free_per_s", 0), ("limits_burst", 0.5), ("limits_burst", 11.0),
        ("limits_users_factor", 0), ("limits_users_factor", 1001),
        ("limits_url", "http://x:secret@y"), ("trusted_proxies", "*"), ("hsts_s", -1),
        ("cors_origins", "*"), ("cors_origins", "https://x/"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_said_before_the_start(world, setting, value):
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(**{setting: value}), world.open_services)
    assert "MEDIA_GATEWAY_" in str(caught.value)
    assert "secret" not in str(caught.value)
