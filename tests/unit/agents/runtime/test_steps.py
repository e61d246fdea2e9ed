"""A record that breaks the step is found and rejected alone; everything else takes effect once."""

import re

import pytest

from agents.runtime.steps import checked, run_step
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


def run(step, records, table):
    """Drive ``run_step`` as the runner does; return the outcomes."""
    outcomes = []
    for _, outcome in run_step(step, 5, records, table, 0):
        table.keep()
        outcomes.append(outcome)
    return outcomes


def test_good_batch_is_one_call():
    table = PartitionTable()
    [outcome] = run(Adding(), [record(0), record(1)], table)
    assert (outcome.applied, outcome.rejects, table.get("sum")) == (2, [], b"2")


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_only_the_breaking_record_is_rejected_and_its_writes_are_gone(bad):
    table = PartitionTable()
    outcomes = run(Adding(), [record(n, b"x" if n == bad else b"1") for n in range(3)], table)
    assert sum(outcome.applied for outcome in outcomes) == 2
    [reject] = [reject for outcome in outcomes for reject in outcome.rejects]
    assert (reject.record.offset, reject.reason) == (bad, "step")
    assert re.fullmatch(
        r"ValueError at test_steps\.py:[0-9]+; the worker's log has the rest", reject.detail
    )
    assert table.get("sum") == b"2"


def test_nothing_of_a_failed_batch_is_kept_before_its_first_record_is_published():
    table = PartitionTable()
    steps = run_step(Adding(), 0, [record(0), record(1, b"x")], table, 0)
    given, _ = next(steps)
    assert [each.offset for each in given] == [0]
    assert table.take_dirty() == {}  # a commit here finds nothing whose emits are not sent


def test_caches_are_dropped_when_a_step_fails():
    step = Adding()
    run(step, [record(0, b"x")], PartitionTable())
    assert step.revoked == [5]


def test_outcome_must_account_for_every_record():
    with pytest.raises(AssertionError, match="2 of 3"):
        checked(Outcome(applied=2), 3)
