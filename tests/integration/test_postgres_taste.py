"""A user's taste from rows in a real Postgres with pgvector."""

from types import SimpleNamespace

from agents.serving import flush_watch_states
from api.taste import direction_of, nearest
from infra.postgres.contents import ContentStore
from infra.postgres.embeddings import EmbeddingStore
from infra.postgres.ranking_rules import RankingRuleStore
from infra.postgres.watch_states import WatchStateStore
from infra.settings import Settings
from schemas.codec import decode
from schemas.watch_state import WatchState
from tests.component.api.fakes import NOW_MS, a_state
from tests.integration.test_postgres_embeddings import at, write
from tests.integration.test_postgres_serving import pool, record  # noqa: F401 -- a fixture
from topics.catalog import WATCH_STATES


async def test_the_nearest_to_what_was_watched_come_first(pool):  # noqa: F811
    await write(pool, {"seen": at(0), "near": at(10), "far": at(90)})
    state = a_state("seen", progress=1.0, completed=True)
    await flush_watch_states(pool, [record(WATCH_STATES, 1, state)])
    services = SimpleNamespace(
        settings=Settings(), clock_ms=lambda: NOW_MS, contents=ContentStore(pool),
        embeddings=EmbeddingStore(pool), ranking_rules=RankingRuleStore(pool),
    )  # fmt: skip
    bodies = await WatchStateStore(pool).fetch_history("user-1", 500, None)
    states = [decode(WatchState, body) for body in bodies]
    direction = await direction_of(services, states)
    assert (direction.encoder, direction.titles) == ("encoder-1", 1)
    found = await nearest(services, direction, states, None)
    assert [each.content_id for each in found] == ["near", "far"]
