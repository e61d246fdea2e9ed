"""Who calls -> the security schemes of the document; only those that an endpoint uses are in it."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.identity.access import Access, CallerKind

Json = dict[str, Any]

APP_KEY = "appKey"
APP_TOKEN = "appToken"  # noqa: S105 (the name of a scheme)
PARTNER_KEY = "partnerKey"
PARTNER_SIGNATURE = "partnerSignature"
PARTNER_BODY_SIGNATURE = "partnerBodySignature"
OPERATOR_SESSION = "operatorSession"

_KEY_FORM = "mg_live_ + 8 characters of public id + 32 random characters"
SCHEMES: Mapping[str, Json] = {
    APP_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": _KEY_FORM,
        "description": "Key of an app (`media-gateway key create`); it may be bound to one user.",
    },
    APP_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Short-lived token of one user, from this gateway or from an identity "
        "provider that it knows: EdDSA or RS256, judged as RFC8725 asks (docs/apps.md).",
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
        "description": "Standard Webhooks 1.0: HMAC-SHA256 (v1) or Ed25519 (v1a) over webhook-id, "
        "webhook-timestamp and the raw body. The timestamp may be 5 minutes off.",
    },
    PARTNER_BODY_SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "x-webhook-signature",
        "description": "The older scheme, where it is enabled for the partner: HMAC-SHA256 over "
        "the raw body alone.",
    },
    OPERATOR_SESSION: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "mg_op_ + 43 characters",
        "description": "Session of an operator, from `POST /api/v1/auth/login`.",
    },
}
# Any one of the schemes of a caller will do.
SCHEMES_OF: Mapping[CallerKind, tuple[str, ...]] = {
    CallerKind.ANYBODY: (),
    CallerKind.SIGNING_PARTNER: (PARTNER_SIGNATURE, PARTNER_BODY_SIGNATURE),
    CallerKind.APP: (APP_KEY, APP_TOKEN),
    CallerKind.PARTNER: (PARTNER_KEY,),
    CallerKind.OPERATOR: (OPERATOR_SESSION,),
}


def schemes_of(access: Access) -> tuple[str, ...]:
    """Return the schemes any one of which will do; tokens are bound to a user."""
    schemes = SCHEMES_OF[access.caller]
    return tuple(name for name in schemes if not (access.any_user and name == APP_TOKEN))


def requirements(access: Access) -> list[Json]:
    """Return ``security`` of an operation; the empty list: anybody may call."""
    return [{name: []} for name in schemes_of(access)]


def needs(access: Access) -> str:
    """Return the sentence that says what the credentials need to have; empty: nothing more."""
    if access.scope is not None:
        unbound = " of credentials that are not bound to a user" if access.any_user else ""
        return f"Needs the scope `{access.scope}`{unbound}."
    if access.role is None:
        return ""
    code = " and a recent code of the authenticator app" if access.recent_totp else ""
    return f"Needs an operator with the role `{access.role}`{code}."


def used_schemes(accesses: Iterable[Access]) -> Json:
    """Return the schemes that some operation asks for, in the order they are declared."""
    used = {name for access in accesses for name in schemes_of(access)}
    return {name: scheme for name, scheme in SCHEMES.items() if name in used}
