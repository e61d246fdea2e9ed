"""The receipt of an erasure: what was removed from which store, and what is kept until when.

It names the user by pseudonym, so it can be kept, and it is signed, so it can be shown.
"""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel

StoreKind = Literal["table", "topic", "changelog", "cache", "model", "files"]


class ErasedStore(WireModel):
    """One store.

    ``removed`` counts rows that were deleted, or keys that got a tombstone; ``left`` what a search
    afterwards still found of the time before the erasure. ``gone_by`` is when the last record that
    names the user has left the files of the store, absent when nothing is kept.
    """

    store: str
    kind: StoreKind
    removed: int = Field(default=0, ge=0)
    left: int = Field(default=0, ge=0)
    gone_by: str | None = Field(default=None, description="RFC 3339, UTC")
    note: str | None = None


class AuditEntry(WireModel):
    """Where the gateway itself notes the erasure: in ``table``, and in the audit trail."""

    table: str
    key: str
    erased_at: str
    sequence: int = Field(ge=1, description="of the entry in the audit trail")


class ErasureReceipt(WireModel):
    """What was done for one user.

    ``user`` is the pseudonym, ``keyed`` whether a secret key is needed to compute it. ``mark`` is
    where the mark of the erasure stands among the user's events: partition@offset.
    """

    receipt_id: str
    user: str
    keyed: bool
    erased_at: str
    issued_at: str
    mark: str
    stores: tuple[ErasedStore, ...]
    limits: tuple[str, ...] = ()
    audit: AuditEntry


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
