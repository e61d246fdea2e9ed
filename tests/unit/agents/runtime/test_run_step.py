"""A record that breaks the step is found and rejected alone; everything else takes effect once."""

import pytest

from agents.runtime.stream import checked, run_step
from agents.runtime.table import PartitionTable
from agents.spec import BaseStep, Outcome, Record


def record(offset, value=b"1"):
    return Record("topic", 0, offset, 0, b"key", value)


class Adding(BaseStep):
    """Adds values up; a value that is no number raises half-way, after writing."""

    def __init__(self):
        self.revoked = []

    def on_batch(self, partition, records, table, now_ms):
        for each in records:
            table.put("sum", str(int(table.get("sum") or b"0") + 1).encode())
            int(each.value)
        return Outcome(applied=len(records))

    def on_revoked(self, partitions):
        self.revoked += partitions


def test_good_batch_is_one_call():
    table = PartitionTable()
    outcome = run_step(Adding(), 0, [record(0), record(1)], table, 0)
    table.keep()
    assert (outcome.applied, outcome.rejects, table.get("sum")) == (2, [], b"2")


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_only_the_breaking_record_is_rejected_and_its_writes_are_gone(bad):
    table = PartitionTable()
    records = [record(offset, b"x" if offset == bad else b"1") for offset in range(3)]
    outcome = run_step(Adding(), 0, records, table, 0)
    table.keep()
    assert outcome.applied == 2
    assert [reject.record.offset for reject in outcome.rejects] == [bad]
    assert outcome.rejects[0].reason == "step"
    assert "ValueError" in outcome.rejects[0].detail
    assert table.get("sum") == b"2"


def test_caches_are_dropped_when_a_step_fails():
    step = Adding()
    run_step(step, 5, [record(0, b"x")], PartitionTable(), 0)
    assert step.revoked == [5]


def test_outcome_must_account_for_every_record():
    with pytest.raises(AssertionError, match="2 of 3"):
        checked(Outcome(applied=2), 3)
