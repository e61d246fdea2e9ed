"""bytes <-> model: the only JSON on the wire.

Encoding is compact and has a fixed field order (declaration order): equal values, equal bytes.
Decoding ignores unknown fields (a newer writer may add one) and refuses missing or wrong ones.
"""

import re
from collections.abc import Mapping, Set
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound="WireModel")

PROBLEMS_MAX = 3
# What pydantic says of these kinds of error names our classes and Python's types.
MESSAGES = dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "expected an object")
LIST = re.compile(r"^Tuple(?= should )")


class DecodeError(ValueError):
    """The bytes are not a valid record of the schema; the message says which field and why."""


class WireModel(BaseModel):
    """Base of everything on the wire: frozen, unknown fields ignored, no NaN or infinity."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, ser_json_inf_nan="null"
    )


def encode(model: WireModel) -> bytes:
    """Return the canonical bytes of ``model``; optional fields that are unset travel as absent."""
    return model.__pydantic_serializer__.to_json(model, exclude_none=True)


def decode(schema: type[M], value: bytes | None) -> M:
    """Decode ``value`` as ``schema``.

    Raises:
        DecodeError: not JSON, wrong schema, or a tombstone where a value is required.
    """
    if value is None:
        raise DecodeError("tombstone (null value) where a record is required")
    try:
        model: M = schema.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        raise DecodeError(describe(error)) from error
    return model


def check(schema: type[M], document: Any) -> M:
    """Return a parsed JSON document as ``schema``, strictly: no text counts as a number.

    Raises:
        ValidationError: it is not one; see ``describe``.
    """
    model: M = schema.__pydantic_validator__.validate_python(document, strict=True)
    return model


def describe(error: ValidationError) -> str:
    """One line for people: the first three problems as ``field: reason``; never the input."""
    issues = error.errors(include_url=False, include_input=False, include_context=False)
    places = {issue["loc"] for issue in issues}
    problems = [_problem(issue) for issue in issues if not _is_consequence(issue, places)]
    more = len(problems) - PROBLEMS_MAX
    return "; ".join(problems[:PROBLEMS_MAX]) + (f"; and {more} more" if more > 0 else "")


def _is_consequence(issue: Mapping[str, Any], places: Set[tuple[int | str, ...]]) -> bool:
    """Whether a list is too short only because its wrong elements were not counted."""
    place = issue["loc"]
    return issue["type"] == "too_short" and any(
        len(other) > len(place) and other[: len(place)] == place for other in places
    )


def _problem(issue: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in issue["loc"]) or "body"
    message = MESSAGES.get(issue["type"]) or issue["msg"].removeprefix("Value error, ")
    return f"{where}: {LIST.sub('List', message)}"
