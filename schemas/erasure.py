"""The receipt of an erasure: what was removed from which store, and what is kept until when.

It names the user by pseudonym, so it can be kept, and it is signed, so it can be shown.
"""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel

StoreKind = Literal["table", "topic", "changelog", "tokens", "cache", "model", "files"]


class ErasedStore(WireModel):
    """One store.

    ``removed`` counts rows that were deleted, or keys whose value a tombstone replaced; ``left``
    what a search afterwards still found of the time before the erasure. Both are absent where
    nothing is counted: what is there goes by ``gone_by`` or follows by ``pending_until``.
    ``gone_by`` is when the last record that names the user has left the files of the store, absent
    when nothing is kept.
    """

    store: str
    kind: StoreKind
    removed: int | None = Field(default=None, ge=0)
    left: int | None = Field(default=None, ge=0)
    gone_by: str | None = Field(default=None, description="RFC 3339, UTC")
    pending_until: str | None = Field(
        default=None, description="RFC 3339, UTC: the work without the user has begun by then"
    )
    note: str | None = None


class ReceiptAudit(WireModel):
    """Where the gateway itself notes the erasure: in ``table``, and in the audit trail."""

    table: str
    key: str
    erased_at: str
    sequence: int = Field(ge=1, description="of the entry in the audit trail")


class ErasureReceipt(WireModel):
    """What was done for one user.

    ``user`` is the pseudonym, ``keyed`` whether a secret key is needed to compute it. ``mark`` is
    where the mark of the erasure stands among the user's events: partition@offset. What the stores
    say was removed is counted since ``counted_since``, the first erasure of the user that no
    receipt tells of; ``earlier_erased_at`` is the one before this, absent when there was none.
    """

    receipt_id: str
    user: str
    keyed: bool
    erased_at: str
    earlier_erased_at: str | None = None
    counted_since: str
    issued_at: str
    mark: str
    stores: tuple[ErasedStore, ...]
    limits: tuple[str, ...] = ()
    audit: ReceiptAudit


class Signature(WireModel):
    """Ed25519 over the receipt as compact JSON, its fields in the order of the file."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    key_id: str
    value: str = Field(description="base64")


class SignedReceipt(WireModel):
    """What is handed out; without a signature ``unsigned`` says why."""

    receipt: ErasureReceipt
    signature: Signature | None = None
    unsigned: str | None = None
