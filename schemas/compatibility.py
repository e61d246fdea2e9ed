"""Two JSON Schemas -> what would stop an old record, an old sender or an old reader from working.

Topics outlive deployments: a new reader meets records written years ago, and during a rollout an
old reader meets records of a new writer. So within one version a field may be added if it is
optional, and a limit may be loosened; everything else is a new version of the topic. One exception
to the rule for old readers: an enumeration may gain a value, because readers are deployed first.

What is posted to the API may be accepted more freely, but never less; what it answers may have more
fields, but no field may hold what an old client does not expect (``Use``).
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

Schema = Mapping[str, Any]

# Keyword -> which direction tightens it. A tighter limit refuses records that were valid before.
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf")
_CONDITIONS = ("if", "then", "else", "not", "oneOf")  # beside a type; records have none


class Use(Enum):
    """What values of a schema are: who writes them, and who reads them."""

    RECORD = "written and read by us, old and new at the same time"
    REQUEST = "written by old clients"
    RESPONSE = "read by old clients"


def breaking_changes(old: Schema, new: Schema, use: Use = Use.RECORD) -> list[str]:
    """Return one line per incompatible change from ``old`` to ``new``; empty when compatible.

    Args:
        old: a JSON Schema as pydantic makes it (``$defs``, ``anyOf`` for optional fields).
        new: the schema that is to replace it.
        use: in which direction a change may break somebody.

    Example:
        >>> old = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
        >>> breaking_changes(old, {"type": "object", "properties": {}})
        ['id: removed']
    """
    return list(_compare(old, new, Roots(old, new, use), ""))


def breaking_parts(old: Schema, new: Schema, roots: "Roots", path: str) -> list[str]:
    """Return the same for two schemas that stand somewhere in larger documents, ``roots``."""
    return list(_compare(old, new, roots, path))


class Roots:
    """Both documents, to follow references, and the pairs already compared (recursive models)."""

    def __init__(self, old: Schema, new: Schema, use: Use) -> None:
        self.old = old
        self.new = new
        self.use = use
        self.seen: set[tuple[str, str]] = set()

    def first_visit(self, old: Schema, new: Schema) -> bool:
        """Whether this pair of references was not compared yet."""
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if pair == ("", ""):
            return True
        if pair in self.seen:
            return False
        self.seen.add(pair)
        return True


def _resolve(node: Schema, root: Schema) -> Schema:
    """Follow ``#/...`` references, and make one schema of what ``allOf`` demands together."""
    while "$ref" in node:
        target: Any = root
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        node = target
    if "allOf" not in node:
        return node
    merged: dict[str, Any] = {}
    for demand in [_resolve(each, root) for each in node["allOf"]]:
        fields = {**merged.get("properties", {}), **demand.get("properties", {})}
        merged = {**merged, **demand, "properties": fields}
    return merged


def _alternatives(node: Schema, root: Schema) -> dict[str, Schema]:
    """The types a value may have, each with its schema; a plain schema is one alternative.

    Enumerations of one type are one enumeration, however many names the model gives its parts.
    """
    found: dict[str, Schema] = {}
    several = [] if "type" in node else [*node.get("anyOf", ()), *node.get("oneOf", ())]
    for option in several or [node]:
        kind = _kind(_resolve(option, root))
        if kind in found and "enum" in option and "enum" in found[kind]:
            option = {**option, "enum": [*found[kind]["enum"], *option["enum"]]}
        elif kind in found:
            kind = f"{kind} ({len(found) + 1})"
        found[kind] = option
    return found


def _kind(node: Schema) -> str:
    return str(node.get("type", "any"))


def _compare(old: Schema, new: Schema, roots: Roots, path: str) -> Iterator[str]:
    """Compare two schemas that stand at the same place."""
    if not roots.first_visit(old, new):
        return
    before = _alternatives(_resolve(old, roots.old), roots.old)
    after = _alternatives(_resolve(new, roots.new), roots.new)
    if _types_differ(set(before) - {"null"}, set(after) - {"null"}, roots.use):
        yield f"{path or 'record'}: type changed from {sorted(before)} to {sorted(after)}"
        return
    if roots.use is not Use.RESPONSE and "null" in before and "null" not in after:
        yield f"{path}: no longer accepts null"
    if roots.use is Use.RESPONSE and "null" in after and "null" not in before:
        yield f"{path}: may be null now"
    for kind in (set(before) & set(after)) - {"null"}:
        first = _resolve(before[kind], roots.old)
        second = _resolve(after[kind], roots.new)
        if roots.use is Use.RESPONSE:
            yield from (f"{line} (widened)" for line in _values(second, first, path, roots.use))
        else:
            yield from _values(first, second, path, roots.use)
        yield from _fields(first, second, roots, path)
        yield from _elements(first, second, roots, path)


def _types_differ(before: set[str], after: set[str], use: Use) -> bool:
    """Whether a type is gone or, in answers, new; of records neither may be."""
    if use is Use.REQUEST:
        return not before <= after
    return not after <= before if use is Use.RESPONSE else before != after


def _values(old: Schema, new: Schema, path: str, use: Use) -> Iterator[str]:
    """Enumerations, limits and patterns: looser is fine, tighter is not."""
    if "enum" in new or "const" in new:
        refused = sorted(_allowed(old) - _allowed(new)) if _allowed(old) else ["any value"]
        if refused:
            yield f"{path}: no longer accepts {', '.join(refused)}"
    elif _allowed(old) and use is Use.RECORD:
        yield f"{path}: enumeration {sorted(_allowed(old))} became open"
    for word in _LOWER_BOUNDS:
        if word in new and new[word] > old.get(word, float("-inf")):
            yield f"{path}: {word} tightened to {new[word]}"
    for word in _UPPER_BOUNDS:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{path}: {word} tightened to {new[word]}"
    for word in _EXACT if use is Use.RECORD else (*_EXACT, *_CONDITIONS):
        if word in new and new[word] != old.get(word):
            yield f"{path}: {word} changed to {new[word]}"


def _allowed(node: Schema) -> set[str]:
    values = node.get("enum", [node["const"]] if "const" in node else [])
    return {repr(value) for value in values}


def _fields(old: Schema, new: Schema, roots: Roots, path: str) -> Iterator[str]:
    """Properties of an object: none removed, none newly required or newly optional."""
    before, after = old.get("properties", {}), new.get("properties", {})
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(set(before) | set(after)):
        inner = f"{path}.{name}" if path else name
        if name not in after:
            yield f"{inner}: removed"
        elif name not in before:
            if name in is_required and roots.use is not Use.RESPONSE:
                yield f"{inner}: new and required"
        else:
            if name in is_required - was_required and roots.use is not Use.RESPONSE:
                yield f"{inner}: became required"
            if name in was_required - is_required and roots.use is not Use.REQUEST:
                yield f"{inner}: became optional, old readers need it"
            yield from _compare(before[name], after[name], roots, inner)


def _elements(old: Schema, new: Schema, roots: Roots, path: str) -> Iterator[str]:
    """Elements of lists and maps."""
    for word in ("items", "additionalProperties"):
        if word not in old and word not in new:
            continue
        first, second = old.get(word, {}), new.get(word, {})
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from _compare(first, second, roots, f"{path}[]")
        elif first != second:
            yield f"{path}: {word} changed from {first} to {second}"
    first_parts, second_parts = old.get("prefixItems", []), new.get("prefixItems", [])
    if len(first_parts) != len(second_parts):
        yield f"{path}: {len(first_parts)} positions became {len(second_parts)}"
        return
    for position, (one, other) in enumerate(zip(first_parts, second_parts, strict=True)):
        yield from _compare(one, other, roots, f"{path}[{position}]")
