"""The state of one partner record: every field remembers which event wrote it.

A clock is (event time in ms, event id). A field keeps the value with the greatest clock, so events
may arrive in any order, late or twice, and the state is the same, byte for byte. Removal is a clock
too, and what is older than it is not seen any more; so a late update does not bring a removed title
back, and a newer one does. Size is bounded: one value a field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from domain.catalogue.facts import EXTERNAL, Facts, facts_of
from domain.catalogue.mapped import refusal
from schemas.content import Content
from schemas.ids import KEY_SEPARATOR

Clock = tuple[int, str]
NEVER: Clock = (-1, "")
LINKS = ("series_id", "version_of")  # fields that hold the key of another record
# Texts without a limit in the schema, from before there was one: a content may have a megabyte.
_SHORT_TEXTS, _SHORT_TEXT_MAX = ("language", "maturity_rating"), 200
_PLACEHOLDERS = {"content_id": "x", "type": "movie", "title": "x", "updated_at_ms": 0}
_EVERYWHERE: tuple[dict[str, Any], ...] = ({"offer": "subscription"},)


def record_key(partner: str, own_id: str) -> str:
    """Return the key of a partner's record; no partner's name holds the separator."""
    return f"{partner}{KEY_SEPARATOR}{own_id}"


def partner_of(key: str) -> tuple[str, str]:
    """Return (partner, its own id) of a record's key."""
    partner, _, own_id = key.partition(KEY_SEPARATOR)
    return partner, own_id


@dataclass(frozen=True, slots=True)
class Change:
    """What one event says about a record; links are keys of records."""

    fields: dict[str, Any] = field(default_factory=dict)
    availability: tuple[dict[str, Any], ...] | None = None
    removed: bool = False
    links: tuple[str, ...] = ()  # the records that ``fields`` link to


@dataclass(slots=True)
class RecordState:
    """One partner record. ``name`` and ``arrived`` are given at its first event and stay."""

    name: str
    arrived: int
    fields: dict[str, tuple[Clock, Any]] = field(default_factory=dict)
    seen: Clock = NEVER
    removed: Clock = NEVER
    windows: tuple[dict[str, Any], ...] = ()
    windows_clock: Clock = NEVER

    @property
    def present(self) -> bool:
        """Whether the partner offers it: the newest word is not a removal."""
        return self.seen > self.removed

    @property
    def newest(self) -> Clock:
        """The clock of the newest event that said anything."""
        return max([self.seen, self.removed, *(clock for clock, _ in self.fields.values())])

    def apply(self, clock: Clock, change: Change) -> None:
        """Merge one event. Commutative and idempotent."""
        for name, value in change.fields.items():
            held = self.fields.get(name)
            if held is None or clock > held[0]:
                self.fields[name] = (clock, value)
        if change.removed:
            self.removed = max(self.removed, clock)
            return
        self.seen = max(self.seen, clock)
        if change.availability is not None and clock > self.windows_clock:
            self.windows, self.windows_clock = change.availability, clock

    def offers(self) -> tuple[dict[str, Any], ...]:
        """Windows named since the last removal; a partner that named none offers it everywhere.

        An empty list says "nowhere from now on": an offer that ended when that was said. Without
        any window a title would count as available (``domain.availability``).
        """
        if self.windows_clock <= self.removed:
            return _EVERYWHERE
        return self.windows or ({"until_at_ms": self.windows_clock[0]},)

    def facts(self, key: str) -> Facts:
        """Return what is compared of the record."""
        values = {name: value for name, (_, value) in self.fields.items() if value is not None}
        return facts_of(partner_of(key)[0], self.name, self.arrived, values)


def check(
    fields: dict[str, Any],
    availability: tuple[dict[str, Any], ...] | None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Check the values of one event by the canonical schema, whatever else the title holds.

    Args:
        fields: canonical fields of the event.
        availability: its windows.
        names: what the partner calls a canonical field, where that is another name.

    Raises:
        MappingError: a value is out of range or of the wrong type; the first one is named.
    """
    values = {
        name: value
        for name, value in fields.items()
        if value is not None and not name.startswith(EXTERNAL)
    }
    for name in _SHORT_TEXTS:
        if len(values.get(name, "")) > _SHORT_TEXT_MAX:
            limit = f"a text with at most {_SHORT_TEXT_MAX} characters"
            raise refusal((names or {}).get(name, name), limit, values[name])
    windows = [{"partner": "x", **window} for window in availability or ()]
    try:
        Content.model_validate({**_PLACEHOLDERS, **values, "availability": windows})
    except ValidationError as error:
        issue = error.errors(include_url=False, include_context=False)[0]
        where = _field_name(issue["loc"], names or {})
        raise refusal(where, _expected(issue["msg"]), issue["input"]) from None


# What pydantic calls the limits of our schema, and what a partner's engineer would.
_LIMITS = {
    "Input should be ": "",
    "String should have ": "a text with ",
    "String should match ": "a text that matches ",
    "Tuple should have ": "a list with ",
}


def _expected(message: str) -> str:
    for start, words in _LIMITS.items():
        if message.startswith(start):
            return words + message.removeprefix(start)
    return message


def _field_name(place: tuple[int | str, ...], names: Mapping[str, str]) -> str:
    """Return a place in the canonical schema in the partner's words: ``availability[0].region``."""
    name = names.get(str(place[0]), str(place[0]))
    return name + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:]
    )


def encode_record(state: RecordState) -> bytes:
    """Return the canonical bytes of a state: equal states are equal bytes."""
    return orjson.dumps(
        {
            "n": state.name,
            "a": state.arrived,
            "f": state.fields,
            "o": (state.seen, state.removed, state.windows_clock, state.windows),
        },
        option=orjson.OPT_SORT_KEYS,
    )


def decode_record(value: bytes) -> RecordState:
    """Return the state that ``encode_record`` wrote."""
    raw = orjson.loads(value)
    seen, removed, windows_clock, windows = raw["o"]
    return RecordState(
        raw["n"],
        raw["a"],
        {name: (_clock(clock), held) for name, (clock, held) in raw["f"].items()},
        _clock(seen),
        _clock(removed),
        tuple(windows),
        _clock(windows_clock),
    )


def _clock(pair: list[Any]) -> Clock:
    return pair[0], pair[1]
