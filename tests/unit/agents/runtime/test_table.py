"""Tables: staging, dirty tracking, and a recovery that no zombie can turn back."""

from hypothesis import given
from hypothesis import strategies as st

from agents.runtime.table import PartitionTable, Restored, changelog_items


def restored(records):
    fold = Restored()
    for key, value in records:
        fold.add(key, value)
    table = fold.table()
    return {key: table.get(key) for key in table.keys()}  # noqa: SIM118 -- not a dict


def test_staged_writes_are_read_back_but_not_dirty_until_kept():
    table = PartitionTable()
    table.put("a", b"1")
    assert table.get("a") == b"1"
    assert table.take_dirty() == {}
    table.keep()
    assert table.take_dirty() == {"a": b"1"}
    assert table.take_dirty() == {}


def test_discard_forgets_staged_writes():
    table = PartitionTable({"a": b"0"})
    table.put("a", b"1")
    table.delete("a")
    table.discard()
    assert table.get("a") == b"0"
    table.keep()
    assert table.take_dirty() == {}


def test_last_value_of_a_key_is_written_once():
    table = PartitionTable()
    for number in range(1000):
        table.put("a", str(number).encode())
        table.keep()
    assert list(changelog_items(table.take_dirty(), 7)) == [(b"a", (7).to_bytes(8, "big") + b"999")]


def test_removal_is_a_tombstone_and_survives_recovery():
    table = PartitionTable({"a": b"0"})
    table.delete("a")
    table.keep()
    assert table.get("a") is None
    records = list(changelog_items(table.take_dirty(), 3))
    assert records == [(b"a", None)]
    assert restored([(b"a", (1).to_bytes(8, "big") + b"0"), *records]) == {}


def test_late_write_of_a_paused_worker_does_not_win():
    new = list(changelog_items({"a": b"new"}, 100))
    zombie = list(changelog_items({"a": b"old"}, 40))
    assert restored(new + zombie) == {"a": b"new"}


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcde"), st.one_of(st.none(), st.binary(max_size=4))),
        max_size=20,
    )
)
def test_recovery_gives_the_table_that_was_flushed(flushes):
    table = PartitionTable()
    log = []
    for position, writes in enumerate(flushes):
        for key, value in writes.items():
            if value is None:
                table.delete(key)
            else:
                table.put(key, value)
        table.keep()
        log += changelog_items(table.take_dirty(), position)
    assert restored(log) == {key: table.get(key) for key in table.keys()}  # noqa: SIM118
