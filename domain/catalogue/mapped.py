"""What a mapper returns, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CAST_MAX = 100
NAMES_MAX = 50  # of any other list


class MappingError(ValueError):
    """A payload cannot be read; the message names the partner's field and what is expected."""

    def __init__(self, field_name: str, reason: str) -> None:
        """Keep ``field_name`` apart, so that callers can point at it."""
        super().__init__(f"{field_name}: {reason}")
        self.field_name = field_name


@dataclass(frozen=True, slots=True)
class Mapped:
    """The canonical reading of one payload: only what the partner really sent.

    ``fields`` maps canonical content fields to JSON values; None clears the field. ``availability``
    is None when the payload says nothing about it, and an empty tuple when it says "nowhere".
    ``links`` (``series_id``, ``version_of``) hold the partner's own ids, not content ids yet.
    ``columns`` maps our field names to the partner's, for messages; absent: the same.
    """

    partner_id: str
    fields: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str | None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    availability: tuple[dict[str, Any], ...] | None = None
    unknown_genres: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def named(self, error: MappingError) -> MappingError:
        """Return an error about one of our fields as one about the partner's field."""
        ours, dot, rest = error.field_name.partition(".")
        if ours not in self.columns:
            return error
        reason = str(error).removeprefix(f"{error.field_name}: ")
        return MappingError(self.columns[ours] + dot + rest, reason)


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
