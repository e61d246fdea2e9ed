"""What partners read of themselves."""

from api import problems
from api.endpoint import Answer, Endpoint
from api.identity.access import partner
from api.parameters import cursor, limit
from api.partners.deliveries import (
    PAGE_DEFAULT,
    PAGE_MAX,
    get_deliveries,
)
from api.partners.examples import DELIVERIES
from api.routes.problem_lists import READ_PROBLEMS
from infra.security.keys import DELIVERIES_READ
from schemas.partner_api import PartnerDeliveries

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/partners/me/deliveries",
        handler=get_deliveries,
        name="get_partner_deliveries",
        summary="What became of the partner's webhooks: accepted, refused and why, lag, quality",
        access=partner(DELIVERIES_READ),
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            cursor(),
            cursor("refusals_cursor"),
        ),
        answers=(Answer(description="newest first", model=PartnerDeliveries, example=DELIVERIES),),
        problems=(*READ_PROBLEMS, problems.MALFORMED),
    ),
)
