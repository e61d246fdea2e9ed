"""What a dead letter says, as record headers and back, and what is read from its original bytes.

A dead letter is a record that could not be processed: its key and value byte for byte, its own
headers, and ``dlq.*`` headers about the failure. A redriven record is the same bytes in the source
topic again; its ``redrive.*`` headers say from where, so that a second failure knows the first one.
Both stay in the partition they came from: everything about a user, or a catalogue, is in one.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.codec import DecodeError, decode, encode
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN, KEY_SEPARATOR
from schemas.webhook import WebhookReceived

Header = tuple[str, bytes | None]  # Kafka allows a header without a value

DLQ = "dlq."
REDRIVE = "redrive."
DETAIL_BYTES_MAX = 1000
PARTNER_LENGTH_MAX = 40
FROM_KEY_OR_VALUE = ("partner", "user_id", "event_id", "webhook_id")

_ID = re.compile(ID_PATTERN, re.ASCII)
_PARTNER = re.compile(r"[a-z0-9][a-z0-9\-]*", re.ASCII)


class LetterError(ValueError):
    """A dead letter lacks what its writer always says, or cannot be redriven as asked."""


class Origin(NamedTuple):
    """Where a record is: what identifies it for ever."""

    topic: str
    partition: int
    offset: int


class Failure(NamedTuple):
    """Who could not process a record, and why."""

    agent: str
    reason: str
    detail: str


class Letter(NamedTuple):
    """What the headers of a dead letter say.

    ``attempts`` counts failures, 1 for a record that was never redriven; ``first_offset`` is where
    a redriven one failed for the first time, in the same topic and partition.
    """

    origin: Origin
    failure: Failure
    attempts: int
    first_offset: int | None


class Identity(NamedTuple):
    """Whom and what a record is about, as far as it can be read; all of it may be None."""

    partner: str | None
    user_id: str | None
    event_id: str | None
    webhook_id: str | None


def letter_headers(
    origin: Origin, timestamp_ms: int, headers: Sequence[Header], failure: Failure
) -> list[Header]:
    """Return the headers of a dead letter; the record's own come first.

    The detail is cut to ``DETAIL_BYTES_MAX`` bytes, at a whole character.
    """
    redriven = _redrive_of(headers)
    said: list[Header] = [
        ("dlq.topic", origin.topic.encode()),
        ("dlq.partition", b"%d" % origin.partition),
        ("dlq.offset", b"%d" % origin.offset),
        ("dlq.timestamp_ms", b"%d" % timestamp_ms),
        ("dlq.agent", failure.agent.encode()),
        ("dlq.reason", failure.reason.encode()),
        ("dlq.detail", shortened(failure.detail)),
        ("dlq.attempts", b"%d" % ((redriven[0] if redriven else 0) + 1)),
    ]
    if redriven:
        said.append(("dlq.first_offset", b"%d" % redriven[1]))
    return [*_without(headers, DLQ), *said]


def shortened(detail: str) -> bytes:
    """Return at most ``DETAIL_BYTES_MAX`` bytes of UTF-8.

    >>> shortened("x" * 999 + "é") == b"x" * 999
    True
    """
    cut = detail.encode(errors="replace")[:DETAIL_BYTES_MAX]
    return cut.decode(errors="ignore").encode()


def read_letter(headers: Sequence[Header]) -> Letter:
    """Return what a dead letter says; one of before attempts were counted is a first failure.

    Raises:
        LetterError: a header is missing or not a number.
    """
    said = {name: value for name, value in headers if value is not None and name.startswith(DLQ)}
    try:
        return Letter(
            Origin(_text(said["dlq.topic"]), int(said["dlq.partition"]), int(said["dlq.offset"])),
            Failure(*(_text(said[DLQ + name]) for name in Failure._fields)),
            int(said.get("dlq.attempts", b"1")),
            int(said["dlq.first_offset"]) if "dlq.first_offset" in said else None,
        )
    except (KeyError, ValueError) as error:
        raise LetterError(f"not the headers of a dead letter: {error!r}") from None


def happened_at_ms(headers: Sequence[Header], value: bytes | None) -> int | None:
    """Return when the event of a dead letter was, at the latest; None: it cannot be told.

    It was before its record came into the log, and when it says that it occurred. A redriven record
    came into the log once more, so its place there says nothing.
    """
    occurred = _members(value).get("occurred_at_ms")
    times = [occurred] if type(occurred) is int else []
    try:
        if read_letter(headers).attempts == 1:
            times.append(int(dict(headers)["dlq.timestamp_ms"] or b""))
    except (LetterError, KeyError, ValueError):
        pass  # an old letter: only the event can say it
    return max(0, min(times)) if times else None


def redrive_headers(headers: Sequence[Header], mapper: str | None = None) -> list[Header]:
    """Return the headers of a redriven record, from those of its dead letter.

    They are the record's own, and ``redrive.*``: which record it repeats, which was the first, how
    often it failed, and, if its mapper is another one now, which it was before.

    Raises:
        LetterError: see ``read_letter``.
    """
    letter = read_letter(headers)
    first = letter.origin.offset if letter.first_offset is None else letter.first_offset
    said: list[Header] = [
        ("redrive.topic", letter.origin.topic.encode()),
        ("redrive.partition", b"%d" % letter.origin.partition),
        ("redrive.offset", b"%d" % letter.origin.offset),
        ("redrive.first_offset", b"%d" % first),
        ("redrive.attempts", b"%d" % letter.attempts),
    ]
    if mapper is not None:
        said.append(("redrive.mapper_before", mapper.encode()))
    return [*_without(_without(headers, DLQ), REDRIVE), *said]


def _redrive_of(headers: Sequence[Header]) -> tuple[int, int] | None:
    """Return (attempts, first offset) of a redriven record, None of any other.

    Headers that only look so are no reason to lose a record: it counts as never redriven.
    """
    said = dict(headers)
    try:
        return int(said["redrive.attempts"] or b""), int(said["redrive.first_offset"] or b"")
    except (KeyError, ValueError):
        return None


def _without(headers: Iterable[Header], prefix: str) -> list[Header]:
    return [header for header in headers if not header[0].startswith(prefix)]


def _text(value: bytes) -> str:
    """Text that Postgres can keep: it takes no NUL."""
    return value.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def identify(key_fields: Sequence[str], key: bytes | None, value: bytes | None) -> Identity:
    """Return whom a record is about, from its value and, where that cannot be read, its key.

    A partner that key and value do not agree on is nobody: it decides who may see the record.

    Args:
        key_fields: names of the parts of the key, as its topic declares them.
        key: the record's key.
        value: the record's value; anything at all.
    """
    in_value = _valid(_members(value))
    in_key = _valid(_parts(key_fields, key))
    both = {**in_key, **in_value}
    if in_key.get("partner", both.get("partner")) != both.get("partner"):
        both.pop("partner")
    return Identity(**{name: both.get(name) for name in FROM_KEY_OR_VALUE})


def _members(value: bytes | None) -> dict[str, Any]:
    try:
        document = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _parts(key_fields: Sequence[str], key: bytes | None) -> dict[str, Any]:
    try:
        parts = (key or b"").decode().split(KEY_SEPARATOR)
    except UnicodeDecodeError:
        return {}
    return dict(zip(key_fields, parts, strict=True)) if len(parts) == len(key_fields) else {}


def _valid(found: dict[str, Any]) -> dict[str, str]:
    return {
        name: found[name]
        for name in FROM_KEY_OR_VALUE
        if isinstance(found.get(name), str) and _is_valid(name, found[name])
    }


def _is_valid(name: str, text: str) -> bool:
    if name == "partner":
        return len(text) <= PARTNER_LENGTH_MAX and _PARTNER.fullmatch(text) is not None
    return len(text) <= ID_LENGTH_MAX and _ID.fullmatch(text) is not None


def payload_of(value: bytes | None) -> dict[str, Any] | None:
    """Return what the partner posted, from the value of a webhook; None if it cannot be read."""
    payload = _members(value).get("payload")
    return payload if isinstance(payload, dict) else None


def with_mapper(value: bytes | None, mapper: str) -> tuple[bytes, str]:
    """Return a webhook that names another mapper, and which one it named before.

    Nothing else changes: a record whose other bytes would not come out as they are is refused.

    Raises:
        LetterError: it is not a webhook as the gateway writes it.
    """
    try:
        webhook = decode(WebhookReceived, value)
    except DecodeError as error:
        raise LetterError(f"no webhook, so it has no mapper: {error}") from None
    if encode(webhook) != value:
        raise LetterError("written by another version: more than the mapper would change")
    return encode(webhook.model_copy(update={"mapper": mapper})), webhook.mapper


def pack_headers(headers: Iterable[Header]) -> bytes:
    """Return headers as bytes that keep order, repetition, and values of any kind."""
    return orjson.dumps(
        [
            (name, None if value is None else base64.b64encode(value).decode())
            for name, value in headers
        ]
    )


def unpack_headers(packed: bytes) -> list[Header]:
    """Return what ``pack_headers`` was given."""
    return [
        (name, None if value is None else base64.b64decode(value))
        for name, value in orjson.loads(packed)
    ]
