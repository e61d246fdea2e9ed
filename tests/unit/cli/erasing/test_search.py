"""What a search says about a record: why it is there, until when, and whether that is explained."""

import pytest

from cli.erasing import search, stores
from infra.data_dir import DataDir
from infra.privacy.retention import Limits
from infra.privacy.tables import TableFinding
from infra.privacy.topics import Seen, TopicFinding
from infra.privacy.words import Word
from infra.settings import Settings
from schemas.times import to_rfc3339
from topics.catalog import CONTENTS, INTERACTIONS, PROGRESS, SLATES, START_SCORES, WATCH_STATES

COMPACTED = Limits(True, None, 1, 1000, 5000)
BY_AGE = Limits(False, 9000, 100, None, 1)
ERASED_AT_MS = 500
MARGIN_MS = 360_000
KINDS = search.Kinds.of(Settings())


def live(at_ms: int) -> Seen:
    return Seen(3, 17, at_ms, is_tombstone=False)


def test_events_are_kept_by_retention():
    (found,) = search._of_topic(
        TopicFinding("t", BY_AGE, live=[live(10), live(20)]), ERASED_AT_MS, KINDS
    )
    assert (found.number, found.expected, found.where) == (2, True, "3@17 to 3@17")
    assert found.until == to_rfc3339(20 + 100 + 9000 + MARGIN_MS)


def test_what_was_replaced_waits_for_compaction_and_its_tombstone_longer():
    finding = TopicFinding(
        "t", COMPACTED, superseded=[live(10)], replaced_at_ms=600,
        tombstones=[Seen(3, 18, 600, is_tombstone=True)],
    )  # fmt: skip
    replaced, tombstone = search._of_topic(finding, ERASED_AT_MS, KINDS)
    assert (replaced.expected, tombstone.expected) == (True, True)
    assert replaced.until == to_rfc3339(600 + 1000 + MARGIN_MS)
    assert tombstone.until == to_rfc3339(600 + 1000 + MARGIN_MS + 5000 + 1000)
    assert finding.gone_by() == 600 + 1000 + MARGIN_MS + 5000 + 1000


@pytest.mark.parametrize(
    ("at_ms", "erased_at_ms", "reason", "expected"),
    [
        (400, ERASED_AT_MS, search.STILL_THERE, False),
        (600, ERASED_AT_MS, search.AGAIN, True),
        (400, None, search.NEVER_ERASED, True),
    ],
)
def test_live_state_is_explained_by_its_time_alone(at_ms, erased_at_ms, reason, expected):
    finding = TopicFinding("t", COMPACTED, live=[live(at_ms)])
    (found,) = search._of_topic(finding, erased_at_ms, KINDS)
    assert (found.reason, found.expected) == (reason, expected)


@pytest.mark.parametrize(
    ("topic", "own", "expected"),
    [
        (SLATES.name, True, False),  # the user's slate
        (SLATES.name, False, True),  # somebody else's, with the id as a word
        (CONTENTS.name, True, True),  # a title of that name
        (CONTENTS.name, False, True),
        ("nobody-declared-it", True, False),
        ("nobody-declared-it", False, False),
    ],
)
def test_a_record_is_the_users_by_its_key_in_topics_of_users(topic, own, expected):
    finding = TopicFinding(topic, COMPACTED, live=[live(400)._replace(own=own)])
    (found,) = search._of_topic(finding, ERASED_AT_MS, KINDS)
    assert found.expected is expected
    assert (found.reason == search.COINCIDENCE) is expected


@pytest.mark.parametrize(
    ("declared", "oldest_ms", "reason", "expected"),
    [
        (True, 400, search.STILL_THERE, False),
        (True, None, search.STILL_THERE, False),
        (True, 600, search.AGAIN, True),
        (False, None, search.COINCIDENCE, True),
        (False, 400, search.COINCIDENCE, True),
    ],
)
def test_a_column_of_users_fails_a_search_and_another_is_only_told(
    declared, oldest_ms, reason, expected
):
    finding = TableFinding("operators", ("role",), 2, oldest_ms, declared)
    found = search._of_table(finding, ERASED_AT_MS)
    assert (found.reason, found.expected, found.number) == (reason, expected, 2)


def test_a_file_is_named_by_its_folder_also_when_a_log_was_rotated(tmp_path):
    settings = Settings(data_dir=tmp_path)
    kafka, logs = tmp_path / "kafka" / "log", DataDir(tmp_path).logs
    assert search.folders(settings) == {}  # nothing runs there
    for path in (kafka / "logs" / "00000000.log", logs / "api.log.1"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x user-1 y")
    found = search.in_files({kafka: search.IN_SEGMENT, logs: search.IN_LOG}, Word("user-1"))
    assert [(each.store, each.reason) for each in found] == [
        ("logs/00000000.log", search.IN_SEGMENT), ("logs/api.log.1", search.IN_LOG),
    ]  # fmt: skip


def test_the_stores_of_users_come_from_the_declarations():
    settings = Settings(namespace="test-")
    assert stores.state_topics() == [WATCH_STATES.name, START_SCORES.name, SLATES.name]
    assert stores.fact_topics() == [PROGRESS.name, PROGRESS.dead_letter_name, INTERACTIONS.name]
    assert len(stores.changelogs(settings)) == 3
    assert all(name.startswith("test-media-gateway-") for name in stores.changelogs(settings))
    readers = stores.stream_readers(settings, INTERACTIONS.name)
    assert [reader.agent for reader in readers] == ["trending", "slates"]
    assert [each.agent for each in stores.sinks(settings, SLATES.name)] == ["serving-slates"]
