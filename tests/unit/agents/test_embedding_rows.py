"""The rows of nearest texts: published with the vector, numbered, read back, taken back."""

import pytest

from agents.encoding import JOB_TEXTS
from schemas.codec import decode, encode
from schemas.neighbours import Neighbours
from tests.support.encoding import ORDERS, Driver, posted, published, removed


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_a_row_names_the_titles_that_had_one_before(driver: Driver) -> None:
    driver.post(posted("a", title="at 0"), posted("far", title="at 80"))
    driver.run()
    driver.post(posted("b", title="at 10"), posted("c", title="at 30"))
    driver.run()
    assert driver.neighbours() == {
        "far": [], "a": [], "c": [("a", 0.87), ("far", 0.64)], "b": [("a", 0.98), ("c", 0.94)],
    }  # fmt: skip
    assert [encode(decode(Neighbours, each.value)) for each in driver.rows] == [
        each.value for each in driver.rows
    ]


def test_a_changed_text_has_a_new_row_that_counts_as_later(driver: Driver) -> None:
    driver.post(posted("a", title="at 0"))
    driver.run()
    driver.post(posted("b", title="at 10"))
    driver.run()
    driver.post(posted("a", title="at 30"))
    driver.run()
    assert list(driver.neighbours().items()) == [("b", [("a", 0.98)]), ("a", [("b", 0.94)])]
    driver.post(posted("b", title="like nothing"))
    driver.run()
    assert list(driver.neighbours().items()) == [("a", [("b", 0.94)]), ("b", [])]


def test_a_removed_title_takes_its_row_along_and_is_named_no_more(driver: Driver) -> None:
    driver.post(posted("a", title="at 0"), posted("b", title="at 5"))
    driver.run()
    driver.post(removed("a"))
    driver.run()
    assert driver.neighbours() == {"b": []}
    driver.post(posted("c", title="at 10"))
    driver.run()
    assert driver.neighbours() == {"b": [], "c": [("b", 1.0)]}


@pytest.mark.parametrize("order", ORDERS)
def test_a_restart_goes_on_with_the_rows_that_were_published(driver: Driver, order) -> None:
    driver.post(posted("a", title="at 0"), posted("gone", title="at 2"))
    driver.run()
    driver.post(posted("b", title="at 10"))
    driver.run()
    before = list(driver.rows)
    driver.start(order)
    assert not driver.fitter.changed()
    driver.contents += [removed("gone"), posted("c", title="at 20")]
    driver.start(order)
    driver.run()
    assert [each.key for each in driver.rows[len(before) :]] == [b"gone", b"c"]
    assert list(driver.neighbours()) == ["a", "b", "c"]
    assert driver.neighbours()["c"] == [("b", 0.98), ("a", 0.94)]


def test_a_crash_between_a_vector_and_its_row_is_mended(driver: Driver) -> None:
    driver.post(posted("a", title="at 0"))
    driver.run()
    driver.post(posted("b", title="at 10"))
    driver.run()
    del driver.rows[-1]  # the row of b
    driver.start()
    driver.run()
    assert driver.neighbours() == {"a": [], "b": [("a", 0.98)]}
    driver.embeddings = [each for each in driver.embeddings if each.key != b"b"]
    driver.contents += [removed("b")]
    driver.start()
    driver.run()
    assert driver.neighbours() == {"a": []}
    driver.start()
    assert not driver.fitter.changed()


def test_parts_and_versions_have_a_vector_and_no_row(driver: Driver) -> None:
    driver.post(
        posted("film", title="at 0"), posted("show", title="at 5", type="series"),
        posted("s1e1", title="at 5", type="episode", series_id="show"),
        posted("cut", title="at 1", version_of="film"),
    )  # fmt: skip
    driver.run()
    assert set(driver.live()) == {"film", "show", "s1e1", "cut"}
    assert driver.neighbours() == {"show": [], "film": [("show", 1.0)]}
    driver.start()
    assert not driver.fitter.changed()


@pytest.mark.parametrize("restart", [True, False])
def test_a_title_that_becomes_a_version_loses_its_row(driver: Driver, restart: bool) -> None:
    driver.post(posted("film", title="at 0"))
    driver.run()
    driver.post(posted("cut", title="at 1"))
    driver.run()
    assert driver.neighbours() == {"film": [], "cut": [("film", 1.0)]}
    driver.post(posted("cut", title="at 1", version_of="film"))
    if restart:
        driver.start()
    driver.run()
    assert driver.neighbours() == {"film": []}
    driver.post(posted("new", title="at 2"))
    driver.run()
    assert driver.neighbours()["new"] == [("film", 1.0)]
    driver.post(posted("cut", title="at 1"))
    driver.run()
    assert driver.neighbours()["cut"] == [("film", 1.0), ("new", 1.0)]


@pytest.mark.parametrize("order", ORDERS)
def test_vectors_of_another_encoder_are_like_none_of_this_one(driver: Driver, order) -> None:
    driver.post(*(posted(f"old-{number}", title="at 0") for number in range(JOB_TEXTS)))
    driver.run()
    driver.embeddings = [
        published(f"old-{number}", "at 0. movie.", encoder="older") for number in range(JOB_TEXTS)
    ]
    driver.contents += [removed("old-0"), posted("new", title="at 10")]
    driver.start(order)
    assert driver.fitter.changed()
    assert driver.job()[0] == "new"
    rows = driver.neighbours()
    assert "old-0" not in rows
    assert rows["new"] == []
    driver.run()
    assert {name for row in driver.neighbours().values() for name, _ in row} == {
        "new", *(f"old-{number}" for number in range(2, JOB_TEXTS)),
    }  # fmt: skip
