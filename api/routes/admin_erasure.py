"""What operators call to erase a user."""

from api import problems
from api.admin import examples
from api.admin.erasure import get_erasure, post_erasure
from api.endpoint import Answer, Endpoint
from api.identity.access import operator
from api.parameters import USER
from api.routes import links
from schemas.admin_api import ErasureStarted, ErasureState

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/admin/users/{user}/erasure",
        handler=post_erasure,
        name="post_erasure",
        summary="Erase a user; `media-gateway erase` waits for all stores and gives the receipt",
        access=operator(recent_totp=True),
        parameters=(USER,),
        answers=(
            Answer(
                status=202,
                description="the erasure is noted and its mark is in Kafka; agents follow",
                model=ErasureStarted,
                example=examples.ERASURE_STARTED,
                links=(links.TO_ERASURE,),
            ),
        ),
        problems=(problems.INVALID, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/admin/users/{user}/erasure",
        handler=get_erasure,
        name="get_erasure",
        summary="The newest erasure of a user, and its receipt",
        access=operator(recent_totp=False),
        parameters=(USER,),
        answers=(
            Answer(
                description="by pseudonym; a receipt once the command gave one",
                model=ErasureState,
                example=examples.ERASURE_STATE,
            ),
        ),
        problems=(problems.INVALID, problems.NOT_FOUND, problems.UNAVAILABLE),
    ),
)
