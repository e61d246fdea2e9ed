"""JSON schemas -> the same with a bound on every string, array, integer and map.

Where a model states no bound of its own, the one that holds for every document stands there:
nothing gets into the system that ``api.parsing`` refuses, and nothing is composed of more than a
few such strings.
"""

from collections.abc import Callable, Mapping
from typing import Any

from api.parsing import ARRAY_MAX, INTEGER_MAX, KEYS_MAX, STRING_MAX

Json = dict[str, Any]

INT32_MAX = 2**31 - 1
NO_NUL = r"^[^\x00]*$"
_CHOICES = ("enum", "const")


def bounded(schema: Any) -> Any:
    """Return a copy of a JSON schema in which every node says its limits."""
    if isinstance(schema, list):
        return [bounded(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    node: Json = {name: _inside(name, value) for name, value in schema.items()}
    complete = _COMPLETE.get(str(node.get("type")))
    return complete(node) if complete is not None else node


def _inside(name: str, value: Any) -> Any:
    """Return what stands behind a keyword; values of data are left alone."""
    if name in {"default", "example", "examples", *_CHOICES}:
        return value
    if name in {"properties", "$defs"}:  # names of fields, which may be called like keywords
        return {key: bounded(each) for key, each in value.items()}
    return bounded(value)


def _string(node: Json) -> Json:
    if any(word in node for word in _CHOICES):
        return node
    node.setdefault("maxLength", STRING_MAX)
    if "format" not in node:
        node.setdefault("pattern", NO_NUL)
    return node


def _array(node: Json) -> Json:
    node.setdefault("maxItems", ARRAY_MAX)
    return node


def _integer(node: Json) -> Json:
    if any(word in node for word in _CHOICES):
        return {**node, "format": node.get("format", "int32")}
    if "exclusiveMinimum" not in node:
        node.setdefault("minimum", -INTEGER_MAX)
    if "exclusiveMaximum" not in node:
        node.setdefault("maximum", INTEGER_MAX)
    largest = max(abs(node.get(word, 0)) for word in ("minimum", "maximum"))
    node.setdefault("format", "int32" if largest <= INT32_MAX else "int64")
    return node


def _object(node: Json) -> Json:
    if node.get("additionalProperties") and "properties" not in node:
        node.setdefault("maxProperties", KEYS_MAX)
    return node


_COMPLETE: Mapping[str, Callable[[Json], Json]] = {
    "string": _string, "array": _array, "integer": _integer, "object": _object,
}  # fmt: skip
