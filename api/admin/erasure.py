"""Erasures as operators start them. The command ``media-gateway erase`` gives the receipt.

An erasure is a mark among the user's own events, so what starts here is finished by the agents
within seconds. To wait for all of them and to search every store takes longer than a request may.
"""

from starlette.requests import Request
from starlette.responses import Response

from api.identity.operators import actor_of
from api.parsing import path_identifier
from api.problems import NOT_FOUND, ProblemError
from api.responses import json_response
from api.services import services_of
from infra.privacy.marks import mark_of
from schemas.admin_api import ErasureStarted, ErasureState
from schemas.codec import encode
from schemas.times import to_rfc3339
from topics.catalog import PROGRESS


async def post_erasure(request: Request) -> Response:
    """Note the erasure, which revokes tokens; delete what no agent deletes; write the mark."""
    user_id = path_identifier(request, "user")
    services = services_of(request)
    pseudonym = services.pseudonyms.of(user_id)
    noted = await services.erasures.record(actor_of(request), pseudonym, services.clock_ms())
    await services.erasures.delete_rows(user_id, pseudonym, noted.erased_at_ms)
    await services.producer.send(PROGRESS, mark_of(user_id, pseudonym, noted.erased_at_ms))
    started = ErasureStarted(
        pseudonym=pseudonym,
        erased_at=to_rfc3339(noted.erased_at_ms),
        audit_sequence=noted.sequence,
    )
    return json_response(encode(started), status=202)


async def get_erasure(request: Request) -> Response:
    """Answer with the newest erasure of a user, and the receipt that was handed out for it."""
    user_id = path_identifier(request, "user")
    services = services_of(request)
    found = await services.erasures.find(services.pseudonyms.all_of(user_id))
    if found is None:
        raise ProblemError(NOT_FOUND, "this user was not erased")
    state = ErasureState(
        pseudonym=found.pseudonym,
        erased_at=to_rfc3339(found.erased_at_ms),
        requested=found.requested,
        receipt_id=found.receipt_id,
        receipt_sha256=None if found.receipt_sha256 is None else found.receipt_sha256.hex(),
        issued_at=None if found.issued_at_ms is None else to_rfc3339(found.issued_at_ms),
    )
    return json_response(encode(state))
