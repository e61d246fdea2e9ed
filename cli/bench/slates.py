"""``bench slates``: slates a second on one core, by the code that the slates agent runs.

A made catalogue (Zipf popularity, genres, ten cast members, a director, themes, a year) and viewers
with tastes (titles per viewer log-normal, median 30) stand for the real thing; the generator is
deterministic. All row tables are fitted from these viewers as the agents fit them, and the nearest
titles are found among made vectors of 384 dimensions as the agent finds them. Viewers are scored in
batches, each timed; the rate is by CPU time of this process, in which one thread works, in the
quickest of several rounds: the one that the rest of the machine disturbed least.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from rich.progress import Progress

from agents.co_watch import fit_of, fit_tables
from cli.bench.report import GIB, Reach, Report, percentile
from domain.cowatch import NeighbourRows
from domain.cowatch_histories import HistoryStore
from domain.embedding_neighbours import VectorTable
from domain.ranking.history import LIKED, Floats
from domain.ranking.learner import Learner
from domain.ranking.scoring import Ranker
from domain.seen import Seen
from domain.slate_index import COWATCH, TOGETHER, ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import NAMES, first_model
from domain.viewer_profile import ViewerProfile
from infra.garbage import collect_garbage_rarely
from infra.settings import Settings
from schemas.content import Content
from schemas.embedding import DIMENSIONS

REACH_TITLES = 17_000
SLATES_PER_S_MIN = 1000.0
BATCH_P99_MS_MAX = 100.0
GENRES = (
    "Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "History", "Horror", "Music", "Mystery", "Romance", "Science Fiction", "Thriller",
    "War", "Western",
)  # fmt: skip
CLUSTERS = 40  # tastes: a viewer takes two thirds of their titles from one
MEDIAN_TITLES, SIGMA_TITLES = 30, 0.8
START_MS, STEP_MS = 1_700_000_000_000, 60_000
COMPLETED_SHARE = 0.55
VECTORS_APART = 0.8  # of the texts of one cluster: their cosines are about 1 / (1 + 0.8 ** 2)
VECTORS_AT_ONCE = 128
SEED = 20_240_817


@dataclass(frozen=True, slots=True)
class SlatesOptions:
    """How much is made and scored."""

    titles: tuple[int, ...]
    viewers: int
    batch: int
    rounds: int


async def run_slates(options: SlatesOptions, progress: Progress) -> Report:
    """Measure each size of the catalogue in turn."""
    rows = []
    task = progress.add_task("catalogues", total=len(options.titles))
    for titles in options.titles:
        rows.append(measure(titles, options))
        progress.advance(task)
    return Report(
        bench="slates",
        parameters={
            "viewers": options.viewers,
            "batch": options.batch,
            "rounds": options.rounds,
            "sources": len(NAMES),
        },
        fields={"slates_per_s": rows[-1]["slates_per_s"], "growth": growth(rows)},
        rows=rows,
        reaches=[reach for row in rows for reach in reaches_of(row)],
    )  # fmt: skip


def growth(rows: Sequence[dict[str, Any]]) -> float:
    """Return how much longer a slate takes at the largest size than at the smallest."""
    return round(float(rows[0]["slates_per_s"]) / float(rows[-1]["slates_per_s"]), 2)


def reaches_of(row: dict[str, Any]) -> list[Reach]:
    """Return what is promised at about the size of the demo's catalogue."""
    if not REACH_TITLES <= row["titles"] < 2 * REACH_TITLES:
        return []
    rate, tail = float(row["slates_per_s"]), float(row["batch_p99_ms"])
    return [
        Reach(name="slates", value=rate, limit=SLATES_PER_S_MIN, sense="at least", unit="/s"),
        Reach(name="batch p99", value=tail, limit=BATCH_P99_MS_MAX, sense="at most", unit="ms"),
    ]


def measure(titles: int, options: SlatesOptions) -> dict[str, Any]:
    """Return the figures of one size of the catalogue."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    dice = np.random.default_rng(SEED)
    settings = Settings()
    content = ContentSide()
    for item in catalogue(titles, dice):
        content.put_content(item)
    embed(content, dice)
    viewers = watch(content, options.viewers, dice, settings)
    memory = psutil.Process().memory_info().rss - before
    ranker = Ranker(content, first_model())
    rules = SlateRules(
        size=settings.slate_size, ttl_s=settings.slate_ttl_s,
        diversity=settings.slate_diversity, exploration=settings.exploration_budget,
    )  # fmt: skip
    build_slates(ranker, viewers[: options.batch], rules, START_MS)  # fill the caches
    collect_garbage_rarely()  # as a worker does when it has started
    batches_ms, rounds_s = [], []
    for _ in range(options.rounds):
        begun_s = time.process_time()
        for start in range(0, len(viewers), options.batch):
            started_s = time.perf_counter()
            build_slates(ranker, viewers[start : start + options.batch], rules, START_MS)
            batches_ms.append((time.perf_counter() - started_s) * 1e3)
        rounds_s.append(time.process_time() - begun_s)
    cpu_s = min(rounds_s)
    return {
        "titles": titles,
        "titles_per_viewer": round(float(np.mean([len(v.profile.titles) for v in viewers])), 1),
        "slates_per_s": round(len(viewers) / cpu_s, 1),
        "us_per_slate": round(cpu_s * 1e6 / len(viewers), 1),
        "us_slowest_round": round(max(rounds_s) * 1e6 / len(viewers), 1),
        "batch_p50_ms": round(percentile(batches_ms, 0.5), 1),
        "batch_p99_ms": round(percentile(batches_ms, 0.99), 1),
        "memory_gib": round(memory / GIB, 3),
    }


def catalogue(titles: int, dice: np.random.Generator) -> Iterator[Content]:
    """Yield made titles; those of one cluster share a main genre, people and themes."""
    people = max(50, titles // 2)
    for number in range(titles):
        cluster = number % CLUSTERS
        genres = {GENRES[cluster % len(GENRES)], GENRES[int(dice.integers(len(GENRES)))]}
        cast = (dice.zipf(1.3, 10) + cluster * people // CLUSTERS) % people
        yield Content(
            content_id=f"t{number:06d}",
            type="movie",
            title=f"Title {number}",
            release_year=1950 + int(dice.integers(75)),
            genres=tuple(sorted(genres)),
            cast=tuple(dict.fromkeys(f"Person {each}" for each in cast.tolist())),
            directors=(f"Director {int(dice.integers(people))}",),
            themes=tuple(f"theme {int(each)}" for each in dice.integers(titles // 20 + 5, size=2)),
            updated_at_ms=0,
        )


def embed(content: ContentSide, dice: np.random.Generator) -> None:
    """Give every title the nearest ones of its cluster; those of others are not alike enough."""
    for cluster in range(CLUSTERS):
        ids = content.ids[cluster::CLUSTERS]
        vectors = VECTORS_APART * unit(dice.normal(size=(len(ids), DIMENSIONS)))
        vectors = unit(vectors + unit(dice.normal(size=DIMENSIONS)))
        table = VectorTable()
        for start in range(0, len(ids), VECTORS_AT_ONCE):
            arrived = ids[start : start + VECTORS_AT_ONCE]
            for content_id, vector in zip(arrived, vectors[start:], strict=False):
                table.put(content_id, vector.astype(np.float32))
            for version, near in enumerate(table.nearest(arrived), start):
                content.put_pairs(near.content_id, version, near.ids, np.array(near.cosines))


def unit(vectors: Floats) -> Floats:
    """Return vectors of length 1 in the same directions."""
    found: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return found


def watch(
    content: ContentSide, count: int, dice: np.random.Generator, settings: Settings
) -> list[Viewer]:
    """Let viewers watch, fit every model from it, and return them with their profiles."""
    learner = Learner(content, first_model(), settings.neighbours_max)
    histories = HistoryStore()
    size = len(content.ids)
    found = []
    lengths = np.minimum(dice.lognormal(np.log(MEDIAN_TITLES), SIGMA_TITLES, count), 500)
    for number, length in enumerate(np.maximum(lengths, 3).astype(int).tolist()):
        user, profile = f"viewer-{number}", ViewerProfile()
        popular = (dice.zipf(1.2, length) - 1) % size
        own = popular // CLUSTERS * CLUSTERS + number % CLUSTERS  # of the viewer's cluster
        titles = np.where(dice.random(length) < 2 / 3, np.minimum(own, size - 1), popular)
        for place, title in enumerate(dict.fromkeys(titles.tolist())):
            completed = bool(dice.random() < COMPLETED_SHARE)
            progress = 1.0 if completed else round(float(dice.random()), 3)
            at_ms = START_MS + (number * 7919 + place) * STEP_MS
            profile.titles[content.ids[title]] = [at_ms, progress, 0, int(completed)]
            evidence = LIKED if completed else progress * (progress >= 0.3)
            seen = Seen(at_ms, evidence, engaged=True, watched=evidence > 0)
            learner.observe(user, content.ids[title], seen, learn=False)
            histories.put(user, content.ids[title], max(1, round(evidence * 100)))
        found.append(Viewer(user, profile))
    tables = fit_tables(histories.histories(), fit_of(settings))
    put_rows(content, COWATCH, tables.liked.rows)
    put_rows(content, TOGETHER, tables.chosen.rows)
    learner.sync_rows(np.arange(size))
    return found


def put_rows(content: ContentSide, table: str, rows: NeighbourRows) -> None:
    """Take fitted rows into the content side."""
    starts, columns = rows.starts.tolist(), rows.neighbours.tolist()
    for place, content_id in enumerate(rows.title_ids):
        part = slice(starts[place], starts[place + 1])
        ids = [rows.title_ids[column] for column in columns[part]]
        content.put_row(table, content_id, ids, rows.weights[part])
