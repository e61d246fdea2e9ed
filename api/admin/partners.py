"""Partners as operators administer them. A secret is in one answer: of the call that made it."""

import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.admin.texts import BODY_BYTES_MAX, moment
from api.identity.operators import actor_of
from api.operators.bodies import read_model
from api.parsing import Query
from api.problems import EXISTS, INVALID, NOT_FOUND, NOT_SET_UP, STATE_CONFLICT, ProblemError
from api.responses import json_response
from api.services import Services, services_of
from infra.postgres.partner_views import PartnerView
from infra.postgres.partners import (
    KEYS_MAX,
    NewPartner,
    PartnerExists,
    TooManyKeys,
    UnknownPartner,
)
from infra.security.partner_keys import PUBLIC_KEY, SECRET, Key, KeysDoNotFit, first_keys
from infra.security.sealing import SealingError
from infra.security.webhook_keys import (
    Scheme,
    SecretError,
    create_secret,
    format_secret,
    parse_public_key,
)
from schemas.admin_api import (
    AdminPartner,
    AdminPartners,
    PartnerChange,
    PartnerCreate,
    PartnerKey,
    PartnerRotate,
    PartnerWithSecret,
)
from schemas.codec import encode
from schemas.ids import PARTNER_PATTERN
from schemas.times import to_rfc3339

log = logging.getLogger(__name__)

PAGE_DEFAULT, PAGE_MAX = 50, 200
NO_PARTNER = "no partner has this name"
OWN_LIMITS = ("body_bytes_max", "deliveries_per_s")


async def get_partners(request: Request) -> Response:
    """Answer with one page of partners, by name."""
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    after = query.text("after", PARTNER_PATTERN, "the name of a partner")
    found = await services_of(request).partners.page(limit + 1, after)
    answer = AdminPartners(
        partners=tuple(AdminPartner(**fields_of(each)) for each in found[:limit]),
        next_after=found[limit - 1].partner if len(found) > limit else None,
    )
    return json_response(encode(answer))


async def get_partner(request: Request) -> Response:
    """Answer with one partner, and the fingerprints of its keys."""
    fields = await whole(services_of(request), name_of(request))
    return json_response(encode(AdminPartner(**fields)))


async def post_partner(request: Request) -> Response:
    """Add a partner; its secret is in this answer and in no other."""
    body = await read_model(request, PartnerCreate, BODY_BYTES_MAX)
    public_key = public_key_of(body.public_key)
    usual = ("v1",) if public_key is None else ("v1a",)
    new = NewPartner(
        partner=body.partner,
        mapper=body.mapper,
        display_name=body.display_name,
        schemes=tuple(map(Scheme, body.schemes or usual)),
        tier=body.tier,
        body_bytes_max=body.body_bytes_max,
        deliveries_per_s=body.deliveries_per_s,
    )
    services = services_of(request)
    try:
        keys = first_keys(new.schemes, public_key)
        await services.partners.create(actor_of(request), new, keys)
    except KeysDoNotFit as error:
        raise ProblemError(INVALID, f"schemes: {error}") from None
    except PartnerExists:
        raise ProblemError(EXISTS, "a partner has this name already") from None
    except SealingError as error:
        raise not_sealed(body.partner, error) from None
    secret = next((key.value for key in keys if key.kind == SECRET), None)
    return await with_secret(services, body.partner, secret, 201)


async def patch_partner(request: Request) -> Response:
    """Change what is given, and nothing else."""
    name = name_of(request)
    body = await read_model(request, PartnerChange, BODY_BYTES_MAX)
    changes: dict[str, Any] = {field: getattr(body, field) for field in body.model_fields_set}
    if not changes:
        raise ProblemError(INVALID, "there is nothing to change: give at least one field")
    if "schemes" in changes:
        changes["schemes"] = tuple(map(Scheme, changes["schemes"]))
    services = services_of(request)
    try:
        await services.partners.change(actor_of(request), name, changes)
    except UnknownPartner:
        raise ProblemError(NOT_FOUND, NO_PARTNER) from None
    except KeysDoNotFit as error:
        raise ProblemError(STATE_CONFLICT, str(error)) from None
    return json_response(encode(AdminPartner(**await whole(services, name))))


async def post_rotation(request: Request) -> Response:
    """Give a partner a new secret, or take its new public key; the older ones end after a while."""
    name = name_of(request)
    body = await read_model(request, PartnerRotate, BODY_BYTES_MAX)
    public_key = public_key_of(body.public_key)
    key = Key(SECRET, create_secret()) if public_key is None else Key(PUBLIC_KEY, public_key)
    services = services_of(request)
    try:
        await services.partners.rotate(actor_of(request), name, key, body.overlap_s * 1000)
    except UnknownPartner:
        raise ProblemError(NOT_FOUND, NO_PARTNER) from None
    except KeysDoNotFit as error:
        raise ProblemError(STATE_CONFLICT, str(error)) from None
    except TooManyKeys as error:
        raise ProblemError(
            STATE_CONFLICT,
            f"{KEYS_MAX} keys are live, the first ends {moment(error.until_ms)}: wait, or end all "
            "older ones with an overlap_s of 0",
        ) from None
    except SealingError as error:
        raise not_sealed(name, error) from None
    return await with_secret(services, name, key.value if public_key is None else None, 200)


def name_of(request: Request) -> str:
    """Return the name in the path."""
    name: str = request.path_params["partner"]
    if not PARTNER_PATTERN.fullmatch(name):
        raise ProblemError(NOT_FOUND, NO_PARTNER)
    return name


def public_key_of(text: str | None) -> bytes | None:
    """Return the bytes of a public key that was posted."""
    if text is None:
        return None
    try:
        return parse_public_key(text)
    except SecretError as error:
        raise ProblemError(INVALID, f"public_key: {error}") from None


def not_sealed(name: str, error: SealingError) -> ProblemError:
    """Return the answer where a key cannot be sealed as others are; the log says which is which."""
    log.error("partner %s was not changed: %s", name, error)
    return ProblemError(
        NOT_SET_UP,
        "nothing was changed: MEDIA_GATEWAY_SECRETS_KEY is not set or another than what is stored "
        "was sealed with; the gateway's log names whose",
    )


async def with_secret(services: Services, name: str, secret: bytes | None, status: int) -> Response:
    """Return the answer that gives a secret out, None where the partner has its own key."""
    text = None if secret is None else format_secret(secret)
    answer = PartnerWithSecret(**await whole(services, name), secret=text)
    return json_response(encode(answer), status)


async def whole(services: Services, name: str) -> dict[str, Any]:
    """Return the fields of a partner, with the fingerprints of its keys.

    Raises:
        ProblemError: 404, there is none; 501, its keys are sealed with a key that is not set.
    """
    found = await services.partners.view(name)
    if found is None:
        raise ProblemError(NOT_FOUND, NO_PARTNER)
    try:
        keys = await services.partners.live_keys(name)
    except SealingError as error:
        log.error("partner %s: %s", name, error)
        raise ProblemError(
            NOT_SET_UP, "its keys cannot be read: MEDIA_GATEWAY_SECRETS_KEY is not set or another"
        ) from None
    shown = tuple(
        PartnerKey(
            kind=key.kind,
            fingerprint=key.fingerprint,
            created_at=moment(key.created_at_ms),
            valid_until=moment(key.valid_until_ms),
        )
        for key in keys
    )
    return fields_of(found) | {"keys": shown}


def fields_of(found: PartnerView) -> dict[str, Any]:
    """Return the fields of a partner as they are shown in a list."""
    return {
        "partner": found.partner,
        "display_name": found.display_name,
        "mapper": found.mapper,
        "enabled": found.enabled,
        "schemes": tuple(sorted(found.schemes)),
        "tier": found.tier,
        "body_bytes_max": found.limits.body_bytes,
        "deliveries_per_s": found.limits.deliveries_per_s,
        "own_limits": tuple(name for name in OWN_LIMITS if getattr(found, name) is not None),
        "created_at": to_rfc3339(found.created_at_ms),
        "keys": tuple(
            PartnerKey(
                kind=key.kind,
                created_at=moment(key.created_at_ms),
                valid_until=moment(key.valid_until_ms),
            )
            for key in found.keys
        ),
    }
