"""``bench cowatch``: what a fit of the co-watch model takes, by the size of the catalogue.

Made viewers (titles a viewer log-normal, median 30; a third of them by popularity that falls as
1 / (rank + 20), the others from the viewer's own cluster of titles) stand for the real thing; the
generator is deterministic. Each fit runs as the agent's does, in a process of its own with one
thread: its time is CPU time, its peak memory that of interpreter, histories, fit and rows. A
renewal takes the newest of the views in, ``NEWEST`` of all, after a fit without them.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from rich.progress import Progress
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.co_watch import FIT_THREADS, fit_of, limits_of
from cli.bench.report import GIB, Report
from cli.bench.slates import CLUSTERS, COMPLETED_SHARE, MEDIAN_TITLES, SEED, SIGMA_TITLES
from domain.cowatch import ENGAGED_ONLY, WEIGHT_ONE, Histories, NeighbourRows
from domain.cowatch_renewal import Fitted, fit_whole, renew
from domain.cowatch_sparse import Limits
from domain.evidence import PROGRESS_MIN
from domain.together import engaged
from infra.settings import Settings

FLATNESS = 20  # the first titles are about equally popular
TITLES_MAX = 500  # of one viewer
OWN_SHARE = 2 / 3  # of a viewer's titles: from their cluster
FIRST = 10  # neighbours that are compared
NEWEST = 1 / 200


@dataclass(frozen=True, slots=True)
class CowatchOptions:
    """How much is made and fitted; up to ``dense_max`` titles also by the dense inverse."""

    titles: tuple[int, ...]
    viewers: int
    dense_max: int


class Measured(NamedTuple):
    """One fit: what was fitted, its CPU time, and the peak memory of its process."""

    fitted: Fitted
    seconds: float
    peak_gib: float


async def run_cowatch(options: CowatchOptions, progress: Progress) -> Report:
    """Fit each size of the catalogue in turn."""
    rows = []
    task = progress.add_task("catalogues", total=len(options.titles))
    for titles in options.titles:
        rows.append(measure(titles, options))
        progress.advance(task)
    last = rows[-1]
    return Report(
        bench="cowatch",
        parameters={"viewers": options.viewers, "dense_max": options.dense_max},
        fields={"seconds": last["seconds"], "peak_gib": last["peak_gib"]},
        rows=rows,
        notes=[f"overlap: of the first {FIRST} neighbours of a title, those that dense has too"],
    )


def measure(titles: int, options: CowatchOptions) -> dict[str, Any]:
    """Return the figures of one size of the catalogue."""
    settings, histories = Settings(), made_histories(titles, options.viewers)
    limits = limits_of(settings)
    halved = limits._replace(dense_titles=min(limits.dense_titles, titles // 2))
    how = fit_of(settings)._replace(limits=halved)
    found = in_own_process(fit_whole, histories, how)
    chosen = in_own_process(fit_whole, engaged(histories), how)
    before = in_own_process(fit_whole, older(histories), how).fitted
    renewed = in_own_process(renew, before, histories, how)
    row = {
        "titles": titles,
        "watched": len(histories.titles),
        "fitted": len(found.fitted.rows.title_ids),
        "seconds": round(found.seconds, 1),
        "peak_gib": round(found.peak_gib, 2),
        "together_s": round(chosen.seconds, 1),
        "together_gib": round(chosen.peak_gib, 2),
        "renewed": renewed_titles(before, renewed.fitted),
        "renewal_s": round(renewed.seconds, 1),
        "renewal_gib": round(renewed.peak_gib, 2),
    }
    if titles <= options.dense_max:
        dense = in_own_process(fit_whole, histories, how._replace(limits=Limits(titles, 0, 0)))
        row |= {
            "dense_s": round(dense.seconds, 1),
            "dense_gib": round(dense.peak_gib, 2),
            "overlap": round(overlap(dense.fitted.rows, found.fitted.rows), 3),
        }
    return row


def made_histories(titles: int, viewers: int) -> Histories:
    """Return who watched how much of what."""
    dice = np.random.default_rng(SEED)
    lengths = np.clip(dice.lognormal(np.log(MEDIAN_TITLES), SIGMA_TITLES, viewers), 3, TITLES_MAX)
    viewer = np.repeat(np.arange(viewers), lengths.astype(int))
    shares = np.cumsum(1.0 / (np.arange(titles) + FLATNESS))
    popular = np.searchsorted(shares / shares[-1], dice.random(len(viewer)))
    own = np.minimum(popular // CLUSTERS * CLUSTERS + viewer % CLUSTERS, titles - 1)
    title = np.where(dice.random(len(viewer)) < OWN_SHARE, own, popular)
    pairs = np.unique(viewer * titles + title)
    progress = dice.integers(0, WEIGHT_ONE, len(pairs))
    weights = np.where(progress < PROGRESS_MIN * WEIGHT_ONE, ENGAGED_ONLY, progress)
    weights[dice.random(len(pairs)) < COMPLETED_SHARE] = WEIGHT_ONE
    return Histories(
        viewers=(pairs // titles).astype(np.int32),
        titles=(pairs % titles).astype(np.int32),
        weights=weights.astype(np.uint8),
        title_ids=[f"t{number:06d}" for number in range(titles)],
    )


def older(histories: Histories) -> Histories:
    """Return histories without the newest views: any, for none is older than another."""
    kept = np.random.default_rng(SEED).random(len(histories.titles)) >= NEWEST
    return histories._replace(
        viewers=histories.viewers[kept],
        titles=histories.titles[kept],
        weights=histories.weights[kept],
    )


def renewed_titles(before: Fitted, after: Fitted) -> int:
    """Return how many columns were fitted again."""
    then = dict(zip(before.rows.title_ids, before.audiences.tolist(), strict=True))
    now = zip(after.rows.title_ids, after.audiences.tolist(), strict=True)
    return sum(then.get(title) != audience for title, audience in now)


def in_own_process(function: Callable[..., Fitted], *arguments: Any) -> Measured:
    """Run one fit in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as executor:
        return executor.submit(timed, function, *arguments).result()


def timed(function: Callable[..., Fitted], *arguments: Any) -> Measured:
    """Run one fit in this process, with as many threads as the agent."""
    started_s = time.process_time()
    with threadpool_limits(limits=FIT_THREADS):
        fitted = function(*arguments)
    seconds = time.process_time() - started_s
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of ``ru_maxrss``: see getrusage(2)
    return Measured(
        fitted, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB
    )


def overlap(dense: NeighbourRows, found: NeighbourRows) -> float:
    """Return the mean share, over titles with neighbours, of dense's first ones that are found."""
    wanted, names = first_of(dense), first_of(found)
    shares = [len(one & names.get(title, set())) / len(one) for title, one in wanted.items()]
    return float(np.mean(shares))


def first_of(rows: NeighbourRows) -> dict[str, set[str]]:
    """Return the first neighbours of each title that has any."""
    return {
        title: {rows.title_ids[column] for column in rows.neighbours[start:end][:FIRST].tolist()}
        for title, (start, end) in zip(rows.title_ids, pairwise(rows.starts.tolist()), strict=True)
        if start < end
    }
