"""Parameters that several endpoints have, as their documents describe them."""

from api.cursors import CURSOR_SCHEMA
from api.endpoint import Parameter
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN

IDENTIFIER = {"type": "string", "pattern": ID_PATTERN, "maxLength": ID_LENGTH_MAX}
REGION_SCHEMA = {"type": "string", "pattern": "^[A-Z]{2}$"}

USER = Parameter(
    name="user", where="path", schema=IDENTIFIER, description="user id", example="user-1"
)
CONTENT = Parameter(
    name="content_id", where="path", schema=IDENTIFIER, description="content id", example="film-1"
)
AFTER = Parameter(
    name="after_event", where="query", schema=IDENTIFIER,
    description="an event id; the answer says whether that event is included",
)  # fmt: skip
REGION = Parameter(
    name="region", where="query", schema=REGION_SCHEMA, description="ISO 3166-1 alpha-2",
    example="DE",
)  # fmt: skip


def limit(default: int, maximum: int) -> Parameter:
    """Return the parameter ``limit``."""
    return Parameter(
        name="limit",
        where="query",
        schema={"type": "integer", "minimum": 1, "maximum": maximum, "default": default},
        description="most entries in the answer",
    )


def header(name: str, pattern: str, description: str, example: str) -> Parameter:
    """Return a required header."""
    return Parameter(
        name=name,
        where="header",
        schema={"type": "string", "pattern": pattern},
        description=description,
        example=example,
    )


def cursor(name: str = "cursor") -> Parameter:
    """Return the parameter that asks for the next page."""
    return Parameter(
        name=name,
        where="query",
        schema=CURSOR_SCHEMA,
        description=f"next_{name} of the page before",
    )
