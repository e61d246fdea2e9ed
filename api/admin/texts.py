"""Checks and texts that several subjects need."""

from api.problems import INVALID, ProblemError
from domain.catalogue.mappers import MAPPERS
from schemas.times import to_rfc3339

BODY_BYTES_MAX = 16 * 1024  # a hundred ids and a reason, even where every letter is an escape


def check_mapper(mapper: str) -> None:
    """Refuse a mapper that the catalogue agent does not have."""
    if mapper not in MAPPERS:
        raise ProblemError(INVALID, f"mapper: expected one of {', '.join(sorted(MAPPERS))}")


def moment(at_ms: int | None) -> str | None:
    """Return a time as RFC 3339, None where there is none."""
    return None if at_ms is None else to_rfc3339(at_ms)
