"""``erase search``: where a user still is, why, and until when."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cli.erasing import stores
from infra.data_dir import DataDir
from infra.kafka.admin import describe_topics, list_topics
from infra.kafka.cluster import cluster_of
from infra.postgres.erasures import ErasureStore
from infra.postgres.pool import Pool
from infra.privacy.files import search_files
from infra.privacy.tables import TableFinding, search_tables
from infra.privacy.topics import Seen, TopicFinding, search_topic
from infra.privacy.words import Word
from infra.replay.snapshot import Snapshots
from infra.security.pseudonyms import Pseudonyms
from infra.settings import Settings
from schemas.times import to_rfc3339

NEVER_ERASED = "live: the user was not erased"
AGAIN = "live: newer than the erasure"
COINCIDENCE = "not declared as of users: a coincidence is possible"
STILL_THERE = "live, and older than the erasure: run `media-gateway erase` again"
# A segment holds what the lines about its topic say, or what the broker is about to delete.
IN_SEGMENT = "in the bytes of a segment: see its topic, or until the broker cleans it"
IN_LOG = "in a log of a process"

Say = Callable[[str], None]


class Found(NamedTuple):
    """One store that names the user; ``expected`` says whether an erasure explains it."""

    store: str
    kind: str  # table, topic or file
    where: str
    number: int
    reason: str
    until: str | None
    expected: bool


class Kinds(NamedTuple):
    """Topics that are about users, by their keys; those that are not; others are unknown."""

    personal: frozenset[str]
    of_others: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "Kinds":
        """Return what is declared."""
        personal = [*stores.state_topics(), *stores.changelogs(settings)]
        return cls(frozenset(personal), frozenset(stores.of_others(settings)))

    def of_user(self, finding: TopicFinding) -> list[Seen]:
        """Return the live records that are the user's; in a topic nobody declared it is all."""
        if finding.topic in self.of_others:
            return []
        if finding.topic in self.personal:
            return [each for each in finding.live if each.own]
        return finding.live


async def search(
    settings: Settings, pool: Pool, snapshots: Snapshots, user_id: str, say: Say
) -> list[Found]:
    """Search every table, every topic and, of an embedded broker, every file."""
    word = Word(user_id)
    pseudonyms = Pseudonyms(settings.erasure_key).all_of(user_id)
    erased_at_ms = await ErasureStore(pool).erased_at(pseudonyms)
    say("searching tables")
    found = [_of_table(each, erased_at_ms) for each in await search_tables(pool, word)]
    cluster, kinds = cluster_of(settings), Kinds.of(settings)
    for topic in await describe_topics(cluster, await list_topics(cluster)):
        say(f"searching {topic.name}")
        found += _of_topic(await search_topic(snapshots, topic, word), erased_at_ms, kinds)
    say("searching files")
    return found + in_files(folders(settings), word)


def folders(settings: Settings) -> dict[Path, str]:
    """Return the folders of the stack that runs in the data directory, and what is in them."""
    data_dir = DataDir(settings.data_dir)
    if data_dir.running() is None:
        return {}
    known = {data_dir.path / "kafka" / "log": IN_SEGMENT, data_dir.logs: IN_LOG}
    return {folder: reason for folder, reason in known.items() if folder.is_dir()}


def _of_table(finding: TableFinding, erased_at_ms: int | None) -> Found:
    where = ", ".join(finding.columns)
    if not finding.declared:
        return Found(finding.table, "table", where, finding.rows, COINCIDENCE, None, True)
    return _state(finding.table, "table", where, finding.rows, finding.oldest_ms, erased_at_ms)


def _state(
    store: str, kind: str, where: str, count: int, at_ms: int | None, erased_at_ms: int | None
) -> Found:
    if erased_at_ms is None:
        return Found(store, kind, where, count, NEVER_ERASED, None, True)
    if at_ms is not None and at_ms > erased_at_ms:
        return Found(store, kind, where, count, AGAIN, None, True)
    return Found(store, kind, where, count, STILL_THERE, None, False)


def _of_topic(finding: TopicFinding, erased_at_ms: int | None, kinds: Kinds) -> list[Found]:
    found, limits = [], finding.limits
    theirs = kinds.of_user(finding)
    if finding.live and not limits.compacted:
        newest_ms = max(each.at_ms for each in finding.live)
        until = _time(limits.deleted_by(newest_ms))
        found.append(_records(finding, finding.live, "kept by retention", until))
    elif theirs:
        oldest_ms = min(each.at_ms for each in theirs)
        where = _where(theirs)
        found.append(_state(finding.topic, "topic", where, len(theirs), oldest_ms, erased_at_ms))
    others = [each for each in finding.live if each not in theirs] if limits.compacted else []
    if others:
        found.append(_records(finding, others, COINCIDENCE, None))
    if finding.superseded:
        until = _time(limits.compacted_by(finding.replaced_at_ms))
        found.append(_records(finding, finding.superseded, "replaced, until compaction", until))
    if finding.tombstones:
        newest_ms = max(each.at_ms for each in finding.tombstones)
        until = _time(limits.tombstone_gone_by(newest_ms))
        reason = "tombstones: readers that are away must see them"
        found.append(_records(finding, finding.tombstones, reason, until))
    return found


def _records(finding: TopicFinding, seen: Sequence[Seen], reason: str, until: str | None) -> Found:
    return Found(finding.topic, "topic", _where(seen), len(seen), reason, until, True)


def _where(seen: Sequence[Seen]) -> str:
    first, last = seen[0], seen[-1]
    where = f"{first.partition}@{first.offset}"
    return where if len(seen) == 1 else f"{where} to {last.partition}@{last.offset}"


def in_files(folders: Mapping[Path, str], word: Word) -> list[Found]:
    """Search every file below folders, with what is said of the files of each."""
    return [
        _of_file(each.path, each.times, reason)
        for folder, reason in folders.items()
        for each in search_files([folder], word)
    ]


def _of_file(path: Path, times: int, reason: str) -> Found:
    return Found(f"{path.parent.name}/{path.name}", "file", str(path), times, reason, None, True)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
