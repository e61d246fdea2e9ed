"""watch-states -> [viewer histories, two EASE fits in another process] -> neighbour rows.

All columns are fitted at first, after an erasure, every ``cowatch_refit_s``, and once nothing
arrives any more: then the rows are a function of the histories alone. In between, every
``cowatch_renew_s``, only those of titles whose audience changed (``domain.cowatch_renewal``).
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.rows import Encoded, RowPublisher, encoded
from agents.spec import Emit, FitAgent, Record
from domain.cowatch import Histories, watch_weight
from domain.cowatch_histories import HistoryStore
from domain.cowatch_renewal import Fit, Fitted, fit_whole, renew
from domain.cowatch_sparse import Limits
from domain.together import engaged
from infra.settings import Settings
from schemas.codec import decode
from schemas.ids import KEY_SEPARATOR
from schemas.watch_state import WatchState
from topics.catalog import NEIGHBOURS, TOGETHER, WATCH_STATES
from topics.spec import TopicSpec

logger = logging.getLogger(__name__)

FIT_THREADS = 1  # the other cores belong to the stream agents


class Tables(NamedTuple):
    """EASE over what was liked, and over what was chosen at all."""

    liked: Fitted
    chosen: Fitted


class Outcome(NamedTuple):
    """What the fitting process hands back; rows are encoded there, up to a million weights."""

    model_version: int
    tables: Tables
    neighbours: Encoded
    together: Encoded


def limits_of(settings: Settings) -> Limits:
    """Return how many titles are fitted, and in which form."""
    return Limits(
        dense_titles=settings.cowatch_titles_max,
        sparse_titles=settings.cowatch_sparse_titles_max,
        pairs=settings.cowatch_pairs_max,
    )


def fit_tables(histories: Histories, how: Fit, before: Tables | None = None) -> Tables:
    """Return both tables, fitted whole or, where there are tables ``before``, renewed.

    The number of threads is fixed: it leaves cores free and the sums keep their order.
    """
    chosen = engaged(histories)
    with threadpool_limits(limits=FIT_THREADS):
        if before is None:
            found = Tables(fit_whole(histories, how), fit_whole(chosen, how))
        else:
            found = Tables(renew(before.liked, histories, how), renew(before.chosen, chosen, how))
    wanted = min(how.limits.titles, len(np.unique(histories.titles)))
    for table, fitted in zip(Tables._fields, found, strict=True):
        if fitted.left_out:
            logger.warning(
                "pairs of %s titles exceed %d: EASE takes the %d titles with most viewers of %d",
                table, how.limits.pairs, wanted - len(fitted.left_out), wanted,
            )  # fmt: skip
    return found


def fit_job(model_version: int, histories: Histories, how: Fit, before: Tables | None) -> Outcome:
    """Fit both tables and encode them, in the fitting process."""
    tables = fit_tables(histories, how, before)
    was = (None, None) if before is None else (before.liked.rows, before.chosen.rows)
    rows = (encoded(table.rows, old) for table, old in zip(tables, was, strict=True))
    return Outcome(model_version, tables, *rows)


def fit_of(settings: Settings) -> Fit:
    """Return how tables are fitted."""
    return Fit(limits_of(settings), settings.cowatch_lambda, settings.neighbours_max, log_progress)


def log_progress(done: int, titles: int) -> None:
    """Say how far a fit by neighbourhoods is: it may take minutes."""
    logger.info("EASE of %d titles out of %d is solved", done, titles)


class CoWatchFitter:
    """Keeps viewer histories; emits rows whose neighbours differ from the ones published before."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._store = HistoryStore()
        self._next_offsets: dict[int, int] = {}
        self._changed = False
        self._tables: Tables | None = None  # as of the last job
        self._erased = False  # something, since the last whole fit: what is kept remembers it
        self._whole = True  # whether nothing was renewed since the last whole fit
        self._whole_at_s = -math.inf
        self._version = 0  # of the last job
        self._publishers = {topic.name: RowPublisher(topic) for topic in (NEIGHBOURS, TOGETHER)}

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in watch states, and the rows that were published."""
        publisher = self._publishers.get(topic.name)
        take = self._take_state if publisher is None else publisher.read_back
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            take(record.key.decode(), record)

    def _take_state(self, key: str, record: Record) -> None:
        """Set one pair of viewer and title; a tombstone takes it out (erasure)."""
        user_id, _, content_id = key.partition(KEY_SEPARATOR)
        weight = 0 if record.value is None else watch_weight(decode(WatchState, record.value))
        if record.value is None:
            self._erased = True
        self._store.put(user_id, content_id, weight)
        self._next_offsets[record.partition] = record.offset + 1
        self._changed = True

    def changed(self) -> bool:
        """Whether anything arrived since the last job, or the rows are not yet those of a fit."""
        return self._changed or not self._whole

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the fit, whole or renewed, over everything taken in so far."""
        now_s, settings = self._clock(), self._settings
        idle, old = not self._changed, now_s - self._whole_at_s >= settings.cowatch_refit_s
        before = None if idle or old or self._erased else self._tables
        self._whole = before is None
        if self._whole:
            self._whole_at_s, self._erased = now_s, False
        self._changed = False
        self._version = max(sum(self._next_offsets.values()), self._version + 1)
        return fit_job, (self._version, self._store.histories(), fit_of(settings), before)

    def on_fitted(self, result: Outcome) -> list[Emit]:
        """Return changed rows, and tombstones for titles that no longer have neighbours."""
        version = result.model_version
        self._tables = result.tables
        return [
            *self._publishers[NEIGHBOURS.name].publish(result.neighbours, version),
            *self._publishers[TOGETHER.name].publish(result.together, version),
        ]


SPEC = FitAgent(
    name="co-watch",
    sources=(WATCH_STATES, NEIGHBOURS, TOGETHER),
    emits=(NEIGHBOURS, TOGETHER),
    interval_s=attrgetter("cowatch_renew_s"),
    create_fitter=CoWatchFitter,
)
