"""Dead letters -> tables and pages for people, JSON for machines.

What partners and players sent is shown, never obeyed: control characters, which a terminal acts on,
are written as escapes, and nothing is read as markup.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.dead_letters import Header, unpack_headers
from infra.postgres.dead_letters import DeadLetter, WholeLetter
from schemas.times import to_rfc3339

WIDTH = 160  # of the table where the output is no terminal
HEX_BYTES_MAX = 4096
HEX_LINE = 16
COLUMNS = ("id", "failed", "topic", "partner", "event", "reason", "try", "state", "detail")


def print_table(letters: Sequence[DeadLetter], *, more: bool) -> None:
    """Print one row a letter; ``more`` says that there may be others."""
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = console.width if console.is_terminal else WIDTH
    console.print(table_of(letters))
    if more:
        console.print("there may be more: raise --limit or narrow the filter")


def table_of(letters: Sequence[DeadLetter]) -> Table:
    """Return the table of letters."""
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, overflow="fold" if name == "detail" else "ellipsis")
    for each in letters:
        cells = (
            str(each.letter_id),
            to_rfc3339(each.failed_at_ms),
            each.source_topic,
            each.partner or "",
            each.event_id or "",
            each.reason,
            str(each.attempts),
            each.state,
            each.detail,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def letter_text(whole: WholeLetter) -> str:
    """Return the page of one letter."""
    rows = [f"{name:<10} {printable(text)}" for name, text in facts_of(whole.letter).items()]
    headers = [f"  {printable(name)}: {shown(value)}" for name, value in headers_of(whole)]
    return "\n".join(
        [*rows, "", "headers", *headers, "", f"key        {shown(whole.key)}", "", "payload",
         payload_text(whole.value)]
    )  # fmt: skip


def facts_of(letter: DeadLetter) -> dict[str, str]:
    """Return what is known of a letter, as lines of its page."""
    known: dict[str, str | None] = {
        "id": str(letter.letter_id),
        "state": state_of(letter),
        "reason": letter.reason,
        "detail": letter.detail,
        "failed": f"{to_rfc3339(letter.failed_at_ms)}, in {letter.agent}",
        "attempts": attempts_of(letter),
        "record": f"{letter.source_topic} partition {letter.source_partition} "
        f"offset {letter.source_offset}",
        "partner": letter.partner,
        "user": letter.user_id,
        "event": letter.event_id,
        "webhook": letter.webhook_id,
    }
    return {name: text for name, text in known.items() if text is not None}


def attempts_of(letter: DeadLetter) -> str:
    """Return how often a record failed, and which letter was its first."""
    if letter.first_offset is None:
        return str(letter.attempts)
    first = "no longer kept" if letter.first_id is None else f"dead letter {letter.first_id}"
    return f"{letter.attempts}; the first: {first}, offset {letter.first_offset}"


def state_of(letter: DeadLetter) -> str:
    """Return the state and who changed it, when and why."""
    if letter.changed_at_ms is None:
        return letter.state
    why = f": {letter.note}" if letter.note else ""
    return f"{letter.state} {to_rfc3339(letter.changed_at_ms)} by {letter.changed_by}{why}"


def why_not_open(letter: DeadLetter) -> str:
    """Return why a letter cannot be changed any more."""
    return f"{letter.letter_id} is {state_of(letter)}"


def headers_of(whole: WholeLetter) -> list[Header]:
    """Return the headers of a letter, in order."""
    return unpack_headers(whole.headers)


def payload_text(value: bytes | None) -> str:
    """Return a value for people: indented JSON, else hexadecimal."""
    if value is None:
        return "(null: the record has no value)"
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return hexadecimal(value)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return "\n".join(printable(line) for line in text.split("\n"))


def hexadecimal(value: bytes) -> str:
    """Return offset, bytes and ASCII, 16 bytes a line, of the first ``HEX_BYTES_MAX`` bytes.

    >>> print(hexadecimal(b"MG\\x00"))
    00000000  4d 47 00                                         MG.
    """
    lines = []
    for start in range(0, min(len(value), HEX_BYTES_MAX), HEX_LINE):
        part = value[start : start + HEX_LINE]
        ascii_ = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {ascii_}")
    more = len(value) - HEX_BYTES_MAX
    if more > 0:
        lines.append(f"and {more:,} bytes more; --raw writes all")
    return "\n".join(lines)


def shown(value: bytes | None) -> str:
    """Return a key or the value of a header on one line."""
    if value is None:
        return "(null)"
    try:
        return printable(value.decode())
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def printable(text: str) -> str:
    """Return text whose control characters are escapes.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def as_data(whole: WholeLetter) -> dict[str, Any]:
    """Return a whole letter as plain data; bytes in base64."""
    return {
        **whole.letter._asdict(),
        "key_base64": encoded(whole.key),
        "value_base64": encoded(whole.value),
        "headers": [
            {"name": name, "value_base64": encoded(value)} for name, value in headers_of(whole)
        ],
    }


def encoded(value: bytes | None) -> str | None:
    """Return bytes in base64."""
    return None if value is None else base64.b64encode(value).decode()


def print_json(data: Mapping[str, Any]) -> None:
    """Print one line; ASCII alone, so it is safe on a terminal too."""
    click.echo(json.dumps(data))
