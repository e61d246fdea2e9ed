"""What a mapper returns, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CAST_MAX = 100
NAMES_MAX = 50  # of any other list
SEEN_LENGTH_MAX = 40  # of a value that a message quotes


class MappingError(ValueError):
    """A payload cannot be read.

    The message is for the partner's engineer: which of its fields, what is expected, what was
    found, and what to do where that is not plain. It holds nothing but what this payload holds.
    """

    def __init__(self, field_name: str, reason: str) -> None:
        """Keep ``field_name`` apart, so that callers can point at it."""
        super().__init__(f"{field_name}: {reason}")
        self.field_name = field_name
        self.reason = reason

    def at(self, field_name: str) -> "MappingError":
        """Return the same refusal of a field that the partner calls otherwise."""
        return MappingError(field_name, self.reason)


def refusal(field_name: str, expected: str, found: Any, advice: str = "") -> MappingError:
    """Return the refusal of one value.

    >>> str(refusal("Runtime", "a whole number", "long", "send minutes, e.g. 90"))
    "Runtime: expected a whole number, found the text 'long'; send minutes, e.g. 90"
    """
    ending = f"; {advice}" if advice else ""
    return MappingError(field_name, f"expected {expected}, found {seen(found)}{ending}")


def seen(value: Any) -> str:
    """Name a JSON value for a message; long ones are cut.

    >>> [seen(each) for each in (None, "", True, 1.5, ["a"], {})]
    ['nothing', 'an empty text', 'true', 'the number 1.5', 'a list', 'an object']
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:SEEN_LENGTH_MAX]}"
        case str():
            text = value.strip()
            more = "..." if len(text) > SEEN_LENGTH_MAX else ""
            return f"the text {text[:SEEN_LENGTH_MAX]!r}{more}" if text else "an empty text"
        case Mapping():
            return "an object"
        case _:
            return "a list"


@dataclass(frozen=True, slots=True)
class Mapped:
    """The canonical reading of one payload: only what the partner really sent.

    ``fields`` maps canonical content fields to JSON values; None clears the field. ``availability``
    is None when the payload says nothing about it, and an empty tuple when it says "nowhere".
    ``links`` (``series_id``, ``version_of``) hold the partner's own ids, not content ids yet; None
    clears one.
    ``names`` says what the partner calls a canonical field, where that is another name; whoever
    refuses a canonical value names the field by ``called``.
    """

    partner_id: str
    fields: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str | None] = field(default_factory=dict)
    links: dict[str, str | None] = field(default_factory=dict)
    availability: tuple[dict[str, Any], ...] | None = None
    unknown_genres: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, name: str) -> str:
        """Return the partner's name of a canonical field, for a message."""
        return self.names.get(name, name)


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
