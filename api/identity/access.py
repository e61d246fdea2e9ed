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
    """The kind of caller, and the scope that the credentials need to have.

    ``any_user``: the credentials must not be bound to one user.
    """

    caller: Caller
    scope: str | None = None
    any_user: bool = False


ANYBODY = Access(caller=Caller.ANYBODY)
SIGNING_PARTNER = Access(caller=Caller.SIGNING_PARTNER)


def app(scope: str, *, any_user: bool = False) -> Access:
    """Return the access of apps whose credentials have ``scope``.

    A user named in the path must be the one that the credentials are bound to, if they are.
    """
    return Access(caller=Caller.APP, scope=scope, any_user=any_user)


def partner(scope: str) -> Access:
    """Return the access of credentials that are bound to a partner and have ``scope``."""
    return Access(caller=Caller.PARTNER, scope=scope)
