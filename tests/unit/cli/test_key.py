"""``key rotate``: when the old key ends."""

import asyncio

import pytest
from click.testing import CliRunner

from cli.main import main
from infra.postgres.api_keys import ApiKey
from infra.security.keys import create_key

NOW_MS = 1_767_225_600_000


class Store:
    """Holds one key and notes when it is made to end."""

    def __init__(self) -> None:
        new = create_key()
        self.key = ApiKey(new.key_id, new.sha256, "app", ("progress:write",), None, NOW_MS - 1)
        self.ended_at_ms: list[int] = []

    async def find(self, key_id: str) -> ApiKey:
        return self.key

    async def rotate(self, actor: object, key_id: str, new: ApiKey, ends_at_ms: int) -> bool:
        self.ended_at_ms.append(ends_at_ms)
        return True


@pytest.mark.parametrize(
    ("overlap", "ends_at_ms"),
    [(("--overlap", "0"), NOW_MS), (("--overlap", "90s"), NOW_MS + 90_000),
     ((), NOW_MS + 86_400_000)],
)  # fmt: skip
def test_the_old_key_ends_after_the_overlap(
    monkeypatch: pytest.MonkeyPatch, overlap: tuple[str, ...], ends_at_ms: int
) -> None:
    store = Store()
    monkeypatch.setattr("cli.key.run", lambda settings, work: asyncio.run(work(store)))
    monkeypatch.setattr("cli.key.now_ms", lambda: NOW_MS)
    arguments = ["key", "rotate", store.key.key_id, *overlap]
    result = CliRunner().invoke(main, arguments, env={"DATABASE_URL": "postgresql://none/none"})
    assert result.exit_code == 0, result.output
    assert store.ended_at_ms == [ends_at_ms]
