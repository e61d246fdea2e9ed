"""One entry of the audit trail: who changed what, chained to the entry before it by its hash."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.codec import WireModel

ActorKind = Literal["operator", "cli", "system"]
AuditAction = Literal[
    "operator.create", "operator.disable", "operator.enable", "operator.unlock",
    "operator.reset-totp", "operator.renew-recovery-codes", "operator.set-password",
    "operator.login", "operator.login-failed", "operator.code-replayed", "operator.lockout",
    "operator.use-recovery-code", "operator.step-up", "operator.logout",
    "operator.logout-everywhere", "secrets.rotate",
    "partner.create", "partner.update", "partner.rotate-secret", "partner.disable",
    "partner.enable", "key.create", "key.rotate", "key.revoke", "rule.put", "rule.remove",
    "issuer.add", "issuer.enable", "issuer.disable", "issuer.remove", "signing-key.rotate",
    "signing-key.retire", "token.revoke",
    "dead-letter.replay-begin", "dead-letter.replay", "dead-letter.discard", "title.decide",
    "user.erase",
]  # fmt: skip
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
TEXT_MAX = 128
SUBJECT_MAX = 320  # the longest: an issuer or a token id, 255 characters
NO_ENTRY = "0" * 64  # what the first entry follows


class AuditFact(WireModel):
    """What happened, before it has its place in the chain.

    ``before`` and ``after`` are hashes of the subject's canonical JSON: they prove what it was to
    who has it, and tell nobody else.
    """

    actor_kind: ActorKind
    actor: str = Field(min_length=1, max_length=TEXT_MAX)
    action: AuditAction
    subject: str = Field(min_length=1, max_length=SUBJECT_MAX)
    at_ms: int = Field(ge=0)
    before_sha256: Sha256 | None = None
    after_sha256: Sha256 | None = None
    request_id: str | None = Field(default=None, max_length=64)
    source: str | None = Field(default=None, max_length=64, description="address of the peer")


class AuditEntry(AuditFact):
    """A fact in its place. ``entry_sha256`` = SHA-256(``prev_sha256`` || canonical bytes)."""

    sequence: int = Field(ge=1)
    prev_sha256: Sha256
    entry_sha256: Sha256
