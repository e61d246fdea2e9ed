"""watch-states -> [viewer histories, two EASE fits in another process] -> neighbour rows."""

import logging
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.rows import EncodedRow, RowPublisher, encoded
from agents.spec import Emit, FitAgent, Record
from domain import together
from domain.cowatch import Histories, NeighbourRows, watch_weight
from domain.cowatch_histories import HistoryStore
from domain.cowatch_sparse import Limits, fit
from infra.settings import Settings
from schemas.codec import decode
from schemas.ids import KEY_SEPARATOR
from schemas.watch_state import WatchState
from topics.catalog import NEIGHBOURS, TOGETHER, WATCH_STATES
from topics.spec import TopicSpec

logger = logging.getLogger(__name__)

FIT_THREADS = 1  # the other cores belong to the stream agents


class Fitted(NamedTuple):
    """What the fitting process hands back, encoded there: up to a million weights a refit."""

    model_version: int
    neighbours: list[EncodedRow]
    together: list[EncodedRow]


def limits_of(settings: Settings) -> Limits:
    """Return how many titles are fitted, and in which form."""
    return Limits(
        dense_titles=settings.cowatch_titles_max,
        sparse_titles=settings.cowatch_sparse_titles_max,
        pairs=settings.cowatch_pairs_max,
    )


def fit_tables(
    histories: Histories, limits: Limits, ridge: float, neighbours_max: int
) -> tuple[NeighbourRows, NeighbourRows]:
    """Return EASE over what was liked, and over what was chosen at all.

    The number of threads is fixed: it leaves cores free and the sums keep their order.
    """
    with threadpool_limits(limits=FIT_THREADS):
        liked = fit(histories, limits, ridge, neighbours_max, log_progress)
        chosen = together.fit(histories, limits, ridge, neighbours_max, log_progress)
    wanted = min(limits.titles, len(np.unique(histories.titles)))
    for table, rows in (("liked", liked), ("chosen", chosen)):
        if len(rows.title_ids) < wanted:
            logger.warning(
                "pairs of %s titles exceed %d: EASE takes the %d titles with most viewers of %d",
                table, limits.pairs, len(rows.title_ids), wanted,
            )  # fmt: skip
    return liked, chosen


def fit_job(
    model_version: int, histories: Histories, limits: Limits, ridge: float, neighbours_max: int
) -> Fitted:
    """Fit both tables and encode them, in the fitting process."""
    liked, chosen = fit_tables(histories, limits, ridge, neighbours_max)
    return Fitted(model_version, list(encoded(liked)), list(encoded(chosen)))


def log_progress(done: int, titles: int) -> None:
    """Say how far a fit by neighbourhoods is: it may take minutes."""
    logger.info("EASE of %d titles out of %d is solved", done, titles)


class CoWatchFitter:
    """Keeps viewer histories; emits rows whose neighbours differ from the ones published before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = HistoryStore()
        self._next_offsets: dict[int, int] = {}
        self._changed = False
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
        self._store.put(user_id, content_id, weight)
        self._next_offsets[record.partition] = record.offset + 1
        self._changed = True

    def changed(self) -> bool:
        """Whether anything arrived since the last job."""
        return self._changed

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the fit over everything taken in so far."""
        self._changed = False
        settings = self._settings
        return fit_job, (
            sum(self._next_offsets.values()),
            self._store.histories(),
            limits_of(settings),
            settings.cowatch_lambda,
            settings.neighbours_max,
        )

    def on_fitted(self, result: Fitted) -> list[Emit]:
        """Return changed rows, and tombstones for titles that no longer have neighbours."""
        version = result.model_version
        return [
            *self._publishers[NEIGHBOURS.name].publish(result.neighbours, version),
            *self._publishers[TOGETHER.name].publish(result.together, version),
        ]


SPEC = FitAgent(
    name="co-watch",
    sources=(WATCH_STATES, NEIGHBOURS, TOGETHER),
    emits=(NEIGHBOURS, TOGETHER),
    interval_s=attrgetter("cowatch_refit_s"),
    create_fitter=CoWatchFitter,
)
