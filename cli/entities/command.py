"""``media-gateway entities``: precision and recall of matching, as tables or JSON."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import orjson
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agents.encoding import JOB_TEXTS
from cli.demo.catalogues import InputMissingError
from cli.entities.lists import films, movielens, netflix
from cli.entities.matching import Overlap, Pair, Quality, measure, overlap
from cli.entities.texts import ASKED_MIN, SHOWN_MIN, TextQuality, band_of, measure_texts
from cli.options import EXIT_USAGE, CommandError, one_sentence_errors
from domain.catalogue.texts import COSINE_MIN
from domain.embedding import WIRE_TYPE, Vectors
from infra.encoder_files import EncoderUnavailableError, find_encoder
from infra.settings import Settings


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds ml-latest-small/ and netflix/netflix_titles.csv, or one of them.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Pairs to print of each kind.",
)
@click.option(
    "--texts",
    is_flag=True,
    help="Measure matching by texts as well: encodes 10,000 overviews, some minutes of one core.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all pairs.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def entities(*, data: Path, sample: int, texts: bool, as_json: bool, debug: bool) -> None:
    """Measure how well titles of several partners are matched, on real catalogues.

    The film catalogue and MovieLens are matched without their IMDb ids, which then say what was
    right. The film catalogue and the Netflix list are matched as partners would send them. With
    --texts the overviews of the Netflix list are compared with each other.

    \b
    Examples:
      media-gateway entities --data data
      media-gateway entities --data data --texts
      media-gateway entities --data data --json
    """  # click wants the backspace itself
    with one_sentence_errors(debug=debug):
        quality, shared = run(data)
        by_text = run_texts(data) if texts else None
        if as_json:
            parts = {"movielens": quality, "netflix": shared, "texts": by_text}
            found = {name: part and part.as_json() for name, part in parts.items()}
            print(orjson.dumps(found).decode())
            return
        console = Console()
        if quality is not None:
            print_quality(console, quality, sample)
        if shared is not None:
            print_overlap(console, shared, sample)
        if by_text is not None:
            print_texts(console, by_text, sample)


def run_texts(data: Path) -> TextQuality:
    """Measure matching by texts, with a progress bar on standard error.

    Raises:
        CommandError: there is no Netflix list or no encoder; exit status 2.
    """
    records = netflix(data)
    if records is None:
        raise CommandError(f"{data} does not hold the Netflix list", EXIT_USAGE)
    settings = Settings.from_env(os.environ)
    try:
        files = find_encoder(settings)
        from infra.encoder import Encoder  # here: its libraries are an extra

        encoder = Encoder(files, settings.embedding_threads)
    except EncoderUnavailableError as problem:
        raise CommandError(str(problem), EXIT_USAGE) from problem
    with Progress(console=Console(stderr=True), transient=True) as progress:

        def encode(some: Sequence[str]) -> Vectors:
            parts = range(0, len(some), JOB_TEXTS)
            found = [
                encoder.encode(some[start : start + JOB_TEXTS])
                for start in progress.track(parts, description=f"encoding {len(some):,} texts")
            ]
            return np.concatenate(found).astype(WIRE_TYPE).astype(np.float32)  # as they travel

        return measure_texts(records, encode)


def run(data: Path) -> tuple[Quality | None, Overlap | None]:
    """Measure on what the folder holds; None stands for a list that is absent.

    Raises:
        CommandError: nothing can be measured; exit status 2.
    """
    second, third = movielens(data), netflix(data)
    if second is None and third is None:
        raise CommandError(f"{data} holds neither MovieLens nor the Netflix list", EXIT_USAGE)
    try:
        archive, truth = films()
    except InputMissingError as problem:
        raise CommandError(str(problem), EXIT_USAGE) from problem
    quality = None if second is None else measure(archive, truth, *second)
    return quality, None if third is None else overlap(archive, third)


def print_quality(console: Console, found: Quality, sample: int) -> None:
    """Print the numbers and some of the mistakes."""
    console.print("Film catalogue and MovieLens, identifiers hidden")
    table = Table("", "titles")
    for name, value in (
        ("in both by IMDb id", f"{found.shared:,}"),
        ("joined", f"{found.joined:,}"),
        ("of these right", f"{found.right:,}"),
        ("precision", f"{found.precision:.4f}"),
        ("recall", f"{found.recall:.4f}"),
        ("apart in spite of their id", f"{len(found.disbelieved):,}"),
        ("CPU a record", f"{found.cpu_us_per_record:.0f} us"),
    ):
        table.add_row(name, value)
    console.print(table)
    print_pairs(console, "joined and wrong", found.wrong, sample)
    print_pairs(console, "apart in spite of their identifier", found.disbelieved, sample)
    print_pairs(console, "missed (with what was considered)", found.missed, sample)


def print_overlap(console: Console, found: Overlap, sample: int) -> None:
    """Print how many records were joined, and some of them."""
    left, right = found.records
    console.print(f"Film catalogue ({left:,} records) and Netflix list ({right:,} records)")
    console.print(f"joined: {len(found.joined):,}; CPU a record: {found.cpu_us_per_record:.0f} us")
    print_pairs(console, "joined", found.joined, sample)
    print_pairs(console, "ambiguous: left apart", found.ambiguous, sample)


def print_texts(console: Console, found: TextQuality, sample: int) -> None:
    """Print how close the texts of different titles come, and what is matched by them."""
    console.print(
        f"Texts of the Netflix list ({found.records:,} records, {found.compared:,} pairs)"
    )
    table = Table(
        "titles at most a year apart, cosine from", "alike", "unlike", "of these one title"
    )
    for band in map(band_of, (SHOWN_MIN, ASKED_MIN, COSINE_MIN)):
        some = [each for each in found.close if band_of(each.cosine) == band]
        alike = found.alike_titles.get(band, 0)
        table.add_row(band, f"{alike}", f"{len(some)}", f"{sum(each.is_one for each in some)}")
    console.print(table)
    dealt = found.dealt
    console.print(
        f"Dealt to two partners: {dealt.texts:,} texts encoded; joined by title {dealt.by_title:,}"
        f", by text {dealt.by_text:,}, of these right {dealt.right:,}; in the list twice "
        f"{dealt.twice:,}"
    )
    cut = ", ".join(f"{share}: {part:.1%}" for share, part in found.shortened.items())
    console.print(f"Overviews that still match when cut to a share of their words: {cut}")
    print_pairs(console, "close, unlike titles", [each.pair for each in found.close], sample)


def print_pairs(console: Console, title: str, pairs: Sequence[Pair], sample: int) -> None:
    """Print some of the pairs, evenly spread."""
    chosen = pairs[:: -(-len(pairs) // sample)] if sample and pairs else ()
    table = Table("film catalogue", "other list", "why", title=f"{title}: {len(pairs):,}")
    for pair in chosen:
        table.add_row(pair.left, pair.right, pair.why)
    if chosen:
        console.print(table)
