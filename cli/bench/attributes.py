"""``bench attributes``: similar titles by shared attributes over the demo's films.

Times are the least of several tries, title by title and over all viewers: what other work on the
machine adds is not measured, and percentiles are over titles.
"""

import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from agents.serving import flush_contents
from agents.spec import Record
from cli.bench.report import Reach, Report, percentile
from cli.demo.catalogues import content_id_of, load_films
from cli.demo.command import REPOSITORY
from cli.demo.movielens import with_keywords
from domain.catalogue.mappers.film_catalogue import film_catalogue
from domain.sources.attributes import AttributeIndex
from domain.title_attributes import KINDS, Kind, attributes_of
from infra.embedded.postgres import EmbeddedPostgres
from infra.postgres.attributes import AttributeStore
from infra.postgres.migrate import migrate
from infra.postgres.pool import Pool, create_pool
from infra.settings import Settings
from schemas.codec import encode
from schemas.content import Content
from topics.catalog import CONTENTS

FLUSH_SIZE = 500
LIMIT = 20
WATCHED = 100  # titles in the history of a viewer
VIEWERS = 64  # scored one after the other
TRIES = 10
SQL_P99_MS_MAX = {"genre": 20.0, "cast": 5.0, "director": 5.0, "themes": 5.0}
VIEWER_MS_MAX = 0.3

Values = dict[str, tuple[str, ...]]  # content id -> values of one kind


async def run_attributes(titles: int, progress: Progress) -> Report:
    """Write the films to a Postgres of its own, ask about ``titles`` of each kind, score viewers.

    Raises:
        InputMissingError: the demo's films are not installed.
    """
    films = read_films(REPOSITORY / Settings.from_env(os.environ).demo_data)
    task = progress.add_task("films and kinds", total=1 + len(KINDS))
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as directory:
        postgres = EmbeddedPostgres(Path(directory))
        settings = Settings(database_url=postgres.start())
        try:
            migrate(settings.database_url)
            async with create_pool(settings) as pool:
                write_s = await write(pool, films)
                progress.advance(task)
                rows = []
                for kind in KINDS:
                    values = {film.content_id: attributes_of(film).get(kind, ()) for film in films}
                    if any(values.values()):
                        rows.append(await row_of(pool, kind, values, titles))
                    progress.advance(task)
        finally:
            postgres.stop()
    return Report(
        bench="attributes",
        parameters={"titles": titles, "limit": LIMIT, "watched": WATCHED, "viewers": VIEWERS},
        fields={"films": len(films), "write_us_per_film": round(write_s * 1e6 / len(films), 1)},
        rows=rows,
        reaches=[reach for row in rows for reach in reaches_of(row)],
    )


def read_films(data: Path) -> list[Content]:
    """Return the demo's films as the catalogue would publish them, one an IMDb id."""
    films = {
        content_id_of(film): film_catalogue(film.payload).fields
        for film in with_keywords(load_films(), data)
    }
    return [
        Content(content_id=content_id, updated_at_ms=0, **fields)
        for content_id, fields in films.items()
    ]


async def write(pool: Pool, films: Sequence[Content]) -> float:
    """Write the films as the sink does and return the seconds it took."""
    records = [
        Record(CONTENTS.name, 0, offset, 0, CONTENTS.key_of(film), encode(film))
        for offset, film in enumerate(films)
    ]
    started_s = time.perf_counter()
    for start in range(0, len(records), FLUSH_SIZE):
        await flush_contents(pool, records[start : start + FLUSH_SIZE])
    elapsed_s = time.perf_counter() - started_s
    async with pool.connection() as connection:
        await connection.execute("VACUUM ANALYZE")  # autovacuum does it within a minute
    return elapsed_s


async def row_of(pool: Pool, kind: Kind, values: Values, titles: int) -> dict[str, Any]:
    """Return the figures of one kind."""
    known = [content_id for content_id, own in values.items() if own]
    asked = random.Random(7).sample(known, min(titles, len(known)))  # noqa: S311 - no secret
    store = AttributeStore(pool)
    latencies = []
    for content_id in asked:
        tries = []
        for _ in range(TRIES):
            started_s = time.perf_counter()
            await store.fetch_similar(kind, content_id, values[content_id], LIMIT)
            tries.append((time.perf_counter() - started_s) * 1e3)
        latencies.append(min(tries))
    return {
        "kind": kind,
        "titles": len(known),
        "values": len({value for own in values.values() for value in own}),
        "sets": len({own for own in values.values() if own}),
        "sql_p50_ms": round(percentile(latencies, 0.5), 3),
        "sql_p99_ms": round(percentile(latencies, 0.99), 3),
        "sql_max_ms": round(max(latencies), 3),
        **in_memory(values),
    }


def in_memory(values: Values) -> dict[str, float]:
    """Return milliseconds a viewer, and of making all vectors anew."""
    index = AttributeIndex(list(values))
    for title, own in enumerate(values.values()):
        index.put(title, own)
    dice = np.random.default_rng(7)
    viewers = [
        (dice.choice(len(values), WATCHED, replace=False), dice.random(WATCHED))
        for _ in range(VIEWERS)
    ]
    anew, passes = [], []
    for _ in range(TRIES):
        index.put(0, ())
        index.put(0, next(iter(values.values())))
        started_s = time.perf_counter()
        index.scores(np.arange(0), np.empty(0))
        anew.append((time.perf_counter() - started_s) * 1e3)
        started_s = time.perf_counter()
        for watched, weights in viewers:
            index.scores(watched, weights)
        passes.append((time.perf_counter() - started_s) * 1e3 / VIEWERS)
    return {
        "viewer_ms": round(min(passes), 4),
        "vectors_ms": round(min(anew), 3),
    }


def reaches_of(row: dict[str, Any]) -> list[Reach]:
    """Return what is promised of one kind."""
    kind = row["kind"]
    return [
        Reach(name=f"{kind}: SQL p99", value=row["sql_p99_ms"], limit=SQL_P99_MS_MAX[kind],
              sense="at most", unit="ms"),
        Reach(name=f"{kind}: a viewer", value=row["viewer_ms"], limit=VIEWER_MS_MAX,
              sense="at most", unit="ms"),
    ]  # fmt: skip
