"""What the catalogue becomes in a cluster, and which differences are errors."""

from dataclasses import replace

import pytest

from agents.registry import changelogs
from infra.kafka.admin import ActualTopic, DeclaredTopic, declared_topics, differences
from topics.catalog import CATALOG, CONTENTS, PROGRESS, WEBHOOKS
from topics.spec import TopicSpec


def by_name(replication_factor: int = 1) -> dict[str, DeclaredTopic]:
    topics = declared_topics(CATALOG, [("t-changelog", 8)], replication_factor=replication_factor)
    return {topic.name: topic for topic in topics}


def test_every_topic_its_dead_letter_and_the_changelogs_are_declared() -> None:
    expected = {spec.name for spec in CATALOG}
    expected |= {spec.dead_letter_name for spec in CATALOG if spec.dead_letter}
    assert set(by_name()) == expected | {"t-changelog"}


@pytest.mark.parametrize("parent", [PROGRESS, WEBHOOKS])
def test_a_dead_letter_topic_has_limits_of_its_own(parent: TopicSpec) -> None:
    dead = by_name()[parent.dead_letter_name]
    assert dead.partitions == parent.partitions
    assert dead.config == {
        "cleanup.policy": "delete",
        "retention.ms": str(14 * 24 * 3600 * 1000),
        "segment.ms": str(24 * 3600 * 1000),  # a quiet topic's records go no later than that
        "max.message.bytes": str(parent.message_bytes_max + 64 * 1024),
        "min.insync.replicas": "1",
    }


@pytest.mark.parametrize("name", [CONTENTS.name, "t-changelog"])
def test_state_is_compacted_within_the_times_that_erasure_needs(name: str) -> None:
    config = by_name()[name].config
    assert config["cleanup.policy"] == "compact"
    assert config["segment.ms"] == str(24 * 3600 * 1000)
    assert config["max.compaction.lag.ms"] == str(3 * 24 * 3600 * 1000)
    assert config["delete.retention.ms"] == str(7 * 24 * 3600 * 1000)


def test_every_topic_closes_its_segments_after_a_day_and_state_has_all_limits() -> None:
    for topic in declared_topics(CATALOG, changelogs()):
        assert topic.config["segment.ms"] == str(24 * 3600 * 1000), topic.name
        limited = "max.compaction.lag.ms" in topic.config and "delete.retention.ms" in topic.config
        assert limited is (topic.config["cleanup.policy"] == "compact"), topic.name


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_broker_may_be_lost_where_there_are_replicas(replicas: int, in_sync: str) -> None:
    topics = by_name(replicas).values()
    assert {topic.config["min.insync.replicas"] for topic in topics} == {in_sync}


def test_only_dangerous_differences_are_errors() -> None:
    declared = by_name()[CONTENTS.name]
    actual = ActualTopic(declared.name, declared.partitions, 1, dict(declared.config))
    assert differences(declared, {}) == []
    assert differences(declared, {declared.name: actual}) == []
    longer = replace(actual, config=actual.config | {"delete.retention.ms": "1"})
    assert differences(declared, {declared.name: longer}) == []
    wider = replace(actual, partitions=9)
    assert differences(declared, {declared.name: wider}) == [
        f"{declared.name}: 9 partitions, declared 1"
    ]
    deleting = replace(actual, config=actual.config | {"cleanup.policy": "delete"})
    assert differences(declared, {declared.name: deleting}) == [
        f"{declared.name}: cleanup.policy=delete, declared compact"
    ]
