"""Who calls -> the security schemes of the document; only those that an endpoint uses are in it."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.identity.access import Access, Caller

Json = dict[str, Any]

APP_KEY = "appKey"
PARTNER_KEY = "partnerKey"
PARTNER_SIGNATURE = "partnerSignature"

_KEY_FORM = "mg_live_ + 8 characters of public id + 32 random characters"
SCHEMES: Mapping[str, Json] = {
    APP_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": _KEY_FORM,
        "description": "Key of an app (`media-gateway key create`); it may be bound to one user.",
    },
    PARTNER_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": _KEY_FORM,
        "description": "Key that is bound to one content partner.",
    },
    PARTNER_SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks 1.0: HMAC-SHA256 over webhook-id, webhook-timestamp and "
        "the raw body, with the partner's secret. The timestamp may be 5 minutes off.",
    },
}
# Any one of the schemes of a caller will do.
SCHEMES_OF: Mapping[Caller, tuple[str, ...]] = {
    Caller.ANYBODY: (),
    Caller.SIGNING_PARTNER: (PARTNER_SIGNATURE,),
    Caller.APP: (APP_KEY,),
    Caller.PARTNER: (PARTNER_KEY,),
}


def requirements(access: Access) -> list[Json]:
    """Return ``security`` of an operation; the empty list: anybody may call."""
    return [{name: []} for name in SCHEMES_OF[access.caller]]


def needs(access: Access) -> str:
    """Return the sentence that says what the credentials need to have; empty: nothing more."""
    return "" if access.scope is None else f"Needs the scope `{access.scope}`."


def used_schemes(accesses: Iterable[Access]) -> Json:
    """Return the schemes that some operation asks for, in the order they are declared."""
    used = {name for access in accesses for name in SCHEMES_OF[access.caller]}
    return {name: scheme for name, scheme in SCHEMES.items() if name in used}
