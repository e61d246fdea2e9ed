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


async def test_a_use_is_written_once_a_minute_and_in_one_group():
    written = []

    async def write(uses):
        written.append(dict(uses))

    use = KeyUse(write)
    for at_ms in (0, 1, 59_999):
        use.note("a", at_ms)
        use.note("b", at_ms + 5)
    await use.flush()
    await use.flush()
    assert written == [{"a": 0, "b": 5}]
    use.note("a", 60_000)
    await use.flush()
    assert written[1:] == [{"a": 60_000}]


async def test_a_use_that_cannot_be_written_waits_and_hurts_nobody():
    written = []

    async def write(uses):
        if not written:
            written.append("failed")
            raise psycopg.OperationalError("away")
        written.append(dict(uses))

    use = KeyUse(write)
    use.note("a", 1)
    await use.flush()
    use.note("b", 2)
    await use.flush()
    assert written == ["failed", {"a": 1, "b": 2}]


async def test_memory_for_uses_has_a_bound():
    written = []

    async def write(uses):
        written.append(uses)

    use = KeyUse(write)
    for number in range(KEYS_MAX + 10):
        use.note(f"k{number}", 1)
    use.note("later", 60_001)
    await use.flush()
    assert len(written[0]) == KEYS_MAX + 1


@pytest.mark.parametrize("away", [False, True])
def test_a_request_does_not_write_its_use(client, world, away):
    headers = bearer(world.database.add_key())
    assert client.get(PATH, headers=headers).status_code == 200
    assert world.database.key_uses == []
    world.database.away = away
    client.portal.call(world.key_use.flush)
    assert len(world.database.key_uses) == (0 if away else 1)
