"""The records of one group -> its canonical content, and what stands under its other names."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.catalogue.facts import EXTERNAL
from domain.catalogue.grouping import Group
from domain.catalogue.quality import quality_of
from domain.catalogue.record import LINKS, Clock, RecordState, partner_of
from schemas.content import Content

# What clears a field, and genres of which none is known to us: others may say something.
NOTHING: tuple[Any, ...] = (None, [], ())

NameOf = Callable[[str], str | None]  # record key -> content id of its group


def content_of(
    content_id: str, group: Group, states: Mapping[str, RecordState], name_of: NameOf
) -> Content | None:
    """Return the canonical content; None when nobody offers it or type or title is unknown.

    Of each field the value counts that was said last, by the records that are offered; a record
    that was removed keeps its place and says nothing, and neither does an empty list.
    ``states`` are the members of ``group``.
    """
    present = {key: states[key] for key in group.members if states[key].present}
    values = _merged(present)
    if not present or "type" not in values or "title" not in values:
        return None
    external = {
        name.removeprefix(EXTERNAL): values.pop(name)
        for name in sorted(values)
        if name.startswith(EXTERNAL)
    }
    for link in LINKS:
        target = name_of(values.pop(link)) if link in values else None
        if target is not None and target != content_id:
            values[link] = target
    quality = quality_of(values["type"], {**values, "external_ids": external})
    return Content.model_validate(
        {
            **values,
            "content_id": content_id,
            "external_ids": external,
            "partner_ids": _partner_ids(present),
            "availability": _windows(present),
            "records": _records(content_id, group, states),
            "quality": quality.score,
            "missing": quality.missing,
            "updated_at_ms": max(states[key].newest for key in group.members)[0],
        }
    )


def alias_of(content: Content, name: str) -> Content:
    """Return what stands under another name of a title: a version that shares its progress."""
    return Content(
        content_id=name,
        type=content.type,
        title=content.title,
        version_of=content.version_of or content.content_id,
        same_as=content.content_id,
        partner_ids=content.partner_ids,
        updated_at_ms=content.updated_at_ms,
    )


def _merged(present: Mapping[str, RecordState]) -> dict[str, Any]:
    newest: dict[str, tuple[Clock, Any]] = {}
    for state in present.values():
        for name, held in state.fields.items():
            if held[1] in NOTHING:
                continue
            if name not in newest or held[0] > newest[name][0]:
                newest[name] = held
    return {name: value for name, (_, value) in newest.items()}


def _partner_ids(present: Mapping[str, RecordState]) -> dict[str, str]:
    """Return partner -> its own id; of several records of one partner the first by id."""
    found: dict[str, str] = {}
    for key in present:
        partner, own_id = partner_of(key)
        found.setdefault(partner, own_id)
    return found


def _windows(present: Mapping[str, RecordState]) -> list[dict[str, Any]]:
    return [
        {"partner": partner_of(key)[0], **window}
        for key, state in present.items()
        for window in state.offers()
    ]


def _records(
    content_id: str, group: Group, states: Mapping[str, RecordState]
) -> list[dict[str, Any]]:
    """Return why each record is here, from the one that names the title outwards; none when alone.

    The links of a group are a tree: every other record came by exactly one link.
    """
    if len(group.members) == 1:
        return []
    root = next(key for key in group.members if states[key].name == content_id)
    found = [_entry(root, states[root])]
    waiting, links = [root], list(group.links)
    while waiting:
        key = waiting.pop(0)
        for link in [each for each in links if key in (each.left, each.right)]:
            links.remove(link)
            other = link.right if link.left == key else link.left
            reason = {"method": link.method, "confidence": link.confidence}
            found.append({**_entry(other, states[other]), **reason, "matched": states[key].name})
            waiting.append(other)
    return found


def _entry(key: str, state: RecordState) -> dict[str, Any]:
    partner, own_id = partner_of(key)
    return {"partner": partner, "partner_id": own_id, "content_id": state.name}
