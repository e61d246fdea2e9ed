"""What a mapper returns, and how it refuses."""

from dataclasses import dataclass, field
from typing import Any


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
    """

    partner_id: str
    fields: dict[str, Any] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    availability: tuple[dict[str, Any], ...] | None = None
    unknown_genres: tuple[str, ...] = ()
