"""JSON bodies of operators -> models."""

from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from api.parsing import JsonLimits, parse_json, read_body, require_json_type
from api.problems import INVALID, ProblemError
from schemas.codec import WireModel, describe

BYTES_MAX = 4096
LIMITS = JsonLimits(array_max=100, string_max=1024)

Model = TypeVar("Model", bound=WireModel)


async def read_model(request: Request, model: type[Model], bytes_max: int = BYTES_MAX) -> Model:
    """Return the body, of at most ``bytes_max`` bytes, as a model.

    Raises:
        ProblemError: it is none; the message names fields, never what they hold.
    """
    require_json_type(request)
    body = await read_body(request, bytes_max)
    parse_json(body, LIMITS)  # refuses what is too deep, too long or no JSON at all
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise ProblemError(INVALID, describe(error)) from None
