"""Declared fields of the mappers, and the canonical schema -> the page of payloads."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.documents.markdown import code, page, table
from domain.catalogue.mappers.fields import OWN_ID, SHAPES, WINDOW, Field, Shape
from schemas.content import Availability, Content

COLUMNS = ("Field", "Type", "Range", "Becomes", "Needed")
EVENTS = """
| Event | What it reads |
| --- | --- |
| `content_added` | every field; the title is offered everywhere unless `availability` is there |
| `content_updated` | every field that is there; the others stay |
| `content_removed` | the id; the title is hidden until a later event of it |
| `availability_changed` | the id and `availability`, which replaces all windows of before |

A field of which an event reads nothing has to be well-formed all the same. A field that the table
of your mapper does not have is kept in the raw event and read by nobody. Of two events the one with
the later `timestamp` in its envelope counts, field by field.
"""
PATTERNS = {"^[A-Z]{2}$": "two capital letters, ISO 3166", "^[A-Z]{3}$": "three capital letters"}


def mappers_page() -> str:
    """Return ``docs/generated/mappers.md``."""
    parts = [f"## {_heading(shape)}\n\n{shape.about}\n\n{_fields(shape)}" for shape in SHAPES]
    return page(
        "What a payload holds",
        "The `payload` of a webhook is read by the partner's mapper, which the operator chose; how "
        "a webhook is posted: [partners.md](../partners.md). Declared in "
        "`domain/catalogue/mappers/fields.py`.",
        EVENTS,
        *parts,
        "## Windows of availability\n\nObjects of the list `availability`, in every shape.\n\n"
        + table(COLUMNS, (_row(each, _properties(Availability)) for each in WINDOW)),
    )


def _heading(shape: Shape) -> str:
    kinds = [field.example for field in shape.fields if field.name == "kind"]
    return " ".join([shape.mapper, *kinds])


def _fields(shape: Shape) -> str:
    return table(COLUMNS, (_row(each, _properties(Content)) for each in shape.fields))


def _row(field: Field, canonical: Mapping[str, Any]) -> Sequence[str]:
    limits = [] if field.kind == OWN_ID else [_range(canonical.get(field.becomes, {}))]
    said = field.limit if _replaces(field) else "; ".join(filter(None, [*limits, field.limit]))
    becomes = code(field.becomes) if field.becomes in canonical else field.becomes
    return code(field.name), field.kind, said or "", becomes, field.needed


def _replaces(field: Field) -> bool:
    """Whether the limit is the partner's own: minutes are no seconds, its words not our types."""
    return field.limit is not None and field.becomes in {
        "cast", "directors", "offer", "runtime_s", "type"
    }  # fmt: skip


def _properties(model: type[Content] | type[Availability]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = model.model_json_schema()["properties"]
    return properties


def _range(schema: Mapping[str, Any]) -> str:
    """Return the limits of a canonical field in words; empty where it has none."""
    for each in (schema, *schema.get("anyOf", ())):
        if "enum" in each:
            return ", ".join(each["enum"])
        if "pattern" in each:
            return PATTERNS[each["pattern"]]
        if "maxLength" in each:
            least = f"{each['minLength']} to " if "minLength" in each else "at most "
            return f"{least}{each['maxLength']} characters"
        if "minimum" in each:
            most = each.get("maximum")
            return f"{each['minimum']} or more" if most is None else f"{each['minimum']} to {most}"
    return ""
