"""What operators send and get: logging in, their sessions, the audit trail."""

from typing import Literal

from pydantic import Field

from schemas.audit_entry import AuditEntry
from schemas.codec import WireModel

NAME_MAX = 64  # what is read; names have at most 40
PASSWORD_MAX = 256
Role = Literal["viewer", "admin"]


class LoginRequest(WireModel):
    """Name, password, and the code that the authenticator app shows."""

    name: str = Field(min_length=1, max_length=NAME_MAX)
    password: str = Field(min_length=1, max_length=PASSWORD_MAX, repr=False)
    code: str = Field(max_length=16, description="6 digits", repr=False)


class RecoveryRequest(WireModel):
    """Name, password, and a recovery code instead of the app's."""

    name: str = Field(min_length=1, max_length=NAME_MAX)
    password: str = Field(min_length=1, max_length=PASSWORD_MAX, repr=False)
    recovery_code: str = Field(max_length=32, repr=False)


class StepUpRequest(WireModel):
    """The code that the authenticator app shows now."""

    code: str = Field(max_length=16, description="6 digits", repr=False)


class OperatorSession(WireModel):
    """A session: whose it is, and its times as RFC 3339."""

    name: str
    role: Role
    started_at: str
    ends_at: str = Field(description="however much it is used")
    idle_minutes: int = Field(description="it ends earlier after such a pause")
    code_is_recent_until: str | None = Field(
        default=None, description="until then its operator may change something; absent: not now"
    )


class OperatorToken(OperatorSession):
    """A session with its token, to be sent as a bearer token. It is shown once."""

    token: str = Field(repr=False)


class SessionsEnded(WireModel):
    """How many sessions were ended."""

    ended: int


class RecoveryCodes(WireModel):
    """New recovery codes; the earlier ones work no more. They are shown once."""

    codes: tuple[str, ...] = Field(repr=False)


class AuditPage(WireModel):
    """Entries of the audit trail, newest first; ``next_before`` asks for the page after it."""

    entries: tuple[AuditEntry, ...]
    next_before: int | None = None
