"""What the ranking rules in force do to one viewer's list.

A lift is added to the score in units of its standard deviation over the titles that may be
recommended to the viewer, so a rule means the same to a viewer of two films and to one of two
hundred. A pin takes its position among the others, which keep their order.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from domain.ranking.history import Flags, Floats, Indices
from domain.ranking.reasons import Reason
from domain.ranking.rules import Boost, Effect, Pin

P = TypeVar("P")
UNIT_DECIMALS = 6
LABEL = "Featured"


class Lifted(NamedTuple):
    """Scores with the rules' lifts in them.

    ``unit`` is the standard deviation that the lifts count, ``boosts`` and ``buries`` the rules
    that raise and lower titles, strongest first, ``lifts`` what they add to each title.
    """

    total: Floats
    unit: float = 0.0
    boosts: tuple[Boost, ...] = ()
    buries: tuple[Boost, ...] = ()
    lifts: Floats | None = None

    def boosts_of(self, titles: Indices) -> dict[int, Boost]:
        """Return the strongest boost of each title that has one: place in ``titles`` -> boost."""
        found: dict[int, Boost] = {}
        for boost in self.boosts:
            for place in np.flatnonzero(boost.matches[titles]).tolist():
                found.setdefault(place, boost)
        return found


def lift(total: Floats, allowed: Flags, effect: Effect) -> Lifted:
    """Return the scores of all titles with the lifts added.

    Args:
        total: scores without rules, one a title.
        allowed: the titles that may be recommended to the viewer.
        effect: the rules in force.
    """
    if effect.lifts is None or not allowed.any():
        return Lifted(total)
    unit = round(float(total[allowed].std()), UNIT_DECIMALS)  # its last bits know the titles' order
    lifts = unit * effect.lifts[: len(total)]
    return Lifted(total + lifts, unit, effect.boosts, effect.buries, lifts)


def pins_of(effect: Effect, allowed: Flags, size: int) -> list[Pin]:
    """Return the pins that hold in a list of ``size``, each with the position that it gets.

    Two for one position follow each other, and the first pin of a title counts. A pin that falls
    beyond the list does not hold: its title is where its score puts it.
    """
    found: dict[int, Pin] = {}
    free = 1
    for pin in effect.pins:
        position = max(pin.position, free)
        shown = pin.title < len(allowed) and bool(allowed[pin.title])
        if shown and position <= size and pin.title not in found:
            found[pin.title] = pin._replace(position=position)
            free = position + 1
    return list(found.values())


def placed(others: Sequence[P], pinned: Sequence[tuple[int, P]], size: int) -> list[P]:
    """Return the list with the pinned in their positions; the others move down and out.

    Positions grow and are at most ``size``; one beyond the end of a short list is last.

    >>> placed(["a", "b", "c"], [(1, "x"), (2, "y"), (5, "z")], 5)
    ['x', 'y', 'a', 'b', 'z']
    """
    found = list(others[: size - len(pinned)])
    for position, pick in pinned:
        found.insert(position - 1, pick)
    return found


def pinned_reason(rule_id: str) -> Reason:
    """Return the reason of a pinned title: nothing about the viewer placed it."""
    return Reason("context_aware", [_named(rule_id)], LABEL)


def boosted_reason(reason: Reason, boost: Boost, unit: float, largest: float) -> Reason:
    """Return a reason with the boost first, if its term is the largest.

    Args:
        reason: of the terms without rules.
        boost: the strongest rule that raises the title.
        unit: standard deviation of the viewer's scores.
        largest: the largest term without rules.
    """
    if boost.strength * unit < largest or unit <= 0.0:
        return reason
    return Reason(reason.recommendation_type, [_named(boost.rule_id), *reason.based_on], LABEL)


def _named(rule_id: str) -> str:
    return f"rule:{rule_id}"
