"""The click commands of ``media-gateway bench``: open what is needed, run, print a report."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from cli.bench.broker import Broker, bench_broker
from cli.bench.kafka import BenchError
from cli.bench.report import Report, show
from cli.demo.catalogues import InputMissingError
from infra.embedded.errors import EmbeddedError

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
bootstrap_option = click.option(
    "--bootstrap",
    default="",
    help="Kafka to measure on, in plain text; its topics are EMPTIED. Default: an embedded broker, "
    "removed after.",
)


def carry_out(
    work: Callable[[Broker, Progress], Awaitable[Report]], bootstrap: str, *, as_json: bool
) -> None:
    """Run one bench on a broker with progress bars on standard error, then print its report.

    Raises:
        click.ClickException: the bench could not be carried out.
    """
    with Progress(console=Console(stderr=True), transient=True) as progress:
        try:
            with bench_broker(bootstrap) as broker:
                report = asyncio.run(run_in_loop(work, broker, progress))
        except (BenchError, EmbeddedError) as error:
            raise click.ClickException(str(error)) from error
    show(report, as_json=as_json)


async def run_in_loop(
    work: Callable[[Broker, Progress], Awaitable[Report]], broker: Broker, progress: Progress
) -> Report:
    """Await the bench (``asyncio.run`` wants a coroutine)."""
    return await work(broker, progress)


POSITIVE = click.IntRange(min=1)


@click.command()
@click.option(
    "--events", type=POSITIVE, default=200_000, show_default=True, help="Progress events per run."
)
@click.option(
    "--viewers",
    type=POSITIVE,
    default=20_000,
    show_default=True,
    help="Viewers; half watch at once.",
)
@click.option(
    "--rounds", type=POSITIVE, default=3, show_default=True, help="Runs of each contestant."
)
@click.option(
    "--contestant",
    "contestants",
    multiple=True,
    type=click.Choice(["media-gateway", "quix-streams", "bare-aiokafka"]),
    help="Only these (repeatable); default: all three.",
)
@bootstrap_option
@as_json_option
def pipeline(
    *, events: int, viewers: int, rounds: int, contestants: tuple[str, ...], bootstrap: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Progress events -> ledger -> changelog + interactions: one worker on one core.

    The same ledger step runs in this project's worker, in Quix Streams and in a bare aiokafka loop,
    alternating; medians are reported. Needs the extra `bench` (quixstreams).

    \b
    Examples:
      media-gateway bench pipeline
      media-gateway bench pipeline --events 50000 --rounds 1 --json
      media-gateway bench pipeline --contestant media-gateway
    """  # click wants the backspace itself
    from cli.bench.pipeline import BARE, OURS, QUIX, PipelineOptions, run_pipeline

    options = PipelineOptions(
        events=events, viewers=viewers, rounds=rounds,
        contestants=contestants or (OURS, QUIX, BARE),
    )  # fmt: skip
    carry_out(
        lambda broker, progress: run_pipeline(options, broker, progress), bootstrap, as_json=as_json
    )


@click.command()
@click.option(
    "--users",
    multiple=True,
    type=click.IntRange(1, 10_000_000),
    default=(10_000, 100_000, 1_000_000),
    show_default=True,
    help="Number of known viewers (repeatable).",
)
@click.option(
    "--events", type=POSITIVE, default=100_000, show_default=True, help="Progress events per size."
)
@click.option("--watching", default=5_000, show_default=True, help="Viewers with an open session.")
@click.option("--titles-median", default=6.0, show_default=True, help="Median titles per history.")
@bootstrap_option
@as_json_option
def growth(
    *, users: tuple[int, ...], events: int, watching: int, titles_median: float, bootstrap: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Cost per event, state per viewer and recovery after kill -9 as viewers grow.

    Histories are written straight to the changelog in the ledger's own encoding; titles per viewer
    are log-normal (sigma 1) around the median.

    \b
    Examples:
      media-gateway bench growth
      media-gateway bench growth --users 10000 --users 100000 --json
    """  # click wants the backspace itself
    from cli.bench.growth import run_growth
    from cli.bench.growth_report import GrowthOptions

    options = GrowthOptions(
        users=users, events=events, watching=watching, titles_median=titles_median
    )
    carry_out(
        lambda broker, progress: run_growth(options, broker, progress), bootstrap, as_json=as_json
    )


def carry_out_on_stack(work: Callable[[Progress], Awaitable[Report]], *, as_json: bool) -> None:
    """Run one bench that starts a stack of its own, then print its report.

    Raises:
        click.ClickException: the bench could not be carried out.
    """

    async def run(progress: Progress) -> Report:
        return await work(progress)

    with Progress(console=Console(stderr=True), transient=True) as progress:
        try:
            report = asyncio.run(run(progress))
        except (BenchError, EmbeddedError, InputMissingError) as error:
            raise click.ClickException(str(error)) from error
    show(report, as_json=as_json)


@click.command()
@click.option("--rate", default=1000.0, show_default=True, help="Events per second.")
@click.option("--seconds", default=60.0, show_default=True, help="Measured time.")
@click.option(
    "--warmup",
    "warmup_s",
    default=90.0,
    show_default=True,
    help="Seconds of load before it: with 90, 95 % of who watches have reported before.",
)
@click.option("--batch", type=POSITIVE, default=10, show_default=True, help="Events per request.")
@click.option("--probes", default=10.0, show_default=True, help="Probed events per second.")
@click.option(
    "--workers", type=POSITIVE, default=1, show_default=True, help="Worker processes for streams."
)
@click.option(
    "--viewers",
    type=click.IntRange(min=2),
    help="Viewers; half watch at once.  [default: 60 for each event per second]",
)
@as_json_option
def freshness(*, workers: int, as_json: bool, viewers: int | None, **load: Any) -> None:
    """Time from an event's 202 to the changed slate, over HTTP, on a whole stack of its own.

    Requests are due at fixed times (open loop, own process). A sample of viewers who begin a title
    is probed; afterwards every accepted event must be accounted for.

    Who watches reports every 30 s. A short warm-up measures something else: that everybody begins
    a title at once in a gateway that knows nobody, where each event makes a new slate.

    \b
    Examples:
      media-gateway bench freshness
      media-gateway bench freshness --rate 200 --seconds 10 --json
      media-gateway bench freshness --warmup 10
    """  # click wants the backspace itself
    from cli.bench.freshness import run_freshness
    from cli.bench.load import VIEWERS_PER_RATE, LoadOptions

    viewers = viewers or max(2, round(VIEWERS_PER_RATE * load["rate"]))
    options = LoadOptions(
        base_url="", api_key="", probe_poll_ms=10.0, viewers=viewers, watching=viewers // 2,
        titles=2000, **load,
    )  # fmt: skip
    carry_out_on_stack(lambda progress: run_freshness(options, workers, progress), as_json=as_json)


@click.command()
@click.option("--slates", default=10_000, show_default=True, help="Users with a slate.")
@click.option("--seconds", default=10.0, show_default=True, help="Time of each measurement.")
@as_json_option
def api(*, slates: int, seconds: float, as_json: bool) -> None:
    """Slate reads over loopback: rate and latency at 1, 8, 32 connections and at half saturation.

    \b
    Examples:
      media-gateway bench api
      media-gateway bench api --slates 1000 --seconds 2 --json
    """  # click wants the backspace itself
    from cli.bench.api import ApiOptions, run_api

    options = ApiOptions(slates=slates, seconds=seconds)
    carry_out_on_stack(lambda progress: run_api(options, progress), as_json=as_json)


@click.command()
@click.option("--connections", type=POSITIVE, default=32, show_default=True, help="Senders.")
@click.option("--rounds", type=POSITIVE, default=5, show_default=True, help="Of each endpoint.")
@click.option("--seconds", default=5.0, show_default=True, help="Time of each measurement.")
@as_json_option
def webhooks(*, connections: int, rounds: int, seconds: float, as_json: bool) -> None:
    """Signed webhooks a second, and p99, against an endpoint that only reads and produces.

    Both are in one server on a core of its own, and are measured in turn. Nothing consumes the
    topic meanwhile.

    \b
    Examples:
      media-gateway bench webhooks
      media-gateway bench webhooks --rounds 3 --seconds 2 --json
    """
    from cli.bench.webhooks import WebhooksOptions, run_webhooks

    options = WebhooksOptions(connections=connections, rounds=rounds, seconds=seconds)
    carry_out_on_stack(lambda progress: run_webhooks(options, progress), as_json=as_json)


@click.command()
@click.option(
    "--requests", type=POSITIVE, default=100_000, show_default=True, help="Requests to send."
)
@click.option(
    "--seconds", type=POSITIVE, default=300, show_default=True, help="Stop after this time."
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed sends the same."
)
@click.option(
    "--first", type=click.IntRange(min=0), default=0, show_default=True,
    help="Number of the first request: one that failed can be sent again by itself.",
)  # fmt: skip
@click.option(
    "--url", default="", help="A server of this machine; default: a whole stack, removed after."
)
@as_json_option
def fuzz(*, requests: int, seconds: int, seed: int, first: int, url: str, as_json: bool) -> None:
    """Input from anybody, of every kind, to a real server; an answer of 500 is a failure.

    Odd paths, queries, headers, credentials, signatures and bodies, made from the API's own
    document, and bytes that are no HTTP. A request without an answer is a failure as well. A server
    given by --url needs high limits of callers, or most answers are 429.

    \b
    Examples:
      media-gateway bench fuzz
      media-gateway bench fuzz --requests 1000000 --seconds 1200 --seed 7
      media-gateway bench fuzz --seed 7 --first 4711 --requests 1 --url http://127.0.0.1:8080
    """  # click wants the backspace itself
    from cli.bench.fuzz.run import FuzzOptions, run_fuzz

    options = FuzzOptions(requests=requests, seconds=seconds, seed=seed, first=first, url=url)
    carry_out_on_stack(lambda progress: run_fuzz(options, progress), as_json=as_json)


@click.command()
@click.option("--titles", default=1000, show_default=True, help="Titles asked about, each kind.")
@as_json_option
def attributes(*, titles: int, as_json: bool) -> None:
    """Similar titles by genre, cast, director, themes: SQL over the demo's films, and in memory.

    Needs the extra `demo`; themes are measured where the MovieLens files are.

    \b
    Examples:
      media-gateway bench attributes
      media-gateway bench attributes --titles 100 --json
    """  # click wants the backspace itself
    from cli.bench.attributes import run_attributes

    carry_out_on_stack(lambda progress: run_attributes(titles, progress), as_json=as_json)


@click.command()
@click.option(
    "--titles",
    type=click.IntRange(min=100),
    multiple=True,
    default=(1000, 17_472, 100_000),
    show_default=True,
    help="Size of the catalogue; may be given several times.",
)
@click.option(
    "--viewers", type=POSITIVE, default=1500, show_default=True, help="Viewers that are scored."
)
@click.option("--batch", type=POSITIVE, default=16, show_default=True, help="Viewers in one batch.")
@click.option("--rounds", type=POSITIVE, default=5, show_default=True, help="The quickest counts.")
@as_json_option
def slates(
    *, titles: tuple[int, ...], viewers: int, batch: int, rounds: int, as_json: bool
) -> None:
    """Slates a second on one core with all sources, diversity and exploration; no broker needed.

    \b
    Examples:
      media-gateway bench slates
      media-gateway bench slates --titles 17472 --viewers 500 --json
    """  # click wants the backspace itself
    from cli.bench.slates import SlatesOptions, run_slates

    options = SlatesOptions(titles=titles, viewers=viewers, batch=batch, rounds=rounds)
    carry_out_on_stack(lambda progress: run_slates(options, progress), as_json=as_json)


@click.command()
@click.option(
    "--titles",
    type=click.IntRange(min=100),
    multiple=True,
    default=(6000, 20_000, 50_000),
    show_default=True,
    help="Size of the catalogue; may be given several times.",
)
@click.option(
    "--viewers", type=POSITIVE, default=50_000, show_default=True, help="Viewers, 34 titles each."
)
@click.option(
    "--dense-max",
    type=POSITIVE,
    default=6000,
    show_default=True,
    help="Titles up to which dense is fitted too.",
)
@as_json_option
def cowatch(*, titles: tuple[int, ...], viewers: int, dense_max: int, as_json: bool) -> None:
    """Time, memory of a co-watch fit by neighbourhoods, and how much of it dense has; no broker.

    \b
    Examples:
      media-gateway bench cowatch
      media-gateway bench cowatch --titles 100000 --viewers 200000 --json
    """  # click wants the backspace itself
    from cli.bench.cowatch import CowatchOptions, run_cowatch

    options = CowatchOptions(titles=titles, viewers=viewers, dense_max=dense_max)
    carry_out_on_stack(lambda progress: run_cowatch(options, progress), as_json=as_json)
