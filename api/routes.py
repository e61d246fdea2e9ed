"""Every endpoint, in one list: the router and the OpenAPI document are made from it."""

from dataclasses import replace

from starlette.routing import Route

from api import examples, problems
from api.catalogue import (
    SIMILAR_BY,
    SIMILAR_BY_DEFAULT,
    SIMILAR_DEFAULT,
    TRENDING_DEFAULT,
    get_content,
    get_similar,
    get_trending,
)
from api.continue_watching import CARDS_DEFAULT, CARDS_MAX, ORDERS, get_continue_watching
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.explain import get_explanation
from api.feed import ROW_DEFAULT, ROW_MAX, get_feed
from api.history import PAGE_DEFAULT, PAGE_MAX, get_history
from api.models import get_content_features, get_models
from api.parameters import AFTER, CONTENT, REGION, USER, header, limit
from api.progress import BATCH_BYTES_MAX, post_progress
from api.recommendations import LIMIT_MAX, get_recommendations
from api.system import get_healthz, get_metrics, get_openapi, get_readyz
from api.taste import LIMIT_DEFAULT as TASTE_DEFAULT
from api.taste import LIMIT_MAX as TASTE_MAX
from api.taste import get_taste
from api.trending import TITLES_MAX
from api.webhooks import receive_webhook
from infra.security.keys import CATALOGUE_READ, PROGRESS_WRITE, RECOMMENDATIONS_READ
from schemas.api import (
    Alive,
    ContinueWatching,
    Explanation,
    Feed,
    History,
    Models,
    ProgressAccepted,
    ProgressReport,
    Readiness,
    Recommendations,
    Similar,
    Taste,
    Trending,
    WebhookAccepted,
)
from schemas.content import Content
from schemas.content_features import ContentFeatures
from schemas.progress import PROGRESS_BATCH_MAX
from schemas.webhook import WEBHOOK_BYTES_MAX, WebhookEnvelope

WEBHOOK_HEADERS = (
    header("webhook-id", "^[A-Za-z0-9_-]{1,64}$", "the same for every try", "msg_1"),
    header("webhook-timestamp", "^[0-9]{1,12}$", "Unix seconds of this try", "1767225600"),
    header(
        "webhook-signature", "^.{1,2048}$", "up to 10 of v1,<base64>, space-separated",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
)  # fmt: skip
BODY_PROBLEMS = (
    problems.MALFORMED, problems.INVALID, problems.TOO_SLOW, problems.TOO_LARGE,
    problems.UNSUPPORTED_TYPE,
)  # fmt: skip
READ_PROBLEMS = (problems.INVALID, problems.TOO_LARGE, problems.UNAVAILABLE)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/webhooks/{partner}",
        handler=receive_webhook,
        name="receive_webhook",
        summary="Take a partner's signed webhook (Standard Webhooks 1.0)",
        parameters=(
            Parameter(
                name="partner",
                where="path",
                schema={"type": "string", "pattern": r"^[a-z0-9][a-z0-9\-]*$", "maxLength": 40},
                description="name of the partner",
                example="acme",
            ),
            *WEBHOOK_HEADERS,
        ),
        body=Body(model=WebhookEnvelope, bytes_max=WEBHOOK_BYTES_MAX, example=examples.WEBHOOK),
        answers=(
            Answer(
                status=202,
                description="Kafka has the event; a repeated delivery gets the same id",
                model=WebhookAccepted,
                example=examples.WEBHOOK_ACCEPTED,
            ),
        ),
        problems=(
            *BODY_PROBLEMS,
            problems.BAD_SIGNATURE,
            problems.NOT_FOUND,
            problems.CONFLICT,
            problems.UNAVAILABLE,
        ),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/progress",
        handler=post_progress,
        name="post_progress",
        summary="Report playback progress and viewer decisions, one or up to 500",
        scope=PROGRESS_WRITE,
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
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/recommendations",
        handler=get_recommendations,
        name="get_recommendations",
        summary="The user's slate; what is trending for a user without one",
        scope=RECOMMENDATIONS_READ,
        parameters=(USER, limit(20, LIMIT_MAX), AFTER, REGION),
        answers=(
            Answer(
                description="the slate, best first",
                model=Recommendations,
                example=examples.RECOMMENDATIONS,
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/continue-watching",
        handler=get_continue_watching,
        name="get_continue_watching",
        summary="What the user can resume, and the next episodes",
        scope=RECOMMENDATIONS_READ,
        parameters=(
            USER,
            limit(CARDS_DEFAULT, CARDS_MAX),
            AFTER,
            REGION,
            Parameter(
                name="order",
                where="query",
                schema={"type": "string", "enum": [*ORDERS], "default": ORDERS[0]},
                description="newest first, or what the user most probably goes on with",
                example="resume",
            ),
        ),
        answers=(
            Answer(
                description="cards in the order asked for",
                model=ContinueWatching,
                example=examples.CONTINUE_WATCHING,
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/feed",
        handler=get_feed,
        name="get_feed",
        summary="The user's page: rows by what they are worth, no title twice",
        scope=RECOMMENDATIONS_READ,
        parameters=(
            USER,
            replace(limit(ROW_DEFAULT, ROW_MAX), description="most entries in each row"),
            AFTER,
            REGION,
        ),
        answers=(Answer(description="rows, best first", model=Feed, example=examples.FEED),),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/explain/{content_id}",
        handler=get_explanation,
        name="get_explanation",
        summary="Why a title is in the user's slate, or the first thing that kept it out",
        scope=RECOMMENDATIONS_READ,
        parameters=(
            USER,
            CONTENT,
            AFTER,
            replace(REGION, description="of a user without a slate, ISO 3166-1 alpha-2"),
        ),
        answers=(
            Answer(
                description="about the slate as it is served now",
                model=Explanation,
                example=examples.EXPLANATION,
            ),
        ),
        problems=(*READ_PROBLEMS, problems.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/history",
        handler=get_history,
        name="get_history",
        summary="What the user watched, newest first",
        scope=RECOMMENDATIONS_READ,
        parameters=(
            USER,
            limit(PAGE_DEFAULT, PAGE_MAX),
            AFTER,
            Parameter(
                name="cursor",
                where="query",
                schema={"type": "string", "maxLength": 162},
                description="next_cursor of the page before",
            ),
        ),
        answers=(Answer(description="one page", model=History, example=examples.HISTORY),),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/taste",
        handler=get_taste,
        name="get_taste",
        summary="Titles whose texts are nearest to what the user watched, also brand-new ones",
        scope=RECOMMENDATIONS_READ,
        parameters=(USER, limit(TASTE_DEFAULT, TASTE_MAX), AFTER, REGION),
        answers=(Answer(description="nearest first", model=Taste, example=examples.TASTE),),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/content/{content_id}",
        handler=get_content,
        name="get_content",
        summary="One canonical content",
        scope=CATALOGUE_READ,
        parameters=(CONTENT,),
        answers=(Answer(description="the content", model=Content, example=examples.CONTENT),),
        problems=(*READ_PROBLEMS, problems.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/content/{content_id}/similar",
        handler=get_similar,
        name="get_similar",
        summary="Similar titles: watched by the same viewers, or alike in what they are",
        scope=CATALOGUE_READ,
        parameters=(
            CONTENT,
            Parameter(
                name="by",
                where="query",
                schema={"type": "string", "enum": [*SIMILAR_BY], "default": SIMILAR_BY_DEFAULT},
                description="in what sense similar",
                example="director",
            ),
            limit(SIMILAR_DEFAULT, 100),
        ),
        answers=(Answer(description="strongest first", model=Similar, example=examples.SIMILAR),),
        problems=(*READ_PROBLEMS, problems.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/content/{content_id}/features",
        handler=get_content_features,
        name="get_content_features",
        summary="How many of those who start a content finish it, and where that is going",
        scope=CATALOGUE_READ,
        parameters=(CONTENT,),
        answers=(
            Answer(
                description="from starts whose outcome is known",
                model=ContentFeatures,
                example=examples.CONTENT_FEATURES,
            ),
        ),
        problems=(*READ_PROBLEMS, problems.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/models",
        handler=get_models,
        name="get_models",
        summary="The regression models: coefficients, standard errors, calibration, fit time",
        scope=CATALOGUE_READ,
        answers=(Answer(description="by name", model=Models, example=examples.MODELS),),
        problems=(problems.TOO_LARGE, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/trending",
        handler=get_trending,
        name="get_trending",
        summary="What is trending, by region and genre",
        scope=CATALOGUE_READ,
        parameters=(
            REGION,
            Parameter(
                name="genre",
                where="query",
                schema={"type": "string", "pattern": r"^[A-Za-z][A-Za-z \-]{0,39}$"},
                description="canonical genre",
                example="Drama",
            ),
            limit(TRENDING_DEFAULT, TITLES_MAX),
        ),
        answers=(Answer(description="best first", model=Trending, example=examples.TRENDING),),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        handler=get_healthz,
        name="get_healthz",
        summary="Whether the process is alive",
        answers=(Answer(description="alive", model=Alive, example={"status": "alive"}),),
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        handler=get_readyz,
        name="get_readyz",
        summary="Whether Kafka and Postgres answer",
        answers=(
            Answer(description="ready", model=Readiness, example=examples.READY),
            Answer(
                status=503,
                description="a part is away",
                model=Readiness,
                example=examples.NOT_READY,
            ),
        ),
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        name="get_metrics",
        summary="Metrics for Prometheus",
        answers=(
            Answer(description="text exposition format", model=None, media_type="text/plain"),
        ),
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        name="get_openapi",
        summary="This document",
        answers=(Answer(description="OpenAPI 3.1", model=None),),
    ),
)


def routes() -> list[Route]:
    """Return the Starlette routes."""
    return [endpoint.route() for endpoint in ENDPOINTS]
