"""Topics in the cluster: create what the catalogue declares, compare, list. Never alters a topic.

A topic that exists with other partitions or another cleanup policy is an error for a person to
decide about: changing partitions moves keys, changing the policy deletes data.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from infra.kafka.cluster import Cluster, started_admin
from infra.kafka.unreachable import KafkaUnreachable
from schemas.times import DAY_MS
from topics.catalog import CATALOG
from topics.spec import TopicSpec

SEGMENT_MS = DAY_MS  # erasure: only closed segments are compacted, or deleted by age
COMPACTION_LAG_MS_MAX = 3 * DAY_MS  # an erased user's records are gone after this
TOMBSTONE_MS = 7 * DAY_MS  # a reader that is away for less sees every tombstone
CHANGELOG_BYTES_MAX = 8 * 1024 * 1024
REQUEST_TIMEOUT_MS = 15_000
CREATE_AT_ONCE = 50
LEADERS_TIMEOUT_S = 30.0
LEADERS_POLL_S = 0.05
SHOWN = (
    "cleanup.policy",
    "retention.ms",
    "max.message.bytes",
    "min.insync.replicas",
    "segment.ms",
    "max.compaction.lag.ms",
    "delete.retention.ms",
)
COMPARED = ("cleanup.policy",)


class TopicsError(RuntimeError):
    """Topics cannot be created, or differ from the catalogue; the message lists every one."""


@dataclass(frozen=True, slots=True)
class DeclaredTopic:
    """One topic as it should be in the cluster."""

    name: str
    partitions: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class ActualTopic:
    """One topic as it is in the cluster."""

    name: str
    partitions: int
    replicas: int
    config: dict[str, str]


def declared_topics(
    catalog: Sequence[TopicSpec] = CATALOG,
    changelogs: Sequence[tuple[str, int]] = (),
    *,
    replication_factor: int = 1,
) -> list[DeclaredTopic]:
    """Return the topics of the catalogue, their dead letters and the tables' changelogs.

    Args:
        catalog: declared topics.
        changelogs: name and partition count of each table changelog.
        replication_factor: replicas of each, 1 or more; 3 tolerates the loss of one broker.
    """
    common = {"min.insync.replicas": str(max(1, replication_factor - 1))}
    topics = []
    for spec in catalog:
        topics.append(DeclaredTopic(spec.name, spec.partitions, common | topic_config(spec)))
        if spec.dead_letter:
            letters = spec.dead_letters
            config = common | dead_letter_config(letters)
            topics.append(DeclaredTopic(letters.name, letters.partitions, config))
    for name, partitions in changelogs:
        config = common | compact_config(CHANGELOG_BYTES_MAX)
        topics.append(DeclaredTopic(name, partitions, config))
    return topics


def topic_config(spec: TopicSpec) -> dict[str, str]:
    """Return the explicit configuration of a catalogue topic."""
    if spec.cleanup == "compact":
        return compact_config(spec.message_bytes_max)
    return delete_config(spec.retention_ms, spec.message_bytes_max)


def dead_letter_config(letters: TopicSpec) -> dict[str, str]:
    """Return the configuration of a dead-letter topic.

    Few records come, and Kafka deletes whole closed segments only: they are closed every day, so
    that records go when they should.
    """
    return topic_config(letters) | {"segment.ms": str(SEGMENT_MS)}


def delete_config(retention_ms: int, bytes_max: int) -> dict[str, str]:
    """Facts: kept for a time."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "max.message.bytes": str(bytes_max),
        "segment.ms": str(SEGMENT_MS),
    }


def compact_config(bytes_max: int) -> dict[str, str]:
    """State: the last value of each key, with limits on how long older ones stay."""
    return {
        "cleanup.policy": "compact",
        "retention.ms": "-1",
        "max.message.bytes": str(bytes_max),
        "segment.ms": str(SEGMENT_MS),
        "max.compaction.lag.ms": str(COMPACTION_LAG_MS_MAX),
        "delete.retention.ms": str(TOMBSTONE_MS),
    }


@asynccontextmanager
async def open_admin(cluster: Cluster) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an admin client.

    Raises:
        TopicsError: no broker takes it; the message says why.
    """
    try:
        client = await started_admin(cluster, request_timeout_ms=REQUEST_TIMEOUT_MS)
    except KafkaUnreachable as problem:
        raise TopicsError(str(problem)) from problem
    try:
        yield client
    finally:
        await client.close()


async def apply_topics(
    cluster: Cluster,
    *,
    replication_factor: int,
    catalog: Sequence[TopicSpec] = CATALOG,
    changelogs: Sequence[tuple[str, int]] = (),
) -> list[str]:
    """Create every declared topic that is missing; change nothing that exists.

    Returns:
        The names created, in catalogue order.

    Raises:
        TopicsError: a topic exists with other partitions or another cleanup policy, or the cluster
            refuses one. Nothing is created when a mismatch is found.
    """
    declared = declared_topics(catalog, changelogs, replication_factor=replication_factor)
    async with open_admin(cluster) as client:
        existing = await fetch_topics(client, [topic.name for topic in declared])
        mismatches = [line for topic in declared for line in differences(topic, existing)]
        if mismatches:
            raise TopicsError("topics differ from the catalogue:\n  " + "\n  ".join(mismatches))
        missing = [topic for topic in declared if topic.name not in existing]
        for first in range(0, len(missing), CREATE_AT_ONCE):
            await create(client, missing[first : first + CREATE_AT_ONCE], replication_factor)
        await wait_until_led(client, [topic.name for topic in missing])
    return [topic.name for topic in missing]


async def create(
    client: AIOKafkaAdminClient, topics: Sequence[DeclaredTopic], replication_factor: int
) -> None:
    """Create topics; one made by somebody else in the meantime is fine.

    Raises:
        TopicsError: the cluster refuses one.
    """
    answer = await client.create_topics(
        [
            NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=topic.config)
            for topic in topics
        ]
    )
    refused = []
    for name, code, *rest in answer.topic_errors:
        error = for_code(code)
        if code != 0 and error is not TopicAlreadyExistsError:
            refused.append(f"{name}: {rest[0] if rest and rest[0] else error.__name__}")
    if refused:
        raise TopicsError("Kafka refused topics:\n  " + "\n  ".join(refused))


async def wait_until_led(client: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Wait until every partition of ``names`` has a leader that clients can find.

    The cluster acknowledges a new topic before all of its brokers have heard of it.

    Raises:
        TopicsError: after ``LEADERS_TIMEOUT_S`` some have none.
    """
    waiting = list(names)
    deadline = time.monotonic() + LEADERS_TIMEOUT_S
    while waiting:
        present = set(await client.list_topics())
        known = [name for name in waiting if name in present]
        entries = await client.describe_topics(known) if known else []
        led = {entry["topic"] for entry in entries if has_leaders(entry)}
        waiting = [name for name in waiting if name not in led]
        if waiting and time.monotonic() > deadline:
            raise TopicsError(f"no leader after {LEADERS_TIMEOUT_S:g} s: {', '.join(waiting)}")
        await asyncio.sleep(LEADERS_POLL_S if waiting else 0)


def has_leaders(entry: dict[str, Any]) -> bool:
    """Whether every partition in a topic's metadata has a leader."""
    partitions = entry["partitions"]
    return bool(partitions) and all(item["leader"] >= 0 for item in partitions)


def differences(topic: DeclaredTopic, existing: dict[str, ActualTopic]) -> list[str]:
    """Return one line for each difference that must not be papered over; none if it is missing."""
    actual = existing.get(topic.name)
    if actual is None:
        return []
    lines = []
    if actual.partitions != topic.partitions:
        lines.append(f"{topic.name}: {actual.partitions} partitions, declared {topic.partitions}")
    lines += [
        f"{topic.name}: {key}={actual.config.get(key)}, declared {topic.config[key]}"
        for key in COMPARED
        if actual.config.get(key) != topic.config[key]
    ]
    return lines


async def list_topics(cluster: Cluster) -> list[str]:
    """Return the names of all topics in the cluster, sorted, without Kafka's internal ones."""
    async with open_admin(cluster) as client:
        return sorted(name for name in await client.list_topics() if not name.startswith("__"))


async def describe_topics(cluster: Cluster, names: Sequence[str]) -> list[ActualTopic]:
    """Return the topics of ``names`` that exist, in that order."""
    async with open_admin(cluster) as client:
        found = await fetch_topics(client, names)
    return [found[name] for name in names if name in found]


async def fetch_topics(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, ActualTopic]:
    """Read partitions and configuration of those of ``names`` that exist."""
    present = set(await client.list_topics())
    wanted = [name for name in names if name in present]
    if not wanted:
        return {}
    configs = await fetch_configs(client, wanted)
    found = {}
    for entry in await client.describe_topics(wanted):
        partitions = entry["partitions"]
        replicas = len(partitions[0]["replicas"]) if partitions else 0
        name = entry["topic"]
        found[name] = ActualTopic(name, len(partitions), replicas, configs[name])
    return found


async def fetch_configs(
    client: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Read the effective configuration of topics.

    Raises:
        TopicsError: the cluster refuses.
    """
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, str]] = {}
    for answer in await client.describe_configs(resources):
        for code, message, _type, name, entries in answer.resources:
            if code != 0:
                raise TopicsError(f"{name}: {message or for_code(code).__name__}")
            configs[name] = {key: value for key, value, *_rest in entries}
    return configs


def as_row(topic: ActualTopic) -> dict[str, Any]:
    """Return a topic as plain data for `topics describe --json`."""
    return {
        "name": topic.name,
        "partitions": topic.partitions,
        "replicas": topic.replicas,
        "config": {key: topic.config.get(key, "") for key in SHOWN},
    }
