"""Topics are created as declared on a real Kafka, and a mismatch is an error."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.kafka.admin import TopicsError, apply_topics, describe_topics, list_topics
from infra.kafka.cluster import Cluster
from topics.catalog import CONTENTS, PROGRESS


async def test_creates_once_with_explicit_configuration(
    kafka_bootstrap: str, unique: Callable[[str], str]
) -> None:
    facts = replace(PROGRESS, name=unique("facts"))
    state = replace(CONTENTS, name=unique("state"))
    changelogs = [(unique("table-changelog"), 4)]
    created = await apply_topics(
        Cluster(kafka_bootstrap),
        replication_factor=1,
        catalog=[facts, state],
        changelogs=changelogs,
    )
    assert created == [facts.name, facts.dead_letter_name, state.name, changelogs[0][0]]
    again = await apply_topics(
        Cluster(kafka_bootstrap),
        replication_factor=1,
        catalog=[facts, state],
        changelogs=changelogs,
    )
    assert again == []
    assert set(created) <= set(await list_topics(Cluster(kafka_bootstrap)))

    source, dead, compacted, table = await describe_topics(Cluster(kafka_bootstrap), created)
    assert (source.partitions, source.replicas) == (8, 1)
    assert source.config["cleanup.policy"] == "delete"
    assert source.config["retention.ms"] == str(facts.retention_ms)
    assert dead.partitions == source.partitions
    assert int(dead.config["max.message.bytes"]) == facts.message_bytes_max + 65536
    assert dead.config["retention.ms"] == str(14 * 86_400_000)
    assert dead.config["segment.ms"] == "86400000"
    assert compacted.config["cleanup.policy"] == "compact"
    assert compacted.config["segment.ms"] == "86400000"
    assert compacted.config["max.compaction.lag.ms"] == "259200000"
    assert compacted.config["delete.retention.ms"] == "604800000"
    assert (table.partitions, table.config["cleanup.policy"]) == (4, "compact")


async def test_mismatch_is_an_error_and_creates_nothing(
    kafka_bootstrap: str, unique: Callable[[str], str]
) -> None:
    spec = replace(CONTENTS, name=unique("state"))
    await apply_topics(Cluster(kafka_bootstrap), replication_factor=1, catalog=[spec])
    other = replace(spec, name=unique("other"))
    wider = replace(spec, partitions=3)
    with pytest.raises(TopicsError, match="1 partitions, declared 3"):
        await apply_topics(Cluster(kafka_bootstrap), replication_factor=1, catalog=[other, wider])
    as_facts = replace(spec, cleanup="delete", retention_ms=1000)
    with pytest.raises(TopicsError, match=r"cleanup.policy=compact, declared delete"):
        await apply_topics(Cluster(kafka_bootstrap), replication_factor=1, catalog=[as_facts])
    assert other.name not in await list_topics(Cluster(kafka_bootstrap))


async def test_too_few_brokers_is_a_clear_error(
    kafka_bootstrap: str, unique: Callable[[str], str]
) -> None:
    spec = replace(CONTENTS, name=unique("state"))
    with pytest.raises(TopicsError, match=r"replication factor.*brokers"):
        await apply_topics(Cluster(kafka_bootstrap), replication_factor=99, catalog=[spec])


async def test_no_broker_is_a_clear_error() -> None:
    with pytest.raises(TopicsError, match=r"no Kafka answers at 127\.0\.0\.1:1"):
        await list_topics(Cluster("127.0.0.1:1"))
