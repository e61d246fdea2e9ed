"""``media-gateway demo``: start everything, play the demo, stop or stay."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.demo.addresses import curl_lines
from cli.demo.catalogues import InputMissingError
from cli.demo.filling import RefusedError
from cli.demo.identities import prepare
from cli.demo.input import MAPPERS, Input, catalogues, gather
from cli.demo.memory import Memory
from cli.demo.plan import Plan
from cli.demo.posting import PostingError
from cli.demo.queries import NotReflectedError, QueryError
from cli.demo.reporting import Reporter
from cli.demo.run import Voice, perform
from cli.demo.story import Change
from cli.options import CommandError, load_settings, one_sentence_errors, without_limits
from cli.up import interrupt
from infra.settings import Settings
from infra.wall_clock import now_ms

if TYPE_CHECKING:
    from cli.stack import Stack

DATA_DIR = Path("demo-data")
REPOSITORY = Path(__file__).parents[2]
COMPONENT_CHECK_S = 0.5
LIVE_MARGIN_MS = 4 * 3600 * 1000  # the timeline ends here: the story's own films fit behind it
PROBLEMS = (
    InputMissingError, RefusedError, PostingError, QueryError, NotReflectedError, ConnectionError,
    TimeoutError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much is posted; 0 means all there is."""

    viewers_max: int
    titles_max: int


@click.command()
@click.option("--exit", "leave", is_flag=True, help="Stop everything at the end.")
@click.option(
    "--viewers",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="How many viewers watch; 0: all there are.",
)
@click.option(
    "--titles",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Post only so many titles of each catalogue, films by number of reviews; 0: all.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIR,
    show_default=True,
    help="Where the embedded stack keeps its data; a second demo carries on there.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="Port of the API.  [default: MEDIA_GATEWAY_PORT or 8080]",
)
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def demo(
    *, leave: bool, viewers: int, titles: int, data_dir: Path, port: int | None, debug: bool
) -> None:
    """Watch a recommendation change: real catalogues, real viewers, all of it over HTTP.

    Starts the whole stack, posts two catalogues as signed webhooks and the viewers' progress
    events, then lets one viewer watch a film and shows the slate before and after. It stays up
    until Ctrl-C, or stops with --exit; then the exit status is 0 only if every post was accepted
    and the slate changed.

    \b
    Examples:
      media-gateway demo
      media-gateway demo --exit --viewers 50
      media-gateway demo --data-dir my-demo --port 9000
    """
    started_s = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):  # the latter is ignored in background jobs
        signal.signal(number, interrupt)
    with one_sentence_errors(debug=debug):
        settings = load_settings(os.environ, data_dir)
        if port is not None:
            settings = replace(settings, port=port)
        try:
            run(settings, Size(viewers, titles), started_s=started_s, leave=leave)
        except PROBLEMS as problem:
            if debug:
                raise
            raise CommandError(str(problem) or type(problem).__name__) from problem


def run(settings: Settings, size: Size, *, started_s: float, leave: bool) -> None:
    """Start the stack, play, and stop or stay.

    Raises:
        CommandError: the slate did not change.
        RefusedError, PostingError, QueryError, NotReflectedError: see ``cli.demo.run``.
    """
    from cli.stack import Stack  # here: its clients take time that `--help` should not wait for

    reporter = Reporter()
    data = REPOSITORY / settings.demo_data
    given = gather(data, size.viewers_max, size.titles_max, reporter)
    with Stack(without_limits(settings), echo=reporter.line) as stack:
        memory = Memory.load(stack.settings.data_dir, now_ms=now_ms())
        change = play(stack, given, memory, size, Voice(reporter, started_s))
        memory.size = asdict(size)
        memory.save(stack.settings.data_dir)
        if not leave:
            stay(stack, change, memory.api_key, reporter)


def play(stack: "Stack", given: Input, memory: Memory, size: Size, voice: Voice) -> Change:
    """Make the identities and play the demo on a running stack.

    Raises:
        CommandError: the slate did not change.
    """
    identities = asyncio.run(prepare(stack.settings, memory, MAPPERS))
    memory.save(stack.settings.data_dir)
    films, others = catalogues(given, identities.partners)
    plan = Plan(
        films=films,
        others=others,
        viewers=given.viewers,
        anchor_ms=memory.anchor_ms - LIVE_MARGIN_MS,
        repeated=memory.size == asdict(size),
    )
    acts = perform(plan, api_url=stack.api_url, api_key=identities.api_key, voice=voice)
    change = asyncio.run(while_all_live(stack, acts))
    if not change.changed:
        raise CommandError("the slate did not change")
    return change


async def while_all_live(stack: "Stack", acts: Coroutine[Any, Any, Change]) -> Change:
    """Play as long as every component of the stack lives.

    Raises:
        ChildDiedError: one ended by itself; it is named, with its last lines.
    """
    playing = asyncio.create_task(acts)
    try:
        while not playing.done():
            await asyncio.wait({playing}, timeout=COMPONENT_CHECK_S)
            stack.check()
    finally:
        playing.cancel()
    return await playing


def stay(stack: "Stack", change: Change, api_key: str, reporter: Reporter) -> None:
    """Print what can be tried, and wait for Ctrl-C or the end of a component.

    Raises:
        ChildDiedError: a component ended by itself.
    """
    reporter.title(f"It stays up at {stack.api_url} until Ctrl-C. Try:")
    lines = curl_lines(
        api_url=stack.api_url,
        api_key=api_key,
        user_id=change.user_id,
        content_id=change.after[-1]["content_id"],
    )
    for line in lines:
        reporter.line(f"  {line}")
    reporter.line(f"\nlogs: {stack.data_dir.logs}")
    try:
        stack.watch()
    except KeyboardInterrupt:
        reporter.line("stopped")
