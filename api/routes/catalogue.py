"""What apps read of titles, and of what is learned about them."""

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
from api.endpoint import Answer, Endpoint, Parameter
from api.identity.access import app
from api.models import get_content_features, get_models
from api.parameters import CONTENT, REGION, limit
from api.routes.links import TO_CONTENT, TO_FEATURES, TO_SIMILAR
from api.routes.problem_lists import READ_PROBLEMS
from api.trending import TITLES_MAX
from infra.security.keys import CATALOGUE_READ
from schemas.api import Models, Similar, Trending
from schemas.content import Content
from schemas.content_features import ContentFeatures

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/content/{content_id}",
        handler=get_content,
        name="get_content",
        summary="One canonical content",
        access=app(CATALOGUE_READ),
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
        access=app(CATALOGUE_READ),
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
        answers=(
            Answer(
                description="strongest first",
                model=Similar,
                example=examples.SIMILAR,
                links=(TO_CONTENT,),
            ),
        ),
        problems=(*READ_PROBLEMS, problems.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/content/{content_id}/features",
        handler=get_content_features,
        name="get_content_features",
        summary="How many of those who start a content finish it, and where that is going",
        access=app(CATALOGUE_READ),
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
        access=app(CATALOGUE_READ),
        answers=(Answer(description="by name", model=Models, example=examples.MODELS),),
        problems=(problems.TOO_LARGE, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/trending",
        handler=get_trending,
        name="get_trending",
        summary="What is trending, by region and genre",
        access=app(CATALOGUE_READ),
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
        answers=(
            Answer(
                description="best first",
                model=Trending,
                example=examples.TRENDING,
                links=(TO_CONTENT, TO_SIMILAR, TO_FEATURES),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
)
