"""What the API asks of its stores; tests give handwritten fakes, the product ``infra.postgres``.

Every method may raise one of ``infra.postgres.pool.UNAVAILABLE``. What each one returns is
documented where it is implemented.
"""
# ruff: noqa: D102

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from domain.embedding import Vectors
from domain.identity.login import Outcome
from infra.postgres.api_keys import ApiKey, KeyCursor
from infra.postgres.attributes import SimilarRow
from infra.postgres.audit import Actor, Filter
from infra.postgres.contents import ContentFacts
from infra.postgres.dead_letters import DeadLetter, LetterCursor, LetterFilter, WholeLetter
from infra.postgres.embeddings import Embedded, Nearest
from infra.postgres.erasures import ErasureRecord, ErasureRow, Noted
from infra.postgres.operator_logins import LoginAttempt, StepUp
from infra.postgres.operator_sessions import Session
from infra.postgres.operators import Credentials
from infra.postgres.partner_deliveries import (
    ArrivedDelivery,
    DeliveryPosition,
    Lag,
    PartnerQuality,
)
from infra.postgres.partner_views import PartnerView
from infra.postgres.partners import Key, LiveKey, NewPartner, Partner
from infra.postgres.signing_keys import PublicSigningKey
from infra.postgres.slates import ServedSlate
from infra.postgres.token_issuers import TokenIssuer
from infra.postgres.token_revocations import TokenRevocation
from infra.postgres.viewers import Viewer
from infra.postgres.watch_states import HistoryCursor
from infra.postgres.webhook_deliveries import Delivery, KnownDelivery
from infra.postgres.webhook_refusals import (
    ListedRefusal,
    Refusal,
    RefusalCount,
    RefusalPosition,
)
from infra.redrive import Outcome as Redriven
from infra.security.signing import SigningKey
from schemas.audit_entry import AuditEntry


class Keys(Protocol):
    """API keys by public id."""

    async def find(self, key_id: str) -> ApiKey | None: ...
    async def note_used(self, uses: Mapping[str, int]) -> None: ...
    async def page(self, limit: int, after: KeyCursor | None) -> list[ApiKey]: ...
    async def create(self, actor: Actor, key: ApiKey) -> None: ...
    async def revoke(self, actor: Actor, key_id: str, now_ms: int) -> bool: ...


class TokenIssuers(Protocol):
    """Issuers whose tokens are believed."""

    async def list_all(self) -> list[TokenIssuer]: ...


class SigningKeys(Protocol):
    """Keys that sign our own tokens."""

    async def current(self, now_ms: int) -> SigningKey | None: ...
    async def list_published(self, now_ms: int) -> list[PublicSigningKey]: ...


class TokenRevocations(Protocol):
    """Tokens that are not believed any more."""

    async def list_live(self, now_s: int) -> list[TokenRevocation]: ...


class Partners(Protocol):
    """Partners by name."""

    async def find(self, partner: str) -> Partner | None: ...
    async def view(self, partner: str) -> PartnerView | None: ...
    async def page(self, limit: int, after: str | None) -> list[PartnerView]: ...
    async def live_keys(self, partner: str) -> list[LiveKey]: ...
    async def create(self, actor: Actor, new: NewPartner, keys: Sequence[Key]) -> None: ...
    async def change(self, actor: Actor, partner: str, changes: Mapping[str, Any]) -> None: ...
    async def rotate(self, actor: Actor, partner: str, key: Key, overlap_ms: int) -> None: ...


class Deliveries(Protocol):
    """Webhook ids that were seen."""

    async def reserve(self, delivery: Delivery) -> KnownDelivery: ...
    def accept(self, partner: str, webhook_id: str) -> None: ...
    async def claim(self, partner: str, webhook_id: str) -> KnownDelivery | None: ...
    async def release(self, partner: str, webhook_id: str) -> None: ...
    async def find(
        self, partner: str, webhook_id: str, at: datetime.datetime
    ) -> KnownDelivery | None: ...


class Refusals(Protocol):
    """Refused webhooks of known partners."""

    async def write(self, refusals: Sequence[Refusal], counts: Sequence[RefusalCount]) -> None: ...
    async def fetch(
        self, partner: str, limit: int, before: RefusalPosition
    ) -> list[ListedRefusal]: ...
    async def fetch_by_day(self, partner: str, since: datetime.datetime) -> list[RefusalCount]: ...


class PartnerDeliveries(Protocol):
    """Deliveries of one partner, newest first."""

    async def fetch(
        self, partner: str, since: datetime.datetime, limit: int, before: DeliveryPosition
    ) -> list[ArrivedDelivery]: ...
    async def fetch_lag(self, partner: str, since: datetime.datetime) -> Lag | None: ...
    async def fetch_quality(self, partner: str) -> PartnerQuality | None: ...


class DeadLetters(Protocol):
    """Dead letters, newest first."""

    async def fetch_of_partner(
        self, partner: str, limit: int, after: LetterCursor | None
    ) -> list[WholeLetter]: ...
    async def fetch_page(
        self, wanted: LetterFilter, limit: int, after: LetterCursor | None
    ) -> list[DeadLetter]: ...
    async def find(self, letter_id: int) -> WholeLetter | None: ...
    async def discard(
        self, actor: Actor, letter_ids: Sequence[int], *, at_ms: int, note: str
    ) -> list[int]: ...


class Redrives(Protocol):
    """Dead letters -> their topics again."""

    async def redrive(
        self, actor: Actor, letter_ids: Sequence[int], *, mapper: str | None
    ) -> Redriven: ...


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
    async def record(self, actor: Actor, pseudonym: str, now_ms: int) -> Noted: ...
    async def delete_rows(self, user_id: str, pseudonym: str, until_ms: int) -> None: ...
    async def find(self, pseudonyms: Sequence[str]) -> ErasureRecord | None: ...


class ModelReports(Protocol):
    """Fitted models, and what they know of contents."""

    async def fetch_models(self) -> list[bytes]: ...
    async def fetch_features(self, content_id: str) -> bytes | None: ...


class Operators(Protocol):
    """Operators by name."""

    async def find_credentials(self, name: str) -> Credentials | None: ...
    async def rehash(self, operator_id: str, stored: str, password_hash: str) -> None: ...
    async def renew_recovery_codes(
        self, actor: Actor, name: str, salt: bytes, hashes: Sequence[bytes]
    ) -> None: ...


class Logins(Protocol):
    """Attempts of operators, judged one after the other."""

    async def log_in(self, attempt: LoginAttempt, actor: Actor, now_ms: int) -> Outcome: ...
    async def step_up(self, step: StepUp, actor: Actor, now_ms: int) -> Outcome | None: ...


class Sessions(Protocol):
    """Sessions of operators by the hash of their token."""

    async def find(self, token_sha256: bytes, now_ms: int) -> Session | None: ...
    async def rotate(self, token_sha256: bytes, new_token_sha256: bytes, now_ms: int) -> bool: ...
    async def end(self, token_sha256: bytes, actor: Actor) -> None: ...
    async def end_all(self, operator_id: str, actor: Actor) -> int: ...


class Audit(Protocol):
    """The audit trail, newest first."""

    async def page(self, wanted: Filter, limit: int) -> list[AuditEntry]: ...


class Database(Protocol):
    """The database as a whole."""

    async def is_ready(self) -> bool: ...
