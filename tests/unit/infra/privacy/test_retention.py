"""When a record has left Kafka's files, by the configuration that the catalogue declares."""

from infra.kafka.admin import declared_topics
from infra.privacy.retention import CHECK_MS, FILE_DELETE_MS, limits_of
from schemas.times import DAY_MS
from topics.catalog import PROGRESS, WATCH_STATES

DEFAULTS = {
    "retention.ms": "604800000", "segment.ms": "604800000", "delete.retention.ms": "86400000",
    "max.compaction.lag.ms": "9223372036854775807", "cleanup.policy": "delete",
}  # fmt: skip
MARGIN = CHECK_MS + FILE_DELETE_MS


def limits_in_cluster(name):
    (topic,) = [each for each in declared_topics() if each.name == name]
    return limits_of(DEFAULTS | topic.config)


def test_events_are_gone_a_day_after_their_retention():
    limits = limits_in_cluster(PROGRESS.name)
    assert limits.deleted_by(1000) == 1000 + 31 * DAY_MS + MARGIN


def test_state_is_gone_three_days_after_it_was_replaced_and_its_tombstone_within_two_weeks():
    limits = limits_in_cluster(WATCH_STATES.name)
    assert limits.compacted
    assert limits.deleted_by(1000) is None
    assert limits.compacted_by(1000) == 1000 + 3 * DAY_MS + MARGIN
    assert limits.tombstone_gone_by(1000) == 1000 + 13 * DAY_MS + MARGIN


def test_without_a_limit_there_is_no_time():
    limits = limits_of(DEFAULTS | {"cleanup.policy": "compact", "retention.ms": "-1"})
    assert limits.compacted_by(1000) is None
    assert limits.tombstone_gone_by(1000) is None
