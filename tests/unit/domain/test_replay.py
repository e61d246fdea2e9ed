"""Comparing live and replayed rows: every kind of difference counts, skipped keys do not."""

from domain.replay import EXAMPLES_MAX, Difference, compare


def test_equal_rows_are_the_same():
    verdict = compare("t", {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"})
    assert verdict.same
    assert (verdict.keys, verdict.equal, verdict.different) == (2, 2, 0)


def test_other_bytes_a_missing_and_an_extra_key_are_differences():
    verdict = compare("t", {"a": b"1", "b": b"2", "c": b"3"}, {"a": b"1", "b": b"x", "d": b"4"})
    assert not verdict.same
    assert (verdict.keys, verdict.equal, verdict.different) == (4, 1, 3)
    assert verdict.examples == (
        Difference("b", b"2", b"x"), Difference("c", b"3", None), Difference("d", None, b"4"),
    )  # fmt: skip


def test_examples_are_bounded_and_all_differences_counted():
    verdict = compare("t", {f"{number:02d}": b"" for number in range(20)}, {})
    assert verdict.different == 20
    assert len(verdict.examples) == EXAMPLES_MAX
    assert verdict.examples[0].key == "00"


def test_two_empty_sides_are_the_same():
    assert compare("t", {}, {}).same
