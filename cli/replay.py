"""``media-gateway replay``: derive everything again from the topics, compare with what is there."""

import asyncio
import json
import time

import click
import orjson
from rich.console import Console
from rich.progress import Progress, TaskID

from agents import catalogue, co_watch, slates, trending, watch_states
from agents.rows import canonical_neighbours
from agents.spec import StreamAgent
from cli.options import EXIT_FAILED, EXIT_USAGE, CommandError, with_settings
from cli.rederive import Derived, Rows, derive_fit, derive_stream, live_rows, live_table
from cli.replay_report import Verdict, as_data, print_tables
from domain.replay import Comparison, compare
from domain.slates import canonical_slate
from infra.kafka.admin import open_admin
from infra.kafka.cluster import cluster_of
from infra.replay.snapshot import Snapshots, open_snapshots
from infra.settings import Settings
from topics.catalog import (
    CONTENTS,
    INTERACTIONS,
    NEIGHBOURS,
    PROGRESS,
    RECORD_TEXTS,
    RECORD_VECTORS,
    SLATES,
    START_SCORES,
    TRENDING,
    WATCH_STATES,
    WEBHOOKS,
)  # fmt: skip
from topics.spec import TopicSpec, application_id

STREAMS: tuple[StreamAgent, ...] = (
    catalogue.SPEC,
    watch_states.SPEC,
    trending.SPEC,
    slates.SPEC,
)
SOURCES = (WEBHOOKS, PROGRESS, INTERACTIONS)
POLL_S = 0.5


@click.command()
@with_settings(kafka=True)
@click.option(
    "--verify", is_flag=True, help="Compare with the topics and changelogs, byte by byte."
)
@click.option(
    "--wait",
    "wait_s",
    default=90.0,
    show_default=True,
    help="Seconds that workers get to catch up before the comparison counts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(settings: Settings, *, verify: bool, wait_s: float, as_json: bool) -> None:
    """Derive contents, watch states, trending, neighbours and slates again. Writes nothing.

    Without --verify: prints what each agent derives (a dry run). With --verify: compares, by key,
    contents, texts of records and their table (vectors of these texts are an input, taken from
    their topic); watch states, interactions, the ledger's table; trending and its table;
    neighbours (without the model version, which says when a row changed); viewer profiles; and
    slates. Scores of starts must have a watch state, or an erasure did not reach them. A slate
    depends on the trending and neighbours of the moment it was made, which nobody can repeat for an
    old one.
    So the slates of the topic are compared in what depends on the viewer (user, as_of, newest
    event, offset), and whole slates of all viewers are built twice, from the live topics and from
    the replayed ones, and compared without their times and model versions. How many slates of the
    topic are also the same as a whole is shown; the others count as skipped, not as different.

    Exit status: 0 the same, 1 something differs, 2 a source topic no longer starts at offset 0
    (retention) or the workers did not catch up: no verdict.

    \b
    Examples:
      media-gateway replay
      media-gateway replay --verify
      media-gateway replay --verify --json
    """  # click wants the backspace itself
    with Progress(console=Console(stderr=True), transient=True) as progress:
        verdict = asyncio.run(Replay(settings, progress).run(wait_s if verify else None))
    if as_json:
        print(json.dumps(as_data(verdict)))
    else:
        print_tables(verdict)
    if not verdict.same:
        raise CommandError("the replay differs from what is there", EXIT_FAILED)


class Replay:
    """One replay of a running stack."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._cluster = cluster_of(settings)
        self._progress = progress
        self._now_ms = time.time_ns() // 1_000_000

    async def run(self, wait_s: float | None) -> Verdict:
        """Derive everything; with ``wait_s`` also compare, after the workers caught up.

        Raises:
            CommandError: no verdict is possible; exit status 2.
        """
        started = time.monotonic()
        verdict = Verdict()
        async with open_snapshots(self._cluster) as snapshots:
            await self._require_whole(snapshots)
            if wait_s is not None:
                await self._await_caught_up(snapshots, started + wait_s)
            for spec in STREAMS:
                if spec is not slates.SPEC:
                    verdict.derived[spec.name] = await self._derive(snapshots, spec)
            verdict.derived["co-watch"] = await derive_fit(snapshots, co_watch.SPEC, self._settings)
            if wait_s is not None:
                await self._await_published(snapshots, verdict.derived, started + wait_s)
            verdict.derived[slates.SPEC.name] = await self._derive(snapshots, slates.SPEC)
            if wait_s is not None:
                verdict.comparisons = await self._catalogue(
                    snapshots, verdict.derived, started + wait_s
                )
                verdict.comparisons += await self._compare(snapshots, verdict.derived)
        verdict.seconds = round(time.monotonic() - started, 2)
        return verdict

    async def _require_whole(self, snapshots: Snapshots) -> None:
        for topic in SOURCES:
            bounds = await snapshots.bounds(topic.name, topic.partitions)
            if not bounds.whole:
                raise CommandError(
                    f"{topic.name} no longer starts at offset 0 (retention removed records), so "
                    f"it cannot be replayed from the beginning; starts: {bounds.starts}",
                    EXIT_USAGE,
                )

    async def _await_caught_up(self, snapshots: Snapshots, deadline_s: float) -> None:
        async with open_admin(self._cluster) as admin:
            for spec in STREAMS:
                group = self._settings.namespace + application_id(spec.name, spec.table_version)
                source = spec.source
                while True:
                    ends = (await snapshots.bounds(source.name, source.partitions)).ends
                    found = await admin.list_consumer_group_offsets(group)
                    done = {
                        tp.partition: meta.offset
                        for tp, meta in found.items()
                        if tp.topic == source.name
                    }
                    behind = sum(max(0, end - done.get(part, 0)) for part, end in ends.items())
                    if behind == 0:
                        break
                    if time.monotonic() > deadline_s:
                        raise CommandError(
                            f"{spec.name} is {behind} records behind {source.name}: no verdict "
                            "while it has not caught up",
                            EXIT_USAGE,
                        )
                    await asyncio.sleep(POLL_S)

    async def _await_published(
        self, snapshots: Snapshots, derived: dict[str, Derived], deadline_s: float
    ) -> None:
        """Wait for what is published some seconds after it is known, for slates are made of it.

        Whatever still differs at the deadline is told by the comparisons.
        """
        for topic, agent in ((TRENDING, "trending"), (NEIGHBOURS, "co-watch")):
            kind = "neighbours" if topic is NEIGHBOURS else None
            replayed = canonical(derived[agent].outputs.get(topic.name, {}), kind)
            while time.monotonic() < deadline_s:
                live = canonical(await live_rows(snapshots, topic), kind)
                if compare(topic.name, live, replayed).same:
                    break
                await asyncio.sleep(POLL_S)
        while time.monotonic() < deadline_s:
            scores = await self._scores(snapshots, derived["watch-states"])
            if all(each.same for each in scores):
                break
            await asyncio.sleep(POLL_S)

    async def _derive(self, snapshots: Snapshots, spec: StreamAgent) -> Derived:
        bounds = await snapshots.bounds(spec.source.name, spec.source.partitions)
        task: TaskID = self._progress.add_task(spec.name, total=bounds.records_max)
        return await derive_stream(
            snapshots, spec, self._settings, self._now_ms,
            lambda count: self._progress.advance(task, count),
        )  # fmt: skip

    async def _catalogue(
        self, snapshots: Snapshots, derived: dict[str, Derived], deadline_s: float
    ) -> list[Comparison]:
        """Compare contents; vectors that come meanwhile change them, so they are derived again.

        Raises:
            CommandError: vectors still come at the deadline; exit status 2.
        """
        vectors = None
        while True:
            found = [
                await self._topic(snapshots, CONTENTS, derived["catalogue"]),
                await self._topic(snapshots, RECORD_TEXTS, derived["catalogue"]),
                await self._table(snapshots, catalogue.SPEC, derived["catalogue"]),
            ]
            before = vectors
            vectors = await snapshots.bounds(RECORD_VECTORS.name, RECORD_VECTORS.partitions)
            is_late = time.monotonic() > deadline_s
            if all(each.same for each in found) or (is_late and vectors == before):
                return found
            if is_late and before is not None:
                raise CommandError(
                    f"{RECORD_VECTORS.name} still grows: no verdict while texts are encoded",
                    EXIT_USAGE,
                )
            if vectors != before:
                derived["catalogue"] = await self._derive(snapshots, catalogue.SPEC)
            await asyncio.sleep(POLL_S)

    async def _compare(self, snapshots: Snapshots, derived: dict[str, Derived]) -> list[Comparison]:
        watched, trends = derived["watch-states"], derived["trending"]
        found = [
            await self._topic(snapshots, WATCH_STATES, watched),
            await self._topic(snapshots, INTERACTIONS, watched),
            await self._topic(snapshots, TRENDING, trends),
        ]
        others = [spec for spec in STREAMS if spec is not catalogue.SPEC]
        found += [await self._table(snapshots, spec, derived[spec.name]) for spec in others]
        found += await self._scores(snapshots, watched)
        found.append(await self._neighbours(snapshots, derived["co-watch"]))
        found += await self._slates(snapshots, derived)
        return found

    async def _topic(self, snapshots: Snapshots, topic: TopicSpec, derived: Derived) -> Comparison:
        live = await live_rows(snapshots, topic)
        return compare(topic.name, live, derived.outputs.get(topic.name, {}))

    async def _table(self, snapshots: Snapshots, spec: StreamAgent, derived: Derived) -> Comparison:
        changelog = self._settings.namespace + spec.changelog
        live = await live_table(snapshots, changelog, spec.source.partitions)
        return compare(changelog, live, derived.table)

    async def _scores(self, snapshots: Snapshots, derived: Derived) -> list[Comparison]:
        """Compare the starts that have scores with those that have a watch state.

        The scores themselves depend on the moment; but none may outlive the state of its start, as
        they would if an erasure had not reached them.
        """
        live = await live_rows(snapshots, START_SCORES)
        states = derived.outputs.get(WATCH_STATES.name, {})
        of_states = {key: value for key, value in live.items() if key in states}
        found = compare(f"{START_SCORES.name} (of states that exist)", live, of_states)
        return [found] if live else []

    async def _neighbours(self, snapshots: Snapshots, derived: Derived) -> Comparison:
        replayed = canonical(derived.outputs.get(NEIGHBOURS.name, {}), "neighbours")
        live = canonical(await live_rows(snapshots, NEIGHBOURS), "neighbours")
        return compare(NEIGHBOURS.name, live, replayed)

    async def _slates(self, snapshots: Snapshots, derived: dict[str, Derived]) -> list[Comparison]:
        built = derived["slates"].outputs.get(SLATES.name, {})
        live = await live_rows(snapshots, SLATES)
        heads = compare(f"{SLATES.name} (viewer part)", heads_of(live), heads_of(built))
        overrides = {
            TRENDING.name: derived["trending"].outputs.get(TRENDING.name, {}),
            NEIGHBOURS.name: derived["co-watch"].outputs.get(NEIGHBOURS.name, {}),
        }
        again = await derive_stream(
            snapshots, slates.SPEC, self._settings, self._now_ms, lambda count: None, overrides
        )
        whole = canonical(built, "slate")
        served = canonical(live, "slate")
        older = frozenset(key for key in served.keys() & whole.keys() if served[key] != whole[key])
        return [
            heads,
            compare(
                f"{SLATES.name} (whole)",
                served,
                whole,
                skipped=older,
                why_skipped="made with the trending or neighbours of an earlier moment",
            ),
            compare(
                f"{SLATES.name} (built twice)",
                whole,
                canonical(again.outputs.get(SLATES.name, {}), "slate"),
            ),
        ]


def canonical(rows: Rows, kind: str | None) -> Rows:
    """Return rows without what says when they were made (see the command's help)."""
    if kind is None:
        return rows
    if kind == "neighbours":
        return {key: canonical_neighbours(value) for key, value in rows.items()}
    return {key: without_version(canonical_slate(value)) for key, value in rows.items()}


def without_version(value: bytes) -> bytes:
    """Return a slate without model versions: rows that a refit did not change keep an older one."""
    slate = orjson.loads(value)
    for part in (slate, *slate["entries"]):
        part.pop("model_version", None)
    return orjson.dumps(slate)


def heads_of(rows: Rows) -> Rows:
    """Return the part of each slate that depends on the viewer alone."""
    heads = {}
    for key, value in rows.items():
        slate = orjson.loads(value)
        names = ("user_id", "as_of_ms", "newest_event_id", "source_offset")
        heads[key] = orjson.dumps({name: slate.get(name) for name in names})
    return heads
