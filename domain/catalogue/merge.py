"""The state of one title: every field remembers which event wrote it.

A clock is (event time in ms, event id). A field keeps the value with the greatest clock, so events
may arrive in any order, late or twice, and the state is the same, byte for byte. Removal is a clock
per partner record, and what is older than it is not seen any more; so a late update does not bring
a removed title back, and a newer one does. Size is bounded: one value a field, one entry a partner
record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from domain.catalogue.mapped import refusal
from schemas.content import Content
from schemas.ids import KEY_SEPARATOR

Clock = tuple[int, str]
_PLACEHOLDERS = {"content_id": "x", "type": "movie", "title": "x", "updated_at_ms": 0}
EXTERNAL = "external:"  # fields named external:imdb, ... each with its own clock
_NEVER: Clock = (-1, "")


@dataclass(slots=True)
class Offer:
    """One partner record of the title: when it was last offered, removed, and where."""

    seen: Clock = _NEVER
    removed: Clock = _NEVER
    windows: tuple[dict[str, Any], ...] = ()
    windows_clock: Clock = _NEVER

    @property
    def present(self) -> bool:
        """Whether the partner offers it: the newest word is not a removal."""
        return self.seen > self.removed


@dataclass(slots=True)
class ContentState:
    """Fields and partner records of one title, each with its clock."""

    content_id: str
    fields: dict[str, tuple[Clock, Any]] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)

    def apply(self, clock: Clock, offer_key: str, change: "Change") -> None:
        """Merge one event. Commutative and idempotent."""
        for name, value in change.fields.items():
            held = self.fields.get(name)
            if held is None or clock > held[0]:
                self.fields[name] = (clock, value)
        offer = self.offers.setdefault(offer_key, Offer())
        if change.removed:
            offer.removed = max(offer.removed, clock)
            return
        offer.seen = max(offer.seen, clock)
        if change.availability is not None and clock > offer.windows_clock:
            offer.windows, offer.windows_clock = change.availability, clock

    def content(self) -> Content | None:
        """Return the canonical content; None when nobody offers it or type or title is unknown."""
        values = {name: value for name, (_, value) in self.fields.items() if value is not None}
        present = {key: offer for key, offer in sorted(self.offers.items()) if offer.present}
        if not present or "type" not in values or "title" not in values:
            return None
        external = {
            name.removeprefix(EXTERNAL): values.pop(name)
            for name in sorted(values)
            if name.startswith(EXTERNAL)
        }
        partner_ids: dict[str, str] = {}
        for key in present:
            partner, _, partner_id = key.partition(KEY_SEPARATOR)
            partner_ids.setdefault(partner, partner_id)
        return Content.model_validate(
            {
                **values,
                "content_id": self.content_id,
                "external_ids": external,
                "partner_ids": partner_ids,
                "availability": _windows(present),
                "updated_at_ms": self._updated_at_ms(),
            }
        )

    def _updated_at_ms(self) -> int:
        clocks = [clock for clock, _ in self.fields.values()]
        clocks += [max(offer.seen, offer.removed) for offer in self.offers.values()]
        return max(clocks)[0]


@dataclass(frozen=True, slots=True)
class Change:
    """What one event says about a title, with every link resolved to a content id."""

    fields: dict[str, Any] = field(default_factory=dict)
    availability: tuple[dict[str, Any], ...] | None = None
    removed: bool = False


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
    values = {name: value for name, value in fields.items() if value is not None}
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


def _windows(present: dict[str, Offer]) -> list[dict[str, Any]]:
    """Windows named since the last removal; a partner that named none offers it everywhere."""
    windows: list[dict[str, Any]] = []
    for key, offer in present.items():
        partner = key.partition(KEY_SEPARATOR)[0]
        explicit = offer.windows_clock > offer.removed
        each = offer.windows if explicit else ({"offer": "subscription"},)
        windows += [{"partner": partner, **window} for window in each]
    return windows


def encode_state(state: ContentState) -> bytes:
    """Return the canonical bytes of a state: equal states are equal bytes."""
    return orjson.dumps(
        {
            "id": state.content_id,
            "f": {name: (clock, value) for name, (clock, value) in state.fields.items()},
            "o": {
                key: (offer.seen, offer.removed, offer.windows_clock, offer.windows)
                for key, offer in state.offers.items()
            },
        },
        option=orjson.OPT_SORT_KEYS,
    )


def decode_state(value: bytes) -> ContentState:
    """Return the state that ``encode_state`` wrote."""
    raw = orjson.loads(value)
    return ContentState(
        content_id=raw["id"],
        fields={name: (_clock(clock), held) for name, (clock, held) in raw["f"].items()},
        offers={
            key: Offer(_clock(seen), _clock(removed), tuple(windows), _clock(windows_clock))
            for key, (seen, removed, windows_clock, windows) in raw["o"].items()
        },
    )


def _clock(pair: list[Any]) -> Clock:
    return pair[0], pair[1]
