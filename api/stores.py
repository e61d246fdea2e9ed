"""What the API asks of its stores; tests give handwritten fakes, the product ``infra.postgres``.

Every method may raise one of ``infra.postgres.pool.UNAVAILABLE``. What each one returns is
documented where it is implemented.
"""
# ruff: noqa: D102

from collections.abc import Sequence
from typing import Protocol

from domain.embedding import Vectors
from infra.postgres.api_keys import ApiKey
from infra.postgres.attributes import SimilarRow
from infra.postgres.contents import ContentFacts
from infra.postgres.embeddings import Embedded, Nearest
from infra.postgres.erasures import ErasureRow
from infra.postgres.partners import Partner
from infra.postgres.slates import ServedSlate
from infra.postgres.viewers import Viewer
from infra.postgres.watch_states import HistoryCursor
from infra.postgres.webhook_deliveries import Delivery, KnownDelivery


class Keys(Protocol):
    """API keys by public id."""

    async def find(self, key_id: str) -> ApiKey | None: ...


class Partners(Protocol):
    """Partners by name."""

    async def find(self, partner: str) -> Partner | None: ...


class Deliveries(Protocol):
    """Webhook ids that were seen."""

    async def reserve(self, delivery: Delivery) -> KnownDelivery: ...
    async def accept(self, partner: str, webhook_id: str) -> None: ...
    async def find(self, partner: str, webhook_id: str) -> KnownDelivery | None: ...


class Contents(Protocol):
    """Contents by id."""

    async def fetch(self, content_ids: Sequence[str]) -> dict[str, bytes]: ...
    async def fetch_removed(self, content_ids: Sequence[str]) -> set[str]: ...
    async def fetch_episodes(self, series_ids: Sequence[str]) -> list[bytes]: ...
    async def fetch_newest(self, limit: int) -> list[bytes]: ...
    async def fetch_facts(self, content_ids: Sequence[str]) -> dict[str, ContentFacts]: ...


class Slates(Protocol):
    """Slates by user."""

    async def fetch(self, user_id: str) -> ServedSlate: ...
    async def fetch_with_feed(self, user_id: str) -> ServedSlate: ...
    async def fetch_with_ranking(self, user_id: str) -> ServedSlate: ...


class Viewers(Protocol):
    """What is included, by user."""

    async def fetch(self, user_id: str) -> Viewer | None: ...


class WatchStates(Protocol):
    """Watch states by user, newest first."""

    async def fetch_row(self, user_id: str) -> list[bytes]: ...
    async def fetch_history(
        self, user_id: str, limit: int, after: HistoryCursor | None
    ) -> list[bytes]: ...
    async def fetch_of_title(self, user_id: str, content_id: str) -> list[bytes]: ...


class RankingRules(Protocol):
    """Ranking rules by id."""

    async def fetch(self, rule_ids: Sequence[str]) -> list[bytes]: ...
    async def fetch_all(self) -> list[bytes]: ...


class TrendingPartials(Protocol):
    """Trending counts of all shards."""

    async def fetch_partials(self) -> list[bytes]: ...


class NeighbourLists(Protocol):
    """Co-watch neighbours by title."""

    async def fetch(self, content_id: str) -> bytes | None: ...


class Attributes(Protocol):
    """Titles by shared attributes."""

    async def fetch_similar(
        self, kind: str, content_id: str, values: Sequence[str], limit: int
    ) -> list[SimilarRow]: ...


class Embeddings(Protocol):
    """Text embeddings by title."""

    async def nearest(self, content_id: str, limit: int) -> Nearest | None: ...
    async def fetch(self, content_ids: Sequence[str]) -> list[Embedded]: ...
    async def nearest_to(
        self, vector: Vectors, encoder: str, left_out: Sequence[str], limit: int
    ) -> list[tuple[str, float]]: ...


class ErasureList(Protocol):
    """Who was erased, by pseudonym."""

    async def fetch_since(self, erased_at_ms: int) -> Sequence[ErasureRow]: ...


class ModelReports(Protocol):
    """Fitted models, and what they know of contents."""

    async def fetch_models(self) -> list[bytes]: ...
    async def fetch_features(self, content_id: str) -> bytes | None: ...


class Database(Protocol):
    """The database as a whole."""

    async def is_ready(self) -> bool: ...
