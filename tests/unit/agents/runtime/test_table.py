"""Tables: staging, dirty tracking, and a recovery that no zombie can turn back."""

from hypothesis import given
from hypothesis import strategies as st

from agents.runtime.table import PartitionTable, Restored, changelog_items


def restored(items):
    table = fold(items).table()
    return {key: table.get(key) for key in table.keys()}  # noqa: SIM118 -- not a dict


def fold(items):
    result = Restored()
    for key, value, _, headers in items:
        result.add(key, value, headers)
    return result


def position(number):
    return number.to_bytes(8, "big")


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
    [item] = changelog_items(table.take_dirty(), 7)
    assert (item.key, item.value) == (b"a", position(7) + b"999")


def test_removal_is_a_tombstone_and_survives_recovery():
    table = PartitionTable({"a": b"0"})
    table.delete("a")
    table.keep()
    assert table.get("a") is None
    records = list(changelog_items(table.take_dirty(), 3))
    assert [(item.key, item.value) for item in records] == [(b"a", None)]
    assert restored([*changelog_items({"a": b"0"}, 1), *records]) == {}


def test_late_write_of_a_paused_worker_does_not_win():
    new = list(changelog_items({"a": b"new"}, 100))
    zombie = list(changelog_items({"a": b"old"}, 40))
    assert restored(new + zombie) == {"a": b"new"}


def test_late_tombstone_of_a_paused_worker_removes_nothing_newer():
    new = list(changelog_items({"a": b"new"}, 100))
    assert restored(new + list(changelog_items({"a": None}, 40))) == {"a": b"new"}


def test_late_value_of_a_paused_worker_does_not_bring_back_what_was_removed():
    removed = list(changelog_items({"a": None}, 100))
    assert restored(removed + list(changelog_items({"a": b"old"}, 40))) == {}
    assert restored(removed + list(changelog_items({"a": b"again"}, 101))) == {"a": b"again"}


def test_restored_table_knows_the_greatest_position_it_was_written_at():
    items = [*changelog_items({"a": b"1"}, 57), *changelog_items({"b": b"1"}, 12)]
    assert fold(items).table().position == 57
    assert fold([*items, *changelog_items({"b": None}, 90)]).table().position == 90
    assert fold([]).table().position == 0


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcde"), st.one_of(st.none(), st.binary(max_size=4))),
        max_size=20,
    )
)
def test_recovery_gives_the_table_that_was_flushed(flushes):
    table = PartitionTable()
    log = []
    for number, writes in enumerate(flushes):
        for key, value in writes.items():
            if value is None:
                table.delete(key)
            else:
                table.put(key, value)
        table.keep()
        log += changelog_items(table.take_dirty(), number)
    assert restored(log) == {key: table.get(key) for key in table.keys()}  # noqa: SIM118
