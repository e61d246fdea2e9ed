"""What partners read of their webhooks that could not be processed."""

from api import examples
from api.endpoint import Answer, Endpoint
from api.identity.access import partner
from api.parameters import cursor, limit
from api.partners.dead_letters import PAGE_DEFAULT, PAGE_MAX, get_dead_letters
from api.routes.problem_lists import READ_PROBLEMS
from infra.security.keys import DELIVERIES_READ
from schemas.dead_letter import PartnerDeadLetters

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/partners/me/dead-letters",
        handler=get_dead_letters,
        name="get_own_dead_letters",
        summary="The partner's own webhooks that could not be processed, and why",
        access=partner(DELIVERIES_READ),
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            cursor(),
        ),
        answers=(
            Answer(
                description="one page, the newest failure first",
                model=PartnerDeadLetters,
                example=examples.PARTNER_DEAD_LETTERS,
            ),
        ),
        problems=READ_PROBLEMS,
    ),
)
