"""What player apps post."""

from api import examples, problems
from api.endpoint import Answer, Body, Endpoint
from api.identity.access import app
from api.progress import BATCH_BYTES_MAX, post_progress
from api.routes.problem_lists import BODY_PROBLEMS
from infra.security.keys import PROGRESS_WRITE
from schemas.api import ProgressAccepted, ProgressReport
from schemas.progress import PROGRESS_BATCH_MAX

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/progress",
        handler=post_progress,
        name="post_progress",
        summary="Report playback progress and viewer decisions, one or up to 500",
        access=app(PROGRESS_WRITE),
        body=Body(
            model=ProgressReport,
            bytes_max=BATCH_BYTES_MAX,
            example=examples.PROGRESS,
            array_max=PROGRESS_BATCH_MAX,
        ),
        answers=(
            Answer(
                status=202,
                description="Kafka has every event that is marked accepted",
                model=ProgressAccepted,
                example=examples.PROGRESS_ACCEPTED,
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.UNAVAILABLE),
    ),
)
