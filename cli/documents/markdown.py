"""Rows -> Markdown, with the note that says where the file comes from."""

from collections.abc import Iterable, Sequence


def page(title: str, *parts: str) -> str:
    """Return a whole page; every generated page begins the same way."""
    head = f"# {title}\n\n<!-- Written by `make docs`; edits are lost. -->\n"
    return head + "".join(f"\n{part.strip()}\n" for part in parts)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; ``|`` inside a cell is escaped."""
    lines = [_row(columns), _row(["---"] * len(columns))]
    lines.extend(_row([_cell(cell) for cell in row]) for row in rows)
    return "\n".join(lines)


def code(value: object) -> str:
    """Return ``value`` as inline code, or nothing for an empty value."""
    return f"`{value}`" if str(value) else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
