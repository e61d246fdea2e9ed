"""The demo's input: catalogues, MovieLens files where they are, simulated viewers where not."""

import os
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from cli.demo.catalogues import Title, content_id_of, load_films, load_netflix
from cli.demo.movielens import with_keywords
from cli.demo.viewers import load_viewers, simulate, words
from cli.demo.viewing import WATCHED_SHARE

ROOT = Path(__file__).parents[4]
DATA = Path(os.environ.get("MEDIA_GATEWAY_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="module")
def films():
    pytest.importorskip("bokeh_sampledata", reason="install the extra `demo`")
    return load_films()


def needs(path: Path) -> None:
    if not path.is_file():
        pytest.skip(f"{path} is absent; MEDIA_GATEWAY_DATA names the directory with the data sets")


def test_every_film_is_there_with_its_own_columns_most_reviewed_first(films):
    assert len(films) == 17_472
    assert len({film.webhook_id for film in films}) == 17_472
    assert {"imdbID", "Title", "Year", "Runtime", "Genre", "Director"} <= films[0].payload.keys()
    assert content_id_of(films[0]).startswith("imdb:tt")


def test_the_netflix_list_is_read_whole():
    needs(DATA / "netflix" / "netflix_titles.csv")
    titles = load_netflix(DATA)
    assert titles is not None
    assert len(titles) == 8_807
    assert titles[0].payload["title"] == "Dick Johnson Is Dead"
    assert titles[0].webhook_id == "netflix-s1"


def test_an_absent_netflix_list_is_none(tmp_path):
    assert load_netflix(tmp_path) is None


def test_movielens_ratings_join_the_catalogue_by_imdb_id(films):
    needs(DATA / "ml-latest-small" / "ratings.csv")
    viewers = load_viewers(DATA, films, viewers_max=0)
    assert (viewers.count, len(viewers.ratings), viewers.unmatched) == (610, 95_009, 5_827)
    few = load_viewers(DATA, films, viewers_max=20)
    assert (few.count, len(few.ratings)) == (20, 3_072)


def test_tags_that_two_viewers_used_become_keywords(films, tmp_path):
    needs(DATA / "ml-latest-small" / "tags.csv")
    tagged = with_keywords(films, DATA)
    assert len(tagged) == len({film.webhook_id for film in tagged}) == len(films)
    keywords = {
        content_id_of(film): film.payload["Keywords"]
        for film in tagged
        if "Keywords" in film.payload
    }
    assert (len(keywords), sum(map(len, keywords.values()))) == (640, 1_517)
    assert keywords["imdb:tt0133093"] == [
        "sci-fi", "philosophy", "post apocalyptic", "martial arts",
    ]  # fmt: skip
    assert with_keywords(films, tmp_path) == films


def test_keywords_are_counted_over_all_films_most_used_first(tmp_path):
    films = [Title(f"film-{n}", {"imdbID": f"tt000000{n}"}) for n in (1, 2, 3)]
    directory = tmp_path / "ml-latest-small"
    directory.mkdir()
    directory.joinpath("links.csv").write_text("movieId,imdbId\n7,1\n8,2\n9,4\n")
    directory.joinpath("tags.csv").write_text(
        "userId,movieId,tag\n1,7,Space \n1,7,my note\n2,8,space\n1,7,heist\n2,9,heist\n3,9,heist\n"
    )
    payloads = [film.payload.get("Keywords") for film in with_keywords(films, tmp_path)]
    assert payloads == [["heist", "space"], ["space"], None]


def test_without_movielens_files_viewers_are_simulated(films, tmp_path):
    viewers = load_viewers(tmp_path, films, viewers_max=5)
    assert viewers.count == 5
    assert "simulated" in viewers.source
    assert viewers == load_viewers(tmp_path, films, viewers_max=5)


def test_simulated_viewers_have_different_tastes_and_rate_what_fits_them_higher(films):
    viewers = simulate(films, viewers=40)
    known = {content_id_of(film): film.payload for film in films}
    assert {rating.rating for rating in viewers.ratings} <= WATCHED_SHARE.keys()
    keys = [(rating.user_id, rating.content_id) for rating in viewers.ratings]
    assert len(set(keys)) == len(keys)
    overall = genre_shares(viewers.ratings, known)
    favourites, differences = set(), []
    for user in {rating.user_id for rating in viewers.ratings}:
        own = [rating for rating in viewers.ratings if rating.user_id == user]
        assert len(own) >= 20
        shares = genre_shares(own, known)
        favourite = max(shares, key=lambda genre: (shares[genre] - overall[genre], genre))
        favourites.add(favourite)
        inside = [r.rating for r in own if favourite in words(known[r.content_id], "Genre")]
        outside = [r.rating for r in own if favourite not in words(known[r.content_id], "Genre")]
        differences.append(mean(inside) - mean(outside) if outside else 0)
    assert len(favourites) >= 8
    assert mean(differences) > 0.5


def genre_shares(ratings, known) -> dict[str, float]:
    """Share of the films that name each genre."""
    counts = Counter(genre for r in ratings for genre in words(known[r.content_id], "Genre"))
    return {genre: count / len(ratings) for genre, count in counts.items()}
