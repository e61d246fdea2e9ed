"""Reading loosely typed payload fields strictly: one value or one clear refusal."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.catalogue.identity import PARTNER_CONTENT_ID_MAX
from domain.catalogue.mapped import MappingError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")  # float() reads more: 1_0, inf, Arabic
_SUFFIX = re.compile(r",(?=\s*(?:Jr|Sr)\b)")  # "Robert Downey, Jr." is one name
OFFERS = ("subscription", "rent", "buy", "free")


def text(payload: Mapping[str, Any], name: str) -> str | None:
    """Return the trimmed text of ``name``; None when absent, null or empty.

    Raises:
        MappingError: the value is not text.
    """
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise MappingError(name, f"must be text, not {kind_of(value)}")
    return value.strip() or None


def inner(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object in ``name``; an empty one when absent or null.

    Raises:
        MappingError: the value is no object.
    """
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MappingError(name, f"must be an object, not {kind_of(value)}")
    return value


def whole(payload: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number (``90``, ``90.0`` or ``"90"``); None when absent, null or empty.

    Raises:
        MappingError: anything else.
    """
    value = payload.get(name)
    if value is None or value == "":
        return None
    number = number_of(value)
    if number is None or number != int(number):
        raise MappingError(name, f"must be a whole number, not {str(value)[:40]!r}")
    return int(number)


def number_of(value: Any) -> float | None:
    """Return a finite number or None; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip(" ")):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e15 else None


def names(payload: Mapping[str, Any], name: str, limit: int) -> tuple[str, ...] | None:
    """Return a list of names, given as a list or as comma-separated text; None when absent.

    Repeated and empty names are left out, and so is everything after the first ``limit``. In text,
    a comma before "Jr." or "Sr." belongs to the name and is dropped.

    Raises:
        MappingError: neither a list of texts nor a text.
    """
    value = payload.get(name)
    if value is None or value == "":
        return None
    parts = _SUFFIX.sub("", value).split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise MappingError(name, f"must be a list of texts, not {kind_of(value)}")
    trimmed = (part.strip()[:200] for part in parts)
    return tuple(dict.fromkeys(part for part in trimmed if part))[:limit]


def own_id(payload: Mapping[str, Any], name: str) -> str:
    """Return the partner's own id (text or whole number) of the title.

    Raises:
        MappingError: absent, empty, too long or of another type.
    """
    value = payload.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise MappingError(name, "required: your own id of the title")
    if len(value.strip()) > PARTNER_CONTENT_ID_MAX:
        raise MappingError(name, f"longer than {PARTNER_CONTENT_ID_MAX} characters")
    return value.strip()


def instant_ms(payload: Mapping[str, Any], name: str) -> int | None:
    """Return ``name`` (RFC 3339 text) or ``name_at_ms`` (whole number) in ms since 1970.

    Raises:
        MappingError: text that is not RFC 3339 with a time zone.
    """
    if f"{name}_at_ms" in payload:
        return whole(payload, f"{name}_at_ms")
    value = text(payload, name)
    if value is None:
        return None
    if not _RFC3339.fullmatch(value):
        raise MappingError(name, f"{value[:40]!r} is not like 2026-01-31T18:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise MappingError(name, f"{value[:40]!r}: {error}") from None
    return round(moment.timestamp() * 1000)


def availability(payload: Mapping[str, Any]) -> tuple[dict[str, Any], ...] | None:
    """Return the windows of the payload's ``availability`` list; None when it has none.

    Raises:
        MappingError: a window has a wrong field; the message says which one of which window.
    """
    value = payload.get("availability")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(window, dict) for window in value):
        raise MappingError("availability", "must be a list of objects")
    if len(value) > 300:
        raise MappingError("availability", "more than 300 windows")
    found = []
    for position, window in enumerate(value):
        try:
            found.append(_window(window))
        except MappingError as error:
            raise MappingError(
                f"availability[{position}].{error.field_name}", str(error).partition(": ")[2]
            ) from None
    return tuple(found)


def _window(window: Mapping[str, Any]) -> dict[str, Any]:
    offer = text(window, "offer") or "subscription"
    if offer not in OFFERS:
        raise MappingError("offer", f"{offer[:40]!r} is not one of {', '.join(OFFERS)}")
    start, end = instant_ms(window, "from"), instant_ms(window, "until")
    fields = {
        "region": text(window, "region"),
        "from_at_ms": start,
        "until_at_ms": end,
        "offer": offer,
        "price_minor": whole(window, "price_minor"),
        "currency": text(window, "currency"),
    }
    if start is not None and end is not None and end <= start:
        raise MappingError("until", "must be after from")
    return {name: value for name, value in fields.items() if value is not None}


def kind_of(value: Any) -> str:
    """Name the JSON type of ``value`` for a message."""
    names_by_type = {dict: "an object", list: "a list", bool: "true or false"}
    return names_by_type.get(type(value), "a number" if isinstance(value, int | float) else "text")
