"""docs/operators.md on a real API, Postgres and Kafka: each of its calls does what it says."""

import json
import re
from pathlib import Path

import httpx2
import pytest

from domain.audit import verify
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import Cluster
from infra.postgres.api_keys import ApiKey, ApiKeyStore
from infra.postgres.audit import AuditTrail
from infra.postgres.migrate import migrate
from infra.postgres.partners import SECRET, Key, NewPartner, PartnerStore
from infra.postgres.pool import create_pool
from infra.security.sealing import Sealer
from infra.settings import Settings
from infra.wall_clock import now_ms
from tests.contract.test_apps_guide import calls
from tests.integration.test_postgres_dead_letters import flush, letter
from tests.support.api_process import running_api
from tests.support.kafka_io import read_topic
from tests.support.operators import CLI, KEY, PASSWORD, add_operator, current_code
from topics.catalog import WEBHOOKS

GUIDE = (Path(__file__).resolve().parents[2] / "docs/operators.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)).replace("\\\n", " ")
URL = re.compile(r"\$API(/[^\s\"]+)")
CHANGES = [
    "partner.create", "partner.update", "partner.rotate-secret", "partner.disable",
    "dead-letter.replay-begin", "dead-letter.replay", "dead-letter.discard", "key.create",
    "key.revoke",
]  # fmt: skip


@pytest.fixture
async def pool(fresh_database_url, kafka_bootstrap):
    """A database with an operator, a partner, a key and 19 letters, which have the ids 1 to 19."""
    migrate(fresh_database_url)
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1)
    async with create_pool(Settings(database_url=fresh_database_url)) as opened:
        await add_operator(opened, "ada")
        partners = PartnerStore(opened, Sealer(KEY), now_ms)
        await partners.create(CLI, NewPartner("acme", "generic"), [Key(SECRET, b"s" * 32)])
        await ApiKeyStore(opened).create(CLI, ApiKey("0a1b2c3d", bytes(32), "a", (), None, 1))
        await flush(opened, *(letter(number, value=b"[]") for number in range(1, 20)))
        yield opened


def guide_calls():
    """Return (method, path and query, body) of the calls after the login."""
    found = [(method, body) for method, _, body in calls(SHELL)]
    urls = URL.findall(SHELL)
    whole = [(method, url, body) for (method, body), url in zip(found, urls, strict=True)]
    return [each for each in whole if "/auth/" not in each[1]]


async def test_every_call_of_the_guide_works_and_every_change_is_entered(
    pool, fresh_database_url, kafka_bootstrap, tmp_path
):
    environment = {"MEDIA_GATEWAY_SECRETS_KEY": KEY, "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    answers = []
    with running_api(fresh_database_url, tmp_path, **environment) as url:
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            given = {"name": "ada", "password": PASSWORD, "code": current_code()}
            opened = await client.post("/api/v1/auth/login", json=given)
            assert opened.status_code == 200, opened.text
            headers = {"Authorization": f"Bearer {opened.json()['token']}"}
            for method, path, body in guide_calls():
                answer = await client.request(method, path, json=body, headers=headers)
                assert answer.status_code in (200, 201), (path, answer.text)
                answers.append((method, path, answer.json()))
    by_path = {(method, path): answer for method, path, answer in answers}
    assert by_path["GET", "/api/v1/admin/dead-letters/17"]["payload"] == []
    redriven = by_path["POST", "/api/v1/admin/dead-letter-redrives"]
    assert redriven == {"redriven": [17, 18], "refused": [], "not_open": []}
    assert by_path["POST", "/api/v1/admin/dead-letter-discards"]["discarded"] == [19]
    records = await read_topic(kafka_bootstrap, WEBHOOKS.name, WEBHOOKS.partitions)
    offsets = {dict(each.headers).get("redrive.offset") for each in records}
    assert {b"17", b"18"} <= offsets
    entries = [each async for batch in AuditTrail(pool).entries() for each in batch]
    assert [each.action for each in entries if each.actor == "ada"] == ["operator.login", *CHANGES]
    assert verify(entries) is None
    text = json.dumps(answers)
    assert text.count("whsec_") == 2  # of the partner that was made, and of its rotation
    assert text.count("mg_live_") == 1


def test_the_guide_has_a_call_of_every_endpoint_of_administration():
    from api.routes import ENDPOINTS
    from tests.contract.test_apps_guide import endpoint_of

    called = {endpoint_of(method, url.partition("?")[0]).name for method, url, _ in guide_calls()}
    wanted = {
        each.name for each in ENDPOINTS
        if each.path.startswith("/api/v1/admin/") and "erasure" not in each.name  # erasure.md
    }  # fmt: skip
    assert called == wanted
