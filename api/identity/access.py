"""Who may call an endpoint, as data: declared at the endpoint, decided in ``principal``."""

from dataclasses import dataclass
from enum import Enum

from schemas.operator_api import Role


class CallerKind(Enum):
    """Kinds of callers."""

    ANYBODY = "anybody"
    SIGNING_PARTNER = "signing_partner"  # the handler verifies the signature: it covers the body
    APP = "app"
    PARTNER = "partner"
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The kind of caller, and what the credentials need to have.

    ``scope`` is of keys and tokens; with ``any_user`` they must not be bound to one user. ``role``
    and ``recent_totp`` are of operators: the least role, and whether a code of the authenticator
    app must have been given within the last minutes.
    """

    caller: CallerKind
    scope: str | None = None
    any_user: bool = False
    role: Role | None = None
    recent_totp: bool = False


ANYBODY = Access(caller=CallerKind.ANYBODY)
SIGNING_PARTNER = Access(caller=CallerKind.SIGNING_PARTNER)


def app(scope: str, *, any_user: bool = False) -> Access:
    """Return the access of apps whose credentials have ``scope``.

    A user named in the path must be the one that the credentials are bound to, if they are.
    """
    return Access(caller=CallerKind.APP, scope=scope, any_user=any_user)


def partner(scope: str) -> Access:
    """Return the access of credentials that are bound to a partner and have ``scope``."""
    return Access(caller=CallerKind.PARTNER, scope=scope)


def operator(*, recent_totp: bool, role: Role | None = None) -> Access:
    """Return the access of operators: with ``recent_totp`` to change something, else to read.

    ``role``: the least one; by default administrators may change and viewers may read.
    """
    least: Role = role or ("admin" if recent_totp else "viewer")
    return Access(caller=CallerKind.OPERATOR, role=least, recent_totp=recent_totp)
