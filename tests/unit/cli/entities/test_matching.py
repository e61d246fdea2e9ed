"""Precision and recall of matching: counted by hand on made lists, and held on the real ones."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.entities.lists import films, movielens, netflix, records_of, without_identifiers
from cli.entities.matching import measure, overlap
from cli.main import main
from domain.catalogue.record import RecordState

ROOT = Path(__file__).parents[4]
DATA = Path(os.environ.get("MEDIA_GATEWAY_DATA") or ROOT.parent / "shared" / "data")
PRECISION_MIN = 0.98
RECALL_MIN = 0.97


def made(partner: str, *titles: tuple[str, str, int]) -> dict[str, RecordState]:
    payloads = [
        {"id": own, "type": "movie", "title": title, "release_year": year,
         "external_ids": {"imdb": f"tt{number:07d}"}}
        for number, (own, title, year) in enumerate(titles)
    ]  # fmt: skip
    return records_of(partner, "generic", payloads)


def test_pairs_are_counted_against_the_hidden_truth() -> None:
    left = made("a", ("1", "Heat", 1995), ("2", "Casino", 1995), ("3", "Solaris", 1972))
    right = made("b", ("1", "Heat", 1995), ("2", "Casino", 1996), ("3", "Solyaris", 1972))
    truth = {"a|1": "heat", "a|2": "casino", "a|3": "solaris"}
    found = measure(left, truth, right, {"b|1": "heat", "b|2": "casino 2", "b|3": "solaris"})
    assert (found.shared, found.joined, found.right) == (2, 2, 1)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert [(pair.left, pair.right) for pair in found.wrong] == [("Casino, 1995", "Casino, 1996")]
    assert [pair.right for pair in found.missed] == ["Solyaris, 1972"]
    assert found.disbelieved == ()
    assert found.as_json().items() >= {"precision": 0.5, "recall": 0.5, "joined": 2}.items()


def test_pairs_that_nothing_but_their_identifier_joins_are_told() -> None:
    left, right = made("a", ("1", "Heat", 1995)), made("b", ("1", "Totally Different", 1950))
    found = measure(left, {"a|1": "heat"}, right, {"b|1": "heat"})
    assert [(pair.left, pair.right) for pair in found.disbelieved] == [
        ("Heat, 1995", "Totally Different, 1950")
    ]


def test_identifiers_are_hidden() -> None:
    records = made("a", ("1", "Heat", 1995))
    assert "external:imdb" in records["a|1"].fields
    (_, hidden), *_ = without_identifiers(records)
    assert set(hidden.fields) == {"type", "title", "release_year"}


def test_what_agrees_equally_well_is_ambiguous() -> None:
    left = made("a", ("1", "Heat", 1995), ("2", "Heat", 1995), ("3", "Big", 1988))
    right = records_of(
        "b", "generic",
        [{"id": n, "type": "movie", "title": title, "release_year": year}
         for n, title, year in ((1, "Heat", 1995), (2, "Big", 1988), (3, "Jaws", 1975))],
    )  # fmt: skip
    found = overlap(left, right)
    assert [(pair.left, pair.why) for pair in found.joined] == [("Big, 1988", "title 0.98")]
    assert [(pair.left, pair.right) for pair in found.ambiguous] == [
        ("Heat, 1995 | Heat, 1995", "Heat, 1995")
    ]


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["entities", "--data", str(tmp_path)])
    assert answer.exit_code == 2
    assert "holds neither MovieLens nor the Netflix list" in answer.output


@pytest.fixture(scope="module")
def archive():
    pytest.importorskip("bokeh_sampledata", reason="install the extra `demo`")
    return films()


def test_real_films_are_matched_precisely_without_identifiers(archive) -> None:
    second = movielens(DATA)
    if second is None:
        pytest.skip(f"MovieLens is absent below {DATA}; MEDIA_GATEWAY_DATA names the directory")
    found = measure(*archive, *second)
    assert found.shared == 7_589
    assert found.precision >= PRECISION_MIN, found.wrong
    assert found.recall >= RECALL_MIN, found.missed[:50]


def test_real_overlap_of_two_catalogues(archive) -> None:
    second = netflix(DATA)
    if second is None:
        pytest.skip(f"the Netflix list is absent below {DATA}; MEDIA_GATEWAY_DATA names it")
    found = overlap(archive[0], second)
    assert found.records == (17_470, 8_807)
    assert 950 <= len(found.joined) <= 1_050
    assert len({pair.right for pair in found.joined}) == len(found.joined)
