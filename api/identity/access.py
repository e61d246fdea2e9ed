"""Who may call an endpoint, as data: declared at the endpoint, decided in ``principal``."""

from dataclasses import dataclass
from enum import Enum


class Caller(Enum):
    """Kinds of callers."""

    ANYBODY = "anybody"
    SIGNING_PARTNER = "signing_partner"  # the handler verifies the signature: it covers the body
    APP = "app"
    PARTNER = "partner"


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The kind of caller, and the scope that the credentials need to have."""

    caller: Caller
    scope: str | None = None


ANYBODY = Access(caller=Caller.ANYBODY)
SIGNING_PARTNER = Access(caller=Caller.SIGNING_PARTNER)


def app(scope: str) -> Access:
    """Return the access of apps whose credentials have ``scope``.

    A user named in the path must be the one that the credentials are bound to, if they are.
    """
    return Access(caller=Caller.APP, scope=scope)


def partner(scope: str) -> Access:
    """Return the access of credentials that are bound to a partner and have ``scope``."""
    return Access(caller=Caller.PARTNER, scope=scope)
