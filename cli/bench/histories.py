"""Ledger states of many viewers with realistic histories, made by the ledger itself.

A few hundred template viewers watch through the real step; every other viewer gets the state of one
of them under a name of the same length. So each state is what the worker would have written, and a
million of them cost seconds instead of hours. The distribution: titles per viewer log-normal with
the stated median and sigma 1 (at most ``TITLES_MAX``), drawn by Zipf; each watched in about 3 to 40
heartbeats with 3 % seeks; two thirds are watched to the end.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.spec import Record, Step
from cli.bench.contestant import SOURCE, DictTable
from cli.bench.events import (
    START_AT_MS,
    Session,
    duration_of,
    report,
    user_name,
    zipf_weights,
)
from schemas.codec import encode
from schemas.progress import ProgressEvent
from schemas.times import DAY_MS

TITLES_MAX = 300
HEARTBEATS_MAX = 80
HISTORY_MS = 180 * DAY_MS
TEMPLATE_USER_FROM = 9_000_000  # template names never collide with those of real viewers


@dataclass(frozen=True, slots=True)
class Template:
    """The table rows of one template viewer, and its name inside them."""

    name: str
    rows: tuple[tuple[str, bytes], ...]
    events: int

    def rows_for(self, user: str) -> Iterator[tuple[str, bytes]]:
        """Yield the rows of a viewer called ``user``, whose name has the same length."""
        assert len(user) == len(self.name)
        old, new = self.name.encode(), user.encode()
        for key, value in self.rows:
            yield key.replace(self.name, user), value.replace(old, new)


def make_templates(step: Step, count: int, titles_median: float, seed: int = 11) -> list[Template]:
    """Let ``count`` template viewers watch their histories through ``step``."""
    dice = random.Random(seed)  # noqa: S311  # simulation, not security
    weights = zipf_weights(5000)
    templates = []
    for number in range(count):
        titles = min(TITLES_MAX, max(1, round(titles_median * dice.lognormvariate(0.0, 1.0))))
        chosen = dice.choices(range(5000), cum_weights=weights, k=titles)
        events = list(history(TEMPLATE_USER_FROM + number, chosen, dice))
        templates.append(watch(step, user_name(TEMPLATE_USER_FROM + number), events))
    return templates


def history(user: int, titles: Sequence[int], dice: random.Random) -> Iterator[ProgressEvent]:
    """Yield the events of one viewer who watches ``titles`` one after the other."""
    for order, title in enumerate(dict.fromkeys(titles)):
        at_ms = START_AT_MS - HISTORY_MS + order * HISTORY_MS // (len(titles) + 1)
        duration_s = duration_of(title)
        finishes = dice.random() < 2 / 3
        heartbeats = dice.randint(3, 40)
        until_s = duration_s if finishes else dice.uniform(60.0, 0.8 * duration_s)
        session = Session(user, title, order, duration_s, 0.0, until_s, until_s / heartbeats)
        for beat in range(HEARTBEATS_MAX):
            event_id = f"t-{user:07d}-{order:03d}-{beat:02d}"
            event, ended = report(session, dice, at_ms + beat * 30_000, event_id)
            yield event
            if ended:
                break


def watch(step: Step, user: str, events: Sequence[ProgressEvent]) -> Template:
    """Run the events of one viewer through the step and keep the rows it wrote."""
    table = DictTable()
    records = [
        Record(SOURCE.name, 0, offset, event.occurred_at_ms, user.encode(), encode(event))
        for offset, event in enumerate(events)
    ]
    outcome = step.on_batch(0, records, table, START_AT_MS)
    assert not outcome.rejects, outcome.rejects[0].detail
    step.on_revoked([0])  # the next template starts from an empty table
    return Template(user, tuple(table.values.items()), len(records))
