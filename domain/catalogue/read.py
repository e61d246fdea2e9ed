"""Reading loosely typed payload fields strictly: one value or one clear refusal."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.catalogue.identity import PARTNER_CONTENT_ID_MAX
from domain.catalogue.mapped import MappingError, refusal, seen
from schemas.content import OFFERS

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")  # float() reads more: 1_0, inf, Arabic
_SUFFIX = re.compile(r",(?=\s*(?:Jr|Sr)\b)")  # "Robert Downey, Jr." is one name
WINDOWS_MAX = 300
NAME_MAX = 200  # of a person, genre or country; longer ones are cut
LIST_OF_TEXTS = "a list of texts, or one text with commas"
OWN_ID = "your own id of the {}, a text or a whole number"
MINUTES_MAX = 1_000_000 // 60  # Content.runtime_s
MOMENT = "a time like 2026-01-31T18:00:00Z"
ABSOLUTE_URL = "an absolute address like https://example.org/a.jpg"


def text(payload: Mapping[str, Any], name: str) -> str | None:
    """Return the trimmed text of ``name``; None when absent, null or empty.

    Raises:
        MappingError: the value is not text.
    """
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise refusal(name, "a text", value)
    return value.strip() or None


def url(payload: Mapping[str, Any], name: str) -> str | None:
    """Return an absolute ``http`` or ``https`` address; None when absent, null or empty.

    It is served to viewers as it is, so nothing that a browser would run or guess at is taken:
    no other scheme, no relative address, no space, control character or backslash.

    Raises:
        MappingError: anything else.
    """
    value = text(payload, name)
    if value is not None and not _is_web_address(value):
        raise refusal(name, ABSOLUTE_URL, value)
    return value


def _is_web_address(value: str) -> bool:
    if not value.isprintable() or any(sign in value for sign in ' \\"<>'):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an address, a port that is no number
        return False


def inner(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object in ``name``; an empty one when absent or null.

    Raises:
        MappingError: the value is no object.
    """
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal(name, "an object", value)
    return value


@contextmanager
def within(place: str) -> Iterator[None]:
    """Name what is refused in the block by its place in the payload: ``network.country``."""
    try:
        yield
    except MappingError as error:
        raise error.at(f"{place}.{error.field_name}") from None


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
        raise refusal(name, "a whole number", value, "send digits alone, e.g. 90")
    return int(number)


def minutes_as_s(payload: Mapping[str, Any], name: str) -> int | None:
    """Return a length in whole minutes as seconds; None when absent, null or empty.

    Raises:
        MappingError: it is no length in minutes, or longer than a content may be.
    """
    minutes = whole(payload, name)
    if minutes is None:
        return None
    if not 0 <= minutes <= MINUTES_MAX:
        raise refusal(name, f"minutes, 0 to {MINUTES_MAX}", minutes)
    return minutes * 60


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
    if not isinstance(parts, list):
        raise refusal(name, LIST_OF_TEXTS, value)
    for part in parts:
        if not isinstance(part, str):
            raise MappingError(name, f"expected {LIST_OF_TEXTS}, found a list with {seen(part)}")
    trimmed = (part.strip()[:NAME_MAX] for part in parts)
    return tuple(dict.fromkeys(part for part in trimmed if part))[:limit]


def own_id(payload: Mapping[str, Any], name: str) -> str:
    """Return the partner's own id (text or whole number) of the title.

    Raises:
        MappingError: absent, empty, too long or of another type.
    """
    advice = "every webhook names its title by it"
    return _id(payload, name, OWN_ID.format("title"), advice)


def linked_id(payload: Mapping[str, Any], name: str, linked: str) -> str | None:
    """Return the partner's own id of another title, ``linked`` in words; None when it names none.

    Raises:
        MappingError: too long or neither text nor a whole number.
    """
    if payload.get(name) in (None, ""):
        return None
    return _id(payload, name, OWN_ID.format(linked), "leave it out where there is none")


def _id(payload: Mapping[str, Any], name: str, expected: str, advice: str) -> str:
    value = payload.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise refusal(name, expected, value, advice)
    if len(value.strip()) > PARTNER_CONTENT_ID_MAX:
        limit = f"expected {expected} of at most {PARTNER_CONTENT_ID_MAX} characters"
        raise MappingError(name, f"{limit}, found {len(value.strip())}")
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
        raise refusal(name, MOMENT, value, "the time zone is needed")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise refusal(name, MOMENT, value, str(error)) from None
    return round(moment.timestamp() * 1000)


def availability(payload: Mapping[str, Any]) -> tuple[dict[str, Any], ...] | None:
    """Return the windows of the payload's ``availability`` list; None when it has none.

    Raises:
        MappingError: a window has a wrong field; the message says which one of which window.
    """
    value = payload.get("availability")
    if value is None:
        return None
    if not isinstance(value, list):
        raise refusal("availability", "a list of windows", value)
    if len(value) > WINDOWS_MAX:
        limit = f"expected at most {WINDOWS_MAX} windows, found {len(value)}"
        raise MappingError("availability", f"{limit}; join those that follow one another")
    found = []
    for position, window in enumerate(value):
        if not isinstance(window, dict):
            raise refusal(f"availability[{position}]", "an object", window)
        with within(f"availability[{position}]"):
            found.append(_window(window))
    return tuple(found)


def _window(window: Mapping[str, Any]) -> dict[str, Any]:
    offer = text(window, "offer") or "subscription"
    if offer not in OFFERS:
        raise refusal("offer", f"one of {', '.join(OFFERS)}", offer)
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
        raise MappingError("until", "expected a time after from, found one that is not later")
    return {name: value for name, value in fields.items() if value is not None}
