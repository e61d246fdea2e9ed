"""Matching by texts, counted by hand on a made list; the real list needs minutes of the encoder."""

import re

import numpy as np
import pytest
from rich.console import Console

from cli.demo.catalogues import NETFLIX_FILE
from cli.entities.command import print_texts, run_texts
from cli.entities.lists import NETFLIX, TWICE, netflix, records_of
from cli.entities.texts import measure_texts
from cli.options import CommandError
from domain.catalogue.texts import COSINE_MIN
from domain.embedding import Vectors
from infra.encoder_files import find_encoder
from infra.settings import Settings
from schemas.embedding import DIMENSIONS
from tests.unit.cli.entities.test_matching import DATA

ABOUT = "A hacker learns that the world he lives in is made by machines, which feed on people, at "


def encode(texts) -> Vectors:
    """The angle that a text names; a text that lost its end is like no other."""
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in enumerate(texts):
        angle = re.search(r"at (\d+)\.$", text)
        radians = np.radians(float(angle[1]) if angle else 0)
        vectors[row, 0 if angle else 2] = np.cos(radians)
        vectors[row, 1 if angle else 2] += np.sin(radians) if angle else 0
    return vectors


def film(own: str, title: str, angle: int, cast: str = "Ann", year: int = 1999) -> dict:
    return {"show_id": own, "type": "Movie", "title": title, "release_year": str(year),
            "cast": cast, "description": f"{ABOUT}{angle}.", "duration": "90 min"}  # fmt: skip


@pytest.fixture
def made():
    assert {"s53", "s7090"} in TWICE
    return records_of(
        NETFLIX, "netflix-titles",
        [film("s53", "Swords", 0), film("s7090", "Spade", 4), film("s1", "Swordz", 85, "Bob"),
         film("s2", "Swordz", 85, "Bob"), film("s3", "Solaris", 22, "Cid"),
         film("s4", "Heat", 0, "Ann", 2001)],
    )  # fmt: skip


def test_pairs_are_counted_by_band_and_by_hand(made) -> None:
    found = measure_texts(made, encode)
    assert (found.records, found.compared) == (6, 10)  # of five films of 1999
    assert [(each.pair.left, each.pair.right, each.cosine, each.shares_person, each.is_one)
            for each in found.close] == [
        ("Swords, 1999", "Spade, 1999", 0.9976, True, True),
        ("Spade, 1999", "Solaris, 1999", 0.9511, False, False),
        ("Swords, 1999", "Solaris, 1999", 0.9272, False, False),
    ]  # fmt: skip
    assert found.alike_titles == {"0.95": 1}
    assert (found.dealt.texts, found.dealt.by_text, found.dealt.right) == (2, 1, 1)
    assert (found.dealt.by_title, found.dealt.twice) == (1, 1)
    assert found.shortened == {"0.90": 0.0, "0.75": 0.0, "0.50": 0.0}
    assert found.as_json()["close"][0]["cosine"] == 0.9976


def test_it_is_printed(made) -> None:
    console = Console(width=120, record=True)
    print_texts(console, measure_texts(made, encode), 10)
    text = console.export_text()
    assert "by text 1, of these right 1; in the list twice 1" in text
    assert "close, unlike titles: 3" in text


def test_real_films_that_are_listed_twice_are_joined_and_a_series_of_plays_is_not() -> None:
    """The hard part of the real list, with the real encoder: some 20 of its 8,807 records."""
    records = netflix(DATA)
    if records is None:
        pytest.skip(f"the Netflix list is absent below {DATA}; MEDIA_GATEWAY_DATA names it")
    files = find_encoder(Settings())
    from infra.encoder import Encoder

    own_ids = {own for pair in TWICE for own in pair}
    hard = {
        key: state for key, state in records.items()
        if key.partition("|")[2] in own_ids
        or str(state.fields["title"][1]).startswith("Seven Souls in the Skull Castle")
    }  # fmt: skip
    found = measure_texts(hard, Encoder(files, 1).encode)
    assert found.records == 2 * len(TWICE) + 6
    wrong = [each.cosine for each in found.close if not each.is_one]
    assert len(wrong) > 5
    assert max(wrong) < COSINE_MIN - 0.01
    assert found.dealt.by_text == found.dealt.right == found.dealt.twice == len(TWICE)


def test_texts_need_the_list_and_the_encoder(tmp_path, monkeypatch) -> None:
    with pytest.raises(CommandError, match="does not hold the Netflix list"):
        run_texts(tmp_path)
    path = tmp_path / NETFLIX_FILE
    path.parent.mkdir()
    path.write_text("show_id,title\n")
    monkeypatch.setenv("EMBEDDING_MODEL_DIR", str(tmp_path))
    with pytest.raises(CommandError, match="no sentence encoder") as problem:
        run_texts(tmp_path)
    assert problem.value.exit_code == 2
