"""GET /api/v1/admin/audit: who changed what, newest first."""

import re
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from api.parsing import Query
from api.responses import json_response
from api.services import services_of
from infra.postgres.audit import Filter
from schemas.audit_entry import TEXT_MAX, AuditAction
from schemas.codec import encode
from schemas.operator_api import AuditPage

PAGE_DEFAULT, PAGE_MAX = 50, 500
ACTIONS: tuple[str, ...] = get_args(AuditAction)
ACTOR = re.compile(rf"[^\x00]{{1,{TEXT_MAX}}}")
ACTION = re.compile("|".join(map(re.escape, ACTIONS)))
SEQUENCE = re.compile(r"[0-9]{1,15}", re.ASCII)


async def get_audit(request: Request) -> Response:
    """Answer with a page of entries, newest first, that the query lets through."""
    query = Query(request)
    limit = query.limit(default=PAGE_DEFAULT, maximum=PAGE_MAX)
    before = query.text("before", SEQUENCE, "the number of an entry")
    wanted = Filter(
        actor=query.text("actor", ACTOR, "a name"),
        action=query.text("action", ACTION, "an action of the audit trail"),
        since_ms=query.time("since"),
        before=None if before is None else int(before),
    )
    entries = await services_of(request).audit.page(wanted, limit)
    more = entries[-1].sequence if len(entries) == limit else None
    return json_response(encode(AuditPage(entries=tuple(entries), next_before=more)))
