"""What operators administer over HTTP: partners, dead letters, API keys.

What is posted refuses unknown fields: a misspelt one would change less than was meant.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from schemas.codec import WireModel
from schemas.dead_letter import LetterState
from schemas.ids import Identifier, PartnerId
from schemas.webhook import WEBHOOK_BYTES_MAX

IDS_MAX = 100
NOTE_MAX = 500
KEY_NAME_MAX = 64
DISPLAY_NAME_MAX = 80
DELIVERIES_PER_S_MAX = 10_000
DAY_S = 24 * 3600
OVERLAP_S_MAX = 7 * DAY_S
EXPIRES_S_MAX = 10 * 365 * DAY_S
RECORD_BYTES_MAX = 2**20 + 4096  # of one record, the largest of all topics with dead letters
LETTER_ID_MAX = 2**53  # beyond it JSON numbers differ between languages

Tier = Literal["free", "pro", "enterprise"]
SchemeName = Literal["v1", "v1a", "sha256"]
MapperName = Literal["generic", "film-catalogue", "netflix-titles", "series-catalogue"]
Scope = Literal[
    "progress:write", "recommendations:read", "catalogue:read", "tokens:issue", "deliveries:read"
]
LetterReason = Literal["decode", "rule", "step"]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable characters")
    return text


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("expected each value once")
    return values


Printable = Annotated[
    str, AfterValidator(_printable), Field(description="printable characters and spaces")
]
NOT_BLANK = "[^ ]"  # what is printable has no other blanks
DisplayName = Annotated[Printable, StringConstraints(max_length=DISPLAY_NAME_MAX)]
# Base64 of 32 bytes: the last of 43 characters holds four bits.
PublicKeyText = Annotated[
    str,
    StringConstraints(
        pattern="^whpk_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$", min_length=49, max_length=49
    ),
]
Schemes = Annotated[
    tuple[SchemeName, ...],
    Field(min_length=1, max_length=3, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=10)]
LetterIds = Annotated[
    tuple[Annotated[int, Field(ge=1, le=LETTER_ID_MAX)], ...],
    Field(min_length=1, max_length=IDS_MAX),
]
BodyBytes = Annotated[int, Field(ge=1, le=WEBHOOK_BYTES_MAX)]
DeliveriesPerS = Annotated[int, Field(ge=1, le=DELIVERIES_PER_S_MAX)]


class ChangeRequest(WireModel):
    """Base of what is posted here."""

    model_config = ConfigDict(extra="forbid")


class PartnerCreate(ChangeRequest):
    """A new partner. One that signs by ``v1a`` gives its public key."""

    partner: PartnerId
    mapper: MapperName
    display_name: DisplayName = ""
    schemes: Schemes | None = Field(default=None, description="default: v1, with a public key v1a")
    tier: Tier = "free"
    body_bytes_max: BodyBytes | None = Field(default=None, description="default: the tier's")
    deliveries_per_s: DeliveriesPerS | None = Field(default=None, description="default: the tier's")
    public_key: PublicKeyText | None = Field(default=None, description="whpk_ + base64")


def _as_patch(schema: dict[str, Any]) -> None:
    """Say that at least one field is given, and that an absent one has no default."""
    schema["minProperties"] = 1
    for field in schema["properties"].values():
        field.pop("default", None)


class PartnerChange(ChangeRequest):
    """What is to change; what is absent stays. A limit of null is the tier's."""

    model_config = ConfigDict(json_schema_extra=_as_patch)

    mapper: MapperName = "generic"
    display_name: DisplayName = ""
    schemes: Schemes = ()
    tier: Tier = "free"
    body_bytes_max: BodyBytes | None = None
    deliveries_per_s: DeliveriesPerS | None = None
    enabled: bool = True


class PartnerRotate(ChangeRequest):
    """A new secret, or the partner's new public key; the older keys stay valid for a while."""

    overlap_s: int = Field(
        default=DAY_S, ge=0, le=OVERLAP_S_MAX, description="0 ends the older keys now"
    )
    public_key: PublicKeyText | None = Field(default=None, description="whpk_ + base64")


class PartnerKey(WireModel):
    """What may be shown of a live key that signs."""

    kind: Literal["secret", "public_key"]
    fingerprint: str | None = Field(
        default=None, description="first 8 hexadecimal digits of its SHA-256; absent in lists"
    )
    created_at: str | None = Field(default=None, description="RFC 3339; absent in old rows")
    valid_until: str | None = Field(default=None, description="RFC 3339; absent: no end")


class AdminPartner(WireModel):
    """A partner, its limits, and its live keys, newest first."""

    partner: str
    display_name: str
    mapper: str
    enabled: bool
    schemes: tuple[SchemeName, ...]
    tier: Tier
    body_bytes_max: int = Field(description="what holds: as set, else the tier's")
    deliveries_per_s: int = Field(description="what holds: as set, else the tier's")
    own_limits: tuple[str, ...] = Field(description="which of the two are set, not the tier's")
    created_at: str
    keys: tuple[PartnerKey, ...]


class AdminPartners(WireModel):
    """Partners by name; ``next_after`` asks for the page after it, absent on the last one."""

    partners: tuple[AdminPartner, ...]
    next_after: str | None = None


class PartnerWithSecret(AdminPartner):
    """A partner after its keys changed; ``secret`` is shown this once."""

    secret: str | None = Field(
        default=None, repr=False, description="absent where the partner signs by its private key"
    )


class AdminDeadLetter(WireModel):
    """A record that could not be processed."""

    dead_letter_id: int
    topic: str
    partition: int
    offset: int
    agent: str
    reason: str
    detail: str
    failed_at: str
    attempts: int
    partner: str | None = None
    user_id: str | None = None
    event_id: str | None = None
    webhook_id: str | None = None
    first_dead_letter_id: int | None = Field(
        default=None, description="of the record's first failure, while it is kept"
    )
    state: LetterState
    changed_at: str | None = Field(default=None, description="end of the state open")
    changed_by: str | None = None
    note: str | None = Field(default=None, description="why it was discarded, or how redriven")


class AdminDeadLetters(WireModel):
    """Dead letters, the newest failure first; ``next_cursor`` is absent on the last page."""

    dead_letters: tuple[AdminDeadLetter, ...]
    next_cursor: str | None = None


# Parts of a record: text, any text, and bytes.
RecordText = Annotated[str, Field(max_length=RECORD_BYTES_MAX)]
RecordName = Annotated[str, Field(max_length=RECORD_BYTES_MAX, pattern=r"^[\s\S]*$")]
RecordBase64 = Annotated[str, Field(max_length=(RECORD_BYTES_MAX + 2) // 3 * 4)]


class RecordHeader(WireModel):
    """One header of the record; ``value`` where it is UTF-8 without NUL, else ``value_base64``."""

    name: RecordName
    value: RecordText | None = None
    value_base64: RecordBase64 | None = None


class WholeDeadLetter(AdminDeadLetter):
    """A record that could not be processed, with its bytes.

    ``payload`` is there where the value is JSON, as it was written; else ``payload_base64`` has the
    bytes. A record without a value has neither. ``key`` likewise, where it is UTF-8 without NUL.
    """

    headers: tuple[RecordHeader, ...]
    key: RecordText | None = None
    key_base64: RecordBase64 | None = None
    payload: object = None
    payload_base64: RecordBase64 | None = None


class RedriveRequest(ChangeRequest):
    """Dead letters to send to their topics again."""

    ids: LetterIds
    mapper: MapperName | None = Field(
        default=None, description="write webhooks anew with this mapper; default: as they were"
    )


class RedriveRefused(WireModel):
    """A letter that stays open, and why."""

    dead_letter_id: int
    why: str


class RedriveResult(WireModel):
    """What became of the letters."""

    redriven: tuple[int, ...]
    refused: tuple[RedriveRefused, ...] = Field(description="they stay open")
    not_open: tuple[int, ...] = Field(
        description="unknown, changed before, or in the hands of another operator"
    )


class DiscardRequest(ChangeRequest):
    """Dead letters that nobody will redrive, and why."""

    ids: LetterIds
    reason: Annotated[Printable, StringConstraints(pattern=NOT_BLANK, max_length=NOTE_MAX)]


class DiscardResult(WireModel):
    """What became of the letters."""

    discarded: tuple[int, ...]
    not_open: tuple[int, ...] = Field(description="unknown, or changed before")


class KeyCreate(ChangeRequest):
    """A new API key; it belongs to an app, to one user, or to one partner."""

    name: Annotated[Printable, StringConstraints(pattern=NOT_BLANK, max_length=KEY_NAME_MAX)]
    scopes: Scopes | None = Field(default=None, description="default: the usual ones of its owner")
    user_id: Identifier | None = None
    partner: PartnerId | None = None
    tier: Tier = "free"
    expires_in_s: int | None = Field(
        default=None, ge=1, le=EXPIRES_S_MAX, description="default: it does not end"
    )


class AdminKey(WireModel):
    """What is known of an API key; the key itself is not."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    user_id: str | None = None
    partner: str | None = None
    tier: Tier
    state: Literal["live", "ended", "revoked"]
    created_at: str
    expires_at: str | None = Field(default=None, description="absent: it does not end")
    revoked_at: str | None = None
    last_used_at: str | None = None


class AdminKeys(WireModel):
    """API keys, newest first; ``next_cursor`` is absent on the last page."""

    keys: tuple[AdminKey, ...]
    next_cursor: str | None = None


class KeyWithText(AdminKey):
    """A new API key, to be sent as a bearer token. It is shown this once."""

    key: str = Field(repr=False)


class ErasureStarted(WireModel):
    """An erasure that was noted: whoever posts for this user from now on is somebody new."""

    pseudonym: str = Field(pattern="^[0-9a-f]{64}$", description="of the user; no id is kept")
    erased_at: str = Field(max_length=40, description="RFC 3339; older events are refused")
    audit_sequence: int = Field(ge=1, description="of the entry in the audit trail")


class ErasureState(WireModel):
    """The newest erasure of a user; the receipt's fields are absent until one was handed out."""

    pseudonym: str = Field(pattern="^[0-9a-f]{64}$", description="of the user; no id is kept")
    erased_at: str = Field(max_length=40, description="RFC 3339")
    requested: int = Field(ge=1, description="how often it was asked for")
    receipt_id: str | None = Field(default=None, max_length=64)
    receipt_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    issued_at: str | None = Field(default=None, max_length=40, description="RFC 3339")
