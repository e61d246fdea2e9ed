"""``media-gateway evaluate``: one protocol on one rating set, as a table, JSON or a report."""

import os
import time
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.evaluate.baselines import TooLargeError
from cli.evaluate.cadence import REFIT_EVERY, REFITS_MIN, RENEWALS, cadence
from cli.evaluate.prequential import Prequential
from cli.evaluate.ratings import DataError, load
from cli.evaluate.report import print_result, write_html
from cli.evaluate.static import Static
from cli.evaluate.summary import NothingToRankError, Result, summarise
from cli.options import CommandError, one_sentence_errors
from infra.settings import Settings

PROTOCOLS: dict[str, type[Static] | type[Prequential]] = {
    "static": Static,
    "prequential": Prequential,
}


@click.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder with ratings.csv (userId,movieId,rating,timestamp) and, if there is, movies.csv.",
)
@click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    default="prequential",
    show_default=True,
    help="How to split past and future.",
)
@click.option(
    "--refit-every",
    type=click.IntRange(min=1),
    default=None,
    help="Ratings between two refits, of ours and of EASE.  "
    f"[default: {REFIT_EVERY}, a fifth of fewer than {REFIT_EVERY * REFITS_MIN}]",
)
@click.option(
    "--renew-every",
    type=click.IntRange(min=1),
    default=None,
    help="Ratings between two renewals of ours, as the running system has them between refits.  "
    f"[default: a {RENEWALS}th of all]",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=0,
    help="Only so many users, evenly spread; 0: all.",
)
@click.option("--ablations/--no-ablations", default=True, help="Leave out each source in turn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Also write tables and plots to an HTML file.",
)
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def evaluate(
    *, folder: Path, report: Path | None, as_json: bool, debug: bool, **choices: Any
) -> None:
    """Measure the recommendations on real ratings, against strong baselines.

    What is measured is the code that serves, fed by ratings in time order; every prediction is made
    before anything later is known. EASE is fitted for a grid of ridges and the best in hindsight is
    compared with.

    \b
    Examples:
      media-gateway evaluate --data ml-latest-small --protocol static
      media-gateway evaluate --data ml-latest-small --refit-every 2000 --json
      media-gateway evaluate --data ml-latest-small --sample 100 --report quality.html
    """  # click wants the backspace itself
    with one_sentence_errors(debug=debug):
        if report is not None:
            require_writable(report)
        try:
            result = run(folder, **choices)
        except (DataError, NothingToRankError, TooLargeError) as problem:
            raise CommandError(str(problem), exit_code=2) from problem
        if as_json:
            print(orjson.dumps(result.as_json()).decode())  # what is no number is null
        else:
            print_result(result)
        if report is not None:
            write_html(result, report)


def require_writable(path: Path) -> None:
    """Refuse a report that could not be written, before the work of half an hour.

    Raises:
        CommandError: the folder is missing, or the file cannot be opened for writing.
    """
    existed = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise CommandError(f"--report {path}: {error.strerror}", exit_code=2) from None
    if not existed:
        path.unlink()


def run(
    folder: Path,
    protocol: str,
    *,
    refit_every: int | None,
    renew_every: int | None,
    sample: int,
    ablations: bool,
) -> Result:
    """Run one protocol with a progress bar on standard error.

    Raises:
        DataError: the folder cannot be used.
        NothingToRankError: it holds nothing that the protocol counts.
    """
    started = time.monotonic()
    ratings = load(folder, sample)
    settings = Settings.from_env(os.environ)
    when = cadence(len(ratings.ratings), refit_every, renew_every)
    evaluation = PROTOCOLS[protocol](ratings, settings, when, ablations=ablations)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(f"{protocol}: {ratings.name}", total=evaluation.steps)
        tally = evaluation.run(lambda count: bar.advance(task, count))
    seconds = round(time.monotonic() - started, 1)
    return summarise(protocol, ratings, evaluation.gateway, tally, (when, seconds))
