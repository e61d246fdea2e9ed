"""A payload that knows which of its fields a mapper has read, at any depth."""

from collections.abc import Iterator
from typing import Any


class Watched(dict[str, Any]):
    """An object of a payload; ``asked`` are the names that were read, present or not.

    Whether a name is there (``in``) does not read it: that is ``looked_for``. Objects inside are
    watched too.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__({name: watched(value) for name, value in fields.items()})
        self.asked: set[str] = set()
        self.looked_for: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.looked_for.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def items(self) -> Any:
        self.asked |= self.keys()
        return super().items()

    def places_asked(self) -> set[str]:
        """Return what was read or looked for, by place: ``availability[].region``."""
        return {
            place
            for place, each in self._objects()
            for place in _below(place, each.asked | each.looked_for)
        }

    def places_unread(self) -> set[str]:
        """Return the fields that are there and were not read."""
        return {
            place
            for place, each in self._objects()
            for place in _below(place, each.keys() - each.asked)
        }

    def _objects(self, place: str = "") -> Iterator[tuple[str, "Watched"]]:
        yield place, self
        for name, value in super().items():
            inside = value if isinstance(value, list) else [value]
            ending = "[]" if isinstance(value, list) else ""
            for each in inside:
                if isinstance(each, Watched):
                    (below,) = _below(place, {name + ending})
                    yield from each._objects(below)


def watched(value: Any) -> Any:
    """Return a JSON value whose objects are watched."""
    if isinstance(value, dict):
        return Watched(value)
    return [watched(each) for each in value] if isinstance(value, list) else value


def _below(place: str, names: Any) -> list[str]:
    return [f"{place}.{name}" if place else name for name in names]
