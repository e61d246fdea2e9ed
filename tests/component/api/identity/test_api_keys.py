"""Keys end, are revoked, and are seen in use, without a request ever waiting for the last."""

import psycopg
import pytest

from api.identity.key_use import KEYS_MAX, KeyUse
from infra.security import keys
from tests.component.api.fakes import NOW_MS
from tests.component.api.test_webhooks import problem

PATH = "/api/v1/users/user-1/recommendations"


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def test_a_key_works_until_it_ends(client, world):
    headers = bearer(world.database.add_key(expires_at_ms=NOW_MS + 1000))
    assert client.get(PATH, headers=headers).status_code == 200
    world.later(1)
    problem(client.get(PATH, headers=headers), 401, "unauthenticated")


def test_all_reasons_have_one_answer(client, world):
    texts = (
        "mg_live_", keys.create_key().text, world.database.add_key(revoked_at_ms=1),
        world.database.add_key(expires_at_ms=1), world.database.add_key()[:-1] + "!", "x.y.z",
    )  # fmt: skip
    found = [client.get(PATH, headers=bearer(text)) for text in texts]
    bodies = [problem(response, 401, "unauthenticated") for response in found]
    assert (
        len({tuple(sorted(body.items() - {("instance", body["instance"])})) for body in bodies})
        == 1
    )


def test_no_credentials_reach_a_log_line(client, world, caplog):
    caplog.set_level("DEBUG")
    text = keys.create_key().text
    client.get(PATH, headers=bearer(text))
    assert "unknown_api_key" in caplog.text
    assert text not in caplog.text
    assert text[-32:] not in caplog.text


class Uses:
    """A key use with its clock, and what it wrote; the first ``failures`` writes fail."""

    def __init__(self, failures=0):
        self.failures = failures
        self.now_ms = 1_000_000
        self.written = []
        self.use = KeyUse(self.write, lambda: self.now_ms)

    async def write(self, uses):
        if self.failures:
            self.failures -= 1
            raise psycopg.OperationalError("away")
        self.written.append(dict(uses))


async def test_a_use_is_written_once_a_minute_and_in_one_group():
    uses = Uses()
    for later_ms in (0, 1, 59_998):
        uses.now_ms += later_ms
        uses.use.note("a")
        uses.use.note("b")
    await uses.use.flush()
    await uses.use.flush()
    assert uses.written == [{"a": 1_000_000, "b": 1_000_000}]
    uses.now_ms += 1
    uses.use.note("a")
    await uses.use.flush()
    assert uses.written[1:] == [{"a": 1_060_000}]


async def test_a_use_that_cannot_be_written_waits_and_hurts_nobody():
    uses = Uses(failures=1)
    uses.use.note("a")
    await uses.use.flush()
    uses.now_ms += 60_000
    uses.use.note("b")
    uses.use.note("a")
    await uses.use.flush()
    assert uses.written == [{"a": 1_060_000, "b": 1_060_000}]


async def test_memory_for_uses_has_a_bound():
    uses = Uses()
    for number in range(KEYS_MAX + 10):
        uses.use.note(f"k{number}")
    await uses.use.flush()
    assert len(uses.written[0]) == KEYS_MAX
    uses.now_ms += 60_000
    await uses.use.flush()
    uses.use.note("later")
    await uses.use.flush()
    assert uses.written[1:] == [{"later": 1_060_000}]


def test_two_authorization_headers_are_refused(client, world):
    headers = [("Authorization", f"Bearer {world.database.add_key()}")]
    assert client.get(PATH, headers=headers).status_code == 200
    problem(client.get(PATH, headers=headers * 2), 400, "malformed-request")


@pytest.mark.parametrize("away", [False, True])
def test_a_request_does_not_write_its_use(client, world, away):
    headers = bearer(world.database.add_key())
    assert client.get(PATH, headers=headers).status_code == 200
    assert world.database.key_uses == []
    world.database.away = away
    client.portal.call(world.key_use.flush)
    assert len(world.database.key_uses) == (0 if away else 1)
