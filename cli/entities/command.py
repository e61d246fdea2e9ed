"""``media-gateway entities``: precision and recall of matching, as tables or JSON."""

from collections.abc import Sequence
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from cli.demo.catalogues import InputMissingError
from cli.entities.lists import films, movielens, netflix
from cli.entities.matching import Overlap, Pair, Quality, measure, overlap
from cli.options import EXIT_USAGE, CommandError, one_sentence_errors


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all pairs.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def entities(*, data: Path, sample: int, as_json: bool, debug: bool) -> None:
    """Measure how well titles of several partners are matched, on real catalogues.

    The film catalogue and MovieLens are matched without their IMDb ids, which then say what was
    right. The film catalogue and the Netflix list are matched as partners would send them.

    \b
    Examples:
      media-gateway entities --data data
      media-gateway entities --data data --json
    """  # click wants the backspace itself
    with one_sentence_errors(debug=debug):
        quality, shared = run(data)
        if as_json:
            found = {"movielens": quality and quality.as_json()}
            print(orjson.dumps(found | {"netflix": shared and shared.as_json()}).decode())
            return
        console = Console()
        if quality is not None:
            print_quality(console, quality, sample)
        if shared is not None:
            print_overlap(console, shared, sample)


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
        ("CPU a record", f"{found.cpu_us_per_record:.0f} us"),
    ):
        table.add_row(name, value)
    console.print(table)
    print_pairs(console, "joined and wrong", found.wrong, sample)
    print_pairs(console, "missed (with what was considered)", found.missed, sample)


def print_overlap(console: Console, found: Overlap, sample: int) -> None:
    """Print how many records were joined, and some of them."""
    left, right = found.records
    console.print(f"Film catalogue ({left:,} records) and Netflix list ({right:,} records)")
    console.print(f"joined: {len(found.joined):,}; CPU a record: {found.cpu_us_per_record:.0f} us")
    print_pairs(console, "joined", found.joined, sample)
    print_pairs(console, "ambiguous: left apart", found.ambiguous, sample)


def print_pairs(console: Console, title: str, pairs: Sequence[Pair], sample: int) -> None:
    """Print some of the pairs, evenly spread."""
    chosen = pairs[:: -(-len(pairs) // sample)] if sample and pairs else ()
    table = Table("film catalogue", "other list", "why", title=f"{title}: {len(pairs):,}")
    for pair in chosen:
        table.add_row(pair.left, pair.right, pair.why)
    if chosen:
        console.print(table)
