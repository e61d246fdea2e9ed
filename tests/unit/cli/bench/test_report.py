"""What benches print: verdicts, percentiles, JSON."""

import json

import pytest

from cli.bench.report import Reach, Report, machine_class, percentile, reach_line, show, text


@pytest.mark.parametrize(
    ("value", "limit", "sense", "met"),
    [
        (2.0, 2.0, "at least", True),
        (1.99, 2.0, "at least", False),
        (100.0, 100.0, "at most", True),
        (100.1, 100.0, "at most", False),
        (None, 1.0, "at most", None),
    ],
)
def test_a_reach_is_met_at_its_limit_and_not_beyond(value, limit, sense, met):
    assert Reach(name="x", value=value, limit=limit, sense=sense).met is met


def test_percentile_is_an_observed_value():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile(values, 1.0) == 5.0
    assert percentile([7.0], 0.01) == 7.0
    assert percentile(list(range(1, 101)), 0.99) == 99


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_percentile_refuses_what_has_no_answer(values, share):
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def report(**changes):
    return Report(
        bench="pipeline", parameters={"events": 10}, fields={"events_per_s": 1234.5},
        rows=[{"contestant": "a", "n": 1}, {"contestant": "b", "extra": None}],
        reaches=[Reach(name="ratio", value=1.0, limit=2.0, sense="at least", unit="x")],
        notes=["a note"], **changes,
    )  # fmt: skip


def test_json_is_one_line_with_date_machine_and_headline_fields(capsys):
    show(report(), as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    data = json.loads(lines[0])
    assert data["events_per_s"] == 1234.5
    assert data["reaches"][0]["met"] is False
    assert "cores" in data["machine"]
    assert "Python" in data["machine"]
    assert data["measured_at"].endswith("Z")


def test_the_table_shows_rows_reaches_and_notes(capsys):
    show(report(measured_at="2026-01-01T00:00Z", machine="a machine"), as_json=False)
    printed = capsys.readouterr().out
    for expected in ("2026-01-01T00:00Z", "a machine", "contestant", "MISSED", "note: a note"):
        assert expected in printed


def test_the_machine_class_does_not_name_the_host():
    import platform

    assert platform.node() not in machine_class()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (12345, "12,345"), (1234.56, "1,235"), (0.12345, "0.123"), ("a", "a"),
     (True, "True")],
)  # fmt: skip
def test_numbers_are_shown_for_people(value, shown):
    assert text(value) == shown


def test_an_unmeasured_reach_says_so():
    line = reach_line(Reach(name="recovery", value=None, limit=30, sense="at most", unit="s"))
    assert "not measured" in line
