"""What an erasure did -> the receipt: one line a store, signed."""

import json
import uuid
from typing import Any

import orjson

from cli.erasing import stores
from cli.erasing.run import Erased, Erasing
from cli.options import CommandError
from infra.postgres.pool import Pool
from infra.postgres.receipt_keys import ReceiptKeyStore
from infra.postgres.token_revocations import KEPT_S
from infra.privacy.catalogue import TABLES
from infra.privacy.retention import limits_of
from infra.security.pseudonyms import Pseudonyms
from infra.security.receipts import ReceiptKey, sign
from infra.security.sealing import SealingError, sealer_of
from infra.settings import Settings
from schemas.codec import encode
from schemas.erasure import ErasedStore, ErasureReceipt, ReceiptAudit, Signature, SignedReceipt
from schemas.times import to_rfc3339

UNSIGNED = "MEDIA_GATEWAY_SECRETS_KEY is not set, so no signing key can be kept safe"
REVOKED_S = 5  # api.identity.tokens: REVOCATIONS_TTL_S, and a statement
PUBLISHED_S = 6  # agents.trending: EMIT_INTERVAL_MS, agents.value_model: MODEL_INTERVAL_MS; a tick
# api.forgetting sweeps every 30 s, and two windows of 10 s have to be over. A Redis of limits keeps
# counts as long.
CACHE_S = 60
LIMITS = (
    "Kafka closes a segment when the first record after its time arrives: in a partition that gets "
    "no records the times above begin with the next one.",
    "An event of before the erasure that arrives later is refused; if it reaches the log, it stays "
    "there for the retention of events from then on.",
    "Postgres overwrites deleted rows after its next vacuum, and its write-ahead log is kept as it "
    "is configured. Backups of Kafka and Postgres are kept by their own rules.",
    "Learned weights and coefficients are numbers about all viewers; no viewer can be taken out of "
    "them, and none can be told from them by id.",
)


async def signing_key_of(settings: Settings, pool: Pool, now_ms: int) -> ReceiptKey | None:
    """Return the key that signs receipts; None without a key to seal it with.

    Raises:
        CommandError: it is sealed with another key than MEDIA_GATEWAY_SECRETS_KEY.
    """
    if not settings.secrets_key:
        return None
    try:
        return await ReceiptKeyStore(pool, sealer_of(settings)).current(now_ms)
    except SealingError as error:
        raise CommandError(f"the key that signs receipts: {error}") from error


def receipt_of(
    settings: Settings, erasing: Erasing, erased: Erased, key: ReceiptKey | None, now_ms: int
) -> SignedReceipt:
    """Return the receipt, signed with ``key`` if there is one."""
    receipt = ErasureReceipt(
        receipt_id=str(uuid.uuid4()),
        user=erased.pseudonym,
        keyed=Pseudonyms(settings.erasure_key).is_keyed,
        erased_at=to_rfc3339(erased.erased_at_ms),
        earlier_erased_at=_time(erased.noted.earlier_ms),
        counted_since=to_rfc3339(erased.noted.open_since_ms),
        issued_at=to_rfc3339(now_ms),
        mark=f"{erased.mark.partition}@{erased.mark.offset}",
        stores=(
            *_tables(erased),
            *_states(settings, erasing, erased),
            *_facts(erased, now_ms),
            _tokens(erased),
            *_memory(settings, now_ms),
        ),
        limits=LIMITS,
        audit=ReceiptAudit(
            table="erasures",
            key=erased.pseudonym,
            erased_at=to_rfc3339(erased.erased_at_ms),
            sequence=erased.noted.sequence,
        ),
    )
    if key is None:
        return SignedReceipt(receipt=receipt, unsigned=UNSIGNED)
    value = sign(receipt, key)
    return SignedReceipt(receipt=receipt, signature=Signature(key_id=key.key_id, value=value))


def _tables(erased: Erased) -> list[ErasedStore]:
    return [
        ErasedStore(
            store=table.name,
            kind="table",
            removed=erased.rows.get(table.name, 0),
            left=erased.left[table.name],
            note=table.meaning,
        )
        for table in TABLES
    ]


def _states(settings: Settings, erasing: Erasing, erased: Erased) -> list[ErasedStore]:
    lines = []
    changelogs = stores.changelogs(settings)
    for name in [*stores.state_topics(), *changelogs]:
        finding = erased.findings[name]
        gone_by = finding.gone_by() if finding.superseded or finding.tombstones else None
        kept = f"older records: {len(finding.superseded)}, tombstones: {len(finding.tombstones)}"
        lines.append(
            ErasedStore(
                store=name,
                kind="changelog" if name in changelogs else "topic",
                removed=erased.removed[name],
                left=erasing.old_state(name, finding),
                gone_by=_time(gone_by),
                note=f"{kept}; they wait for compaction" if finding.records else None,
            )
        )
    return lines


def _facts(erased: Erased, now_ms: int) -> list[ErasedStore]:
    """Return the lines of what nobody can take out of a topic: the mark is the newest of it."""
    lines = []
    for name in stores.fact_topics():
        gone_by = limits_of(erased.topics[name].config).deleted_by(now_ms)
        lines.append(
            ErasedStore(
                store=name, kind="topic", gone_by=_time(gone_by),
                note="events of before the erasure and its mark, until their retention ends",
            )
        )  # fmt: skip
    return lines


def _tokens(erased: Erased) -> ErasedStore:
    return ErasedStore(
        store="tokens",
        kind="tokens",
        gone_by=to_rfc3339(erased.erased_at_ms + KEPT_S * 1000),
        note=f"issued until the erasure: refused within {REVOKED_S} s; the revocation has the "
        "pseudonym",
    )


def _memory(settings: Settings, now_ms: int) -> list[ErasedStore]:
    def within(seconds: float) -> str:
        return to_rfc3339(now_ms + round(seconds * 1000))

    return [
        ErasedStore(
            store="api", kind="cache", gone_by=within(CACHE_S),
            note="API keys, refused after 3 s, and counts of calls; answers about users are not "
            "cached",
        ),
        ErasedStore(
            store="trending", kind="model", pending_until=within(PUBLISHED_S),
            note="counts are without the viewer; what is published follows",
        ),
        ErasedStore(
            store="value-model", kind="model", pending_until=within(PUBLISHED_S),
            note="counts, popularity and next titles are without the viewer, what is published "
            "follows; weights stay",
        ),
        ErasedStore(
            store="co-watch", kind="model", pending_until=within(settings.cowatch_renew_s),
            note="then fitted anew without the viewer, which takes the time of one or two fits",
        ),
        ErasedStore(
            store="regression", kind="model", pending_until=within(settings.regression_refit_s),
            note="then fitted anew without the viewer, which takes the time of one or two fits; a "
            "fit that does not converge keeps the coefficients before it",
        ),
    ]  # fmt: skip


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)


def formatted(signed: SignedReceipt) -> str:
    """Return a receipt as JSON, one line a store."""
    document: dict[str, Any] = orjson.loads(encode(signed))
    place = "<stores>"
    lines = ",\n".join(f"      {json.dumps(each)}" for each in document["receipt"]["stores"])
    document["receipt"]["stores"] = place
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.replace(f'"{place}"', f"[\n{lines}\n    ]") + "\n"
