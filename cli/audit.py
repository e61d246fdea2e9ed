"""``media-gateway audit``: who changed what, and whether the trail is whole."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import IO, Any

import click

from cli.options import EXIT_USAGE, CommandError, with_settings
from domain.audit import EMPTY, Break, Chain, Head, Kept, Published, compare, published
from infra.kafka.admin import TopicsError, describe_topics
from infra.kafka.cluster import Cluster, cluster_of
from infra.postgres.audit import AuditTrail, Filter
from infra.postgres.pool import create_pool
from infra.replay.snapshot import open_snapshots
from infra.settings import Settings
from schemas.audit_entry import AuditEntry
from schemas.codec import DecodeError, decode, encode
from schemas.times import DAY_MS, from_rfc3339, to_rfc3339
from topics.catalog import AUDIT_ENTRIES

HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})", re.ASCII)
LIST_DEFAULT = 50

Progress = Callable[[int], Any]


@click.group()
def audit() -> None:
    """Read, check and export the audit trail."""


@audit.command("list")
@click.option("--actor", help="Only what this operator or user did, e.g. ada or cli:ada.")
@click.option("--action", help="Only this action, e.g. operator.login.")
@click.option("--since", help="Only from this time on, RFC 3339.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LIST_DEFAULT, show_default=True)
@with_settings(database=True)
def list_entries(
    settings: Settings, actor: str | None, action: str | None, since: str | None, limit: int
) -> None:
    """List entries, newest first: number, time, actor, action, subject, address, request.

    Entries of one run of a command have one request id, as have those of one HTTP request.

    \b
    Examples:
      media-gateway audit list --actor ada
      media-gateway audit list --action operator.lockout --since 2026-01-31T00:00:00Z
    """
    wanted = Filter(actor, action, None if since is None else read_since(since))

    async def read() -> list[AuditEntry]:
        async with create_pool(settings) as pool:
            return await AuditTrail(pool).page(wanted, limit)

    for entry in asyncio.run(read()):
        click.echo(line(entry))


@audit.command()
@click.option("--head", help="A head that was printed earlier: the trail must still contain it.")
@with_settings(kafka=True, database=True)
def verify(settings: Settings, head: str | None) -> None:
    """Check that no entry was changed, removed, inserted or cut off; print the head.

    Every hash is computed anew, and the table is compared with its copy in the topic. Exits with 1
    and names the first bad entry where the trail does not hold: also one that the topic should have
    and does not, and one that has waited for the topic for more than a minute. Keep the head, the
    last line, where the database's owner cannot change it: then a later check also finds that both
    were rewritten, or that entries were cut off before they were in the topic.

    \b
    Examples:
      media-gateway audit verify
      media-gateway audit verify --head 42:$(cut -d: -f2 head-of-monday)
    """
    known = EMPTY if head is None else read_head(head)
    with click.progressbar(length=1, label="checking", file=click.get_text_stream("stderr")) as bar:

        def progress(done: int) -> None:
            bar.length = max(bar.length or 1, done)
            bar.update(done - bar.pos)

        end, topic, broken = asyncio.run(check(settings, known, progress))
    if broken is not None:
        raise CommandError(str(broken))
    if topic.retention_ms < AUDIT_ENTRIES.retention_ms:
        click.echo(less_kept(topic.retention_ms), err=True)
    copied = len(topic.sha256)
    click.echo(f"{end.sequence} entries hold, {copied} of them are in the topic; the head:")
    click.echo(str(end))


@audit.command()
@click.option("--output", type=click.File("wb", atomic=True), default="-", help="A file; - prints.")
@with_settings(database=True)
def export(settings: Settings, output: IO[bytes]) -> None:
    """Write all entries, oldest first, one JSON object a line, with their hashes.

    \b
    Example:
      media-gateway audit export --output trail.jsonl
    """

    async def write() -> None:
        async with create_pool(settings) as pool:
            async for batch in AuditTrail(pool).entries():
                output.writelines(encode(entry) + b"\n" for entry in batch)

    asyncio.run(write())


async def check(
    settings: Settings, known: Head, progress: Progress
) -> tuple[Head, Published, Break | None]:
    """Return the head, what the topic holds, and the first break.

    What grows meanwhile is no break: the mark is read first, then the topic, then the table. The
    time is the database's, which entries have too: a wrong clock of this machine changes no age.
    """
    async with create_pool(settings) as pool:
        trail = AuditTrail(pool)
        marked, now_ms = await trail.marked()
        topic = await read_topic(cluster_of(settings))
        chain, table = Chain(known), dict[int, Kept]()
        async for batch in trail.entries():
            for entry in batch:
                chain.check(entry)
                table.setdefault(entry.sequence, Kept(entry.entry_sha256, entry.at_ms))
            progress(len(table))
    differs = compare(table, topic, marked, now_ms)
    found = [each for each in (chain.end(), differs) if each is not None]
    return chain.head, topic, min(found, key=lambda each: each.sequence, default=None)


async def read_topic(cluster: Cluster) -> Published:
    """Return what the topic holds.

    Raises:
        TopicsError: there is no such topic.
        CommandError: it holds something that is no entry.
    """
    described = await describe_topics(cluster, [AUDIT_ENTRIES.name])
    if not described:
        raise TopicsError(
            f"no topic {AUDIT_ENTRIES.name}: create it with `media-gateway topics apply`"
        )
    entries: list[AuditEntry] = []
    async with open_snapshots(cluster) as snapshots:
        bounds = await snapshots.bounds(AUDIT_ENTRIES.name, AUDIT_ENTRIES.partitions)
        for partition in bounds.ends:
            async for records in snapshots.records(bounds, partition):
                for record in records:
                    entries.append(entry_of(record))
    return published(entries, kept_ms(described[0].config))


def kept_ms(config: Mapping[str, str]) -> int:
    """Return how long the topic keeps an entry at least, from its real configuration.

    Never longer than declared: where somebody raised it later, older entries may have gone before.
    """
    actual_ms = int(config.get("retention.ms", "-1"))
    for_ever = actual_ms < 0
    return AUDIT_ENTRIES.retention_ms if for_ever else min(actual_ms, AUDIT_ENTRIES.retention_ms)


def less_kept(retention_ms: int) -> str:
    """Return the line that says that the topic keeps less than it was made for."""
    days, declared_days = (each / DAY_MS for each in (retention_ms, AUDIT_ENTRIES.retention_ms))
    return (
        f"the topic keeps entries for {days:.4g} days instead of {declared_days:g}: "
        "older ones may have no copy there"
    )


def entry_of(record: Any) -> AuditEntry:
    """Return the entry of a record of the topic."""
    try:
        return decode(AuditEntry, record.value)
    except DecodeError as error:
        raise CommandError(
            f"offset {record.offset} of the topic holds no entry: {error}"
        ) from error


def read_head(text: str) -> Head:
    """Return a head as ``verify`` prints it."""
    match = HEAD.fullmatch(text)
    if match is None:
        raise CommandError(f"{text!r} is not a head as `audit verify` prints it", EXIT_USAGE)
    return Head(int(match.group(1)), match.group(2))


def read_since(text: str) -> int:
    """Return the Unix milliseconds of ``--since``."""
    try:
        return from_rfc3339(text)
    except ValueError as error:
        raise CommandError(f"--since: {error}", EXIT_USAGE) from error


def line(entry: AuditEntry) -> str:
    """Return the line of one entry; nothing in it can end a line or colour a terminal."""
    parts = (
        str(entry.sequence), to_rfc3339(entry.at_ms), entry.actor, entry.action, entry.subject,
        entry.source or "-", entry.request_id or "-",
    )  # fmt: skip
    return "\t".join(printable(part) for part in parts)


def printable(text: str) -> str:
    """Return text with escapes for what is not printed as it is."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
