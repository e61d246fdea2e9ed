"""watch-states -> [viewer histories, EASE in another process] -> neighbours."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.spec import Emit, FitAgent, Record
from domain.cowatch import Histories, NeighbourRows, fit, watch_weight
from domain.cowatch_histories import HistoryStore
from infra.settings import Settings
from schemas.codec import decode
from schemas.ids import KEY_SEPARATOR
from schemas.watch_state import WatchState
from topics.catalog import NEIGHBOURS, WATCH_STATES
from topics.spec import TopicSpec

FIT_THREADS = 1  # the other cores belong to the stream agents


class EncodedRow(NamedTuple):
    """The neighbours of one title as JSON, and a digest to see whether they changed."""

    content_id: str
    digest: bytes
    neighbours: bytes


class Fitted(NamedTuple):
    """What the fitting process hands back, encoded there: up to a million weights a refit."""

    model_version: int
    rows: list[EncodedRow]


def fit_job(
    model_version: int, histories: Histories, titles_max: int, ridge: float, neighbours_max: int
) -> Fitted:
    """Fit with a fixed number of threads: it leaves cores free and its sums keep their order."""
    with threadpool_limits(limits=FIT_THREADS):
        rows = fit(histories, titles_max, ridge, neighbours_max)
    return Fitted(model_version, list(_encoded(rows)))


def _encoded(rows: NeighbourRows) -> Iterator[EncodedRow]:
    starts = rows.starts.tolist()
    columns, weights = rows.neighbours.tolist(), rows.weights.tolist()
    for row, content_id in enumerate(rows.title_ids):
        begin, end = starts[row], starts[row + 1]
        if begin < end:
            neighbours = orjson.dumps(
                [
                    {"content_id": rows.title_ids[column], "weight": weight}
                    for column, weight in zip(columns[begin:end], weights[begin:end], strict=True)
                ]
            )
            yield EncodedRow(content_id, digest_of(neighbours), neighbours)


def digest_of(neighbours: bytes) -> bytes:
    """Return a digest of a row's neighbours as JSON."""
    return hashlib.blake2b(neighbours, digest_size=16).digest()


class CoWatchFitter:
    """Keeps viewer histories; emits rows whose neighbours differ from the ones published before.

    Where the neighbours topic is a source as well, what was published is read back from it: then a
    restart publishes nothing twice and takes back rows that lost their title meanwhile. Otherwise
    every row is published once more after a restart, which changes nothing for readers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = HistoryStore()
        self._next_offsets: dict[int, int] = {}
        self._changed = False
        self._published: dict[str, bytes] = {}  # title -> digest of its neighbours

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in watch states, and the rows that were published."""
        take = self._take_published if topic == NEIGHBOURS else self._take_state
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

    def _take_published(self, key: str, record: Record) -> None:
        if record.value is None:
            self._published.pop(key, None)
        else:
            self._published[key] = digest_of(orjson.dumps(orjson.loads(record.value)["neighbours"]))

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
        emits: list[Emit] = []
        digests: dict[str, bytes] = {}
        for row in result.rows:
            digests[row.content_id] = row.digest
            if self._published.get(row.content_id) != row.digest:
                value = encode_row(row, result.model_version)
                emits.append(Emit(NEIGHBOURS, row.content_id.encode(), value, None))
        emits += [
            Emit(NEIGHBOURS, content_id.encode(), None, None)
            for content_id in sorted(self._published.keys() - digests.keys())
        ]
        self._published = digests
        return emits


def encode_row(row: EncodedRow, model_version: int) -> bytes:
    """Return the bytes of one ``Neighbours`` record, equal to ``schemas.codec.encode``'s."""
    head = orjson.dumps({"content_id": row.content_id, "model_version": model_version})
    return head[:-1] + b',"neighbours":' + row.neighbours + b"}"


def canonical_neighbours(value: bytes) -> bytes:
    """Return a row without its model version, which says when it changed and not what it holds."""
    row = orjson.loads(value)
    row.pop("model_version", None)
    return orjson.dumps(row)


SPEC = FitAgent(
    name="co-watch",
    sources=(WATCH_STATES, NEIGHBOURS),
    emits=(NEIGHBOURS,),
    interval_s=attrgetter("cowatch_refit_s"),
    create_fitter=CoWatchFitter,
)
