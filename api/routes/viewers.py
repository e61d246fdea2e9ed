"""What apps read of one viewer."""

from dataclasses import replace

from api import examples, problems
from api.continue_watching import CARDS_DEFAULT, CARDS_MAX, ORDERS, get_continue_watching
from api.endpoint import Answer, Endpoint, Parameter
from api.explain import get_explanation
from api.feed import ROW_DEFAULT, ROW_MAX, get_feed
from api.history import PAGE_DEFAULT, PAGE_MAX, get_history
from api.identity.access import app
from api.parameters import AFTER, CONTENT, REGION, USER, cursor, limit
from api.recommendations import LIMIT_MAX, get_recommendations
from api.routes.links import TO_CONTENT, TO_EXPLANATION, TO_NEXT_PAGE
from api.routes.problem_lists import READ_PROBLEMS
from api.taste import LIMIT_DEFAULT as TASTE_DEFAULT
from api.taste import LIMIT_MAX as TASTE_MAX
from api.taste import get_taste
from infra.security.keys import RECOMMENDATIONS_READ
from schemas.api import ContinueWatching, Explanation, Feed, History, Recommendations, Taste

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/recommendations",
        handler=get_recommendations,
        name="get_recommendations",
        summary="The user's slate; what is trending for a user without one",
        access=app(RECOMMENDATIONS_READ),
        parameters=(USER, limit(20, LIMIT_MAX), AFTER, REGION),
        answers=(
            Answer(
                description="the slate, best first",
                model=Recommendations,
                example=examples.RECOMMENDATIONS,
                links=(TO_CONTENT, TO_EXPLANATION),
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
        access=app(RECOMMENDATIONS_READ),
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
                links=(TO_CONTENT,),
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
        access=app(RECOMMENDATIONS_READ),
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
        access=app(RECOMMENDATIONS_READ),
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
        access=app(RECOMMENDATIONS_READ),
        parameters=(
            USER,
            limit(PAGE_DEFAULT, PAGE_MAX),
            AFTER,
            cursor(),
        ),
        answers=(
            Answer(
                description="one page",
                model=History,
                example=examples.HISTORY,
                links=(TO_CONTENT, TO_NEXT_PAGE),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{user}/taste",
        handler=get_taste,
        name="get_taste",
        summary="Titles whose texts are nearest to what the user watched, also brand-new ones",
        access=app(RECOMMENDATIONS_READ),
        parameters=(USER, limit(TASTE_DEFAULT, TASTE_MAX), AFTER, REGION),
        answers=(Answer(description="nearest first", model=Taste, example=examples.TASTE),),
        problems=READ_PROBLEMS,
    ),
)
