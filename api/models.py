"""GET the fitted models, and what they know of one content."""

from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.parsing import path_identifier
from api.problems import ProblemError
from api.responses import json_response
from api.services import services_of
from schemas.api import Models
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.model_report import ModelReport


async def get_models(request: Request) -> Response:
    """Answer with every model: coefficients, errors, quality, when it was fitted."""
    bodies = await services_of(request).models.fetch_models()
    return json_response(
        encode(Models(entries=tuple(decode(ModelReport, body) for body in bodies)))
    )


async def get_content_features(request: Request) -> Response:
    """Answer with the completion rate and engagement trend of a content."""
    services = services_of(request)
    content_id = path_identifier(request, "content_id")
    body = await services.models.fetch_features(content_id)
    if body is None and (known := (await services.contents.fetch([content_id])).get(content_id)):
        title_id = decode(Content, known).same_as
        body = None if title_id is None else await services.models.fetch_features(title_id)
    if body is None:
        raise ProblemError(problems.NOT_FOUND, "no start of such a content has an outcome yet")
    return json_response(body)
