"""watch-states -> [viewer histories, two EASE fits in another process] -> neighbour rows."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.rows import EncodedRow, RowPublisher, encoded
from agents.spec import Emit, FitAgent, Record
from domain import cowatch, together
from domain.cowatch import Histories, watch_weight
from domain.cowatch_histories import HistoryStore
from infra.settings import Settings
from schemas.codec import decode
from schemas.ids import KEY_SEPARATOR
from schemas.watch_state import WatchState
from topics.catalog import NEIGHBOURS, TOGETHER, WATCH_STATES
from topics.spec import TopicSpec

FIT_THREADS = 1  # the other cores belong to the stream agents


class Fitted(NamedTuple):
    """What the fitting process hands back, encoded there: up to a million weights a refit."""

    model_version: int
    neighbours: list[EncodedRow]
    together: list[EncodedRow]


def fit_job(
    model_version: int, histories: Histories, titles_max: int, ridge: float, neighbours_max: int
) -> Fitted:
    """Fit with a fixed number of threads: it leaves cores free and its sums keep their order."""
    with threadpool_limits(limits=FIT_THREADS):
        liked = cowatch.fit(histories, titles_max, ridge, neighbours_max)
        chosen = together.fit(histories, titles_max, ridge, neighbours_max)
    return Fitted(model_version, list(encoded(liked)), list(encoded(chosen)))


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
            settings.cowatch_titles_max,
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
