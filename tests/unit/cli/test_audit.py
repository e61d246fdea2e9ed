"""How long the topic keeps audit entries, by its real configuration."""

import pytest

from cli.audit import kept_ms, less_kept
from topics.catalog import AUDIT_ENTRIES

DECLARED_MS = AUDIT_ENTRIES.retention_ms
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("config", "found_ms"),
    [
        ({"retention.ms": str(DECLARED_MS)}, DECLARED_MS),
        ({"retention.ms": str(90 * DAY_MS)}, 90 * DAY_MS),
        ({"retention.ms": str(2 * DECLARED_MS)}, DECLARED_MS),  # it may have been less before
        ({"retention.ms": "-1"}, DECLARED_MS),
        ({}, DECLARED_MS),
    ],
)
def test_the_topic_is_asked_for_what_it_keeps_and_for_no_more_than_declared(config, found_ms):
    assert kept_ms(config) == found_ms


def test_a_topic_that_keeps_less_than_declared_is_told_of():
    assert less_kept(90 * DAY_MS) == (
        "the topic keeps entries for 90 days instead of 1095: older ones may have no copy there"
    )
    assert less_kept(3_600_000).startswith("the topic keeps entries for 0.04167 days")
