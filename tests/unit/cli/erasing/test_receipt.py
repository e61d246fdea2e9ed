"""What a receipt says: counts of what was counted, and a time where nothing was."""

import orjson
import pytest

from cli.erasing import receipt, stores
from cli.erasing.run import Erased
from infra.kafka.admin import ActualTopic
from infra.postgres.erasures import Noted
from infra.privacy.catalogue import TABLES
from infra.privacy.retention import limits_of
from infra.privacy.topics import TopicFinding
from infra.settings import Settings
from schemas.codec import encode
from schemas.times import to_rfc3339
from topics.catalog import INTERACTIONS, PROGRESS, SLATES

CONFIG = {
    "cleanup.policy": "compact", "retention.ms": "1000", "max.compaction.lag.ms": "1000",
    "segment.ms": "1000", "delete.retention.ms": "1000",
}  # fmt: skip
SETTINGS = Settings(cowatch_renew_s=30, regression_refit_s=60)
NOW_MS = 5000


class NothingOld:
    """An erasure after which no topic holds anything of before."""

    def old_state(self, name, finding):
        return 0


def told(**changes):
    """Return the receipt as it is handed out, and its stores by name."""
    names = [*stores.state_topics(), *stores.changelogs(SETTINGS), *stores.fact_topics()]
    topics = {name: ActualTopic(name, 1, 1, CONFIG) for name in names}
    fields = {
        "noted": Noted(4000, 7, 4000, None), "topics": topics,
        "left": {table.name: 0 for table in TABLES}, "removed": dict.fromkeys(names, 0),
        "findings": {name: TopicFinding(name, limits_of(CONFIG)) for name in names},
    }  # fmt: skip
    erased = Erased("user-1", "pseudonym", **{**fields, **changes})
    signed = receipt.receipt_of(SETTINGS, NothingOld(), erased, None, NOW_MS)
    document = orjson.loads(encode(signed))["receipt"]
    return document, {each["store"]: each for each in document["stores"]}


def test_of_a_user_nobody_knows_every_count_is_zero():
    document, by_name = told()
    assert {each.get("removed", 0) for each in by_name.values()} == {0}
    assert document["counted_since"] == document["erased_at"] == to_rfc3339(4000)
    assert "earlier_erased_at" not in document


@pytest.mark.parametrize(
    ("model", "seconds"),
    [("trending", 6), ("value-model", 6), ("co-watch", 30), ("regression", 60)],
)
def test_a_model_that_follows_later_has_a_time_and_no_counts(model, seconds):
    line = told()[1][model]
    assert line["pending_until"] == to_rfc3339(NOW_MS + seconds * 1000)
    assert {"removed", "left"}.isdisjoint(line)


def test_nothing_is_counted_of_events_that_only_their_retention_removes():
    by_name = told()[1]
    for name in (PROGRESS.name, PROGRESS.dead_letter_name, INTERACTIONS.name):
        assert {"removed", "left"}.isdisjoint(by_name[name]), name
        assert by_name[name]["gone_by"] > to_rfc3339(NOW_MS)


def test_what_an_earlier_erasure_removed_is_in_the_receipt_that_comes_first():
    document, by_name = told(
        noted=Noted(4000, 7, 1000, 2000), rows={"watch_states": 3, "api_keys": 1}, left={
            table.name: 0 for table in TABLES
        } | {"slates": 1},
    )  # fmt: skip
    assert document["earlier_erased_at"] == to_rfc3339(2000)
    assert document["counted_since"] == to_rfc3339(1000)
    assert (by_name["watch_states"]["removed"], by_name["api_keys"]["removed"]) == (3, 1)
    assert (by_name["slates"]["removed"], by_name["slates"]["left"]) == (0, 1)
    assert by_name[SLATES.name]["removed"] == 0


def test_tokens_of_before_are_a_store():
    line = told()[1]["tokens"]
    assert line["kind"] == "tokens"
    assert line["gone_by"] > to_rfc3339(4000 + 24 * 3600 * 1000)


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (Noted(4000, 7, 4000, None), ""),
        (Noted(4000, 7, 4000, 2000), "receipts tell of it already"),
        (Noted(4000, 7, 1000, 2000), f"since {to_rfc3339(1000)}"),
    ],
)
def test_a_repeated_erasure_says_that_its_time_has_moved(noted, said, capsys):
    from cli.erasing.command import _say_earlier

    _say_earlier(noted)
    text = capsys.readouterr().err
    assert said in text
    assert bool(text) is (noted.earlier_ms is not None)
    assert not text or to_rfc3339(4000) in text
