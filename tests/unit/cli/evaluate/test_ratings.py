"""Reading rating sets: what is kept, in which order, and what is refused in which words."""

import pytest

from cli.evaluate.ratings import DataError, load
from cli.evaluate.themes import Tag
from tests.unit.cli.evaluate.made import write_csv, write_ratings

COLUMNS = ("userId", "movieId", "rating", "timestamp")


def test_ratings_come_in_time_order_with_ties_by_user_and_title(tmp_path) -> None:
    rows = [(2, 7, 4.0, 20), (1, 9, 3.5, 20), (1, 8, 5.0, 20), (3, 1, 1.0, 10), (3, 1, 5.0, 30)]
    write_csv(tmp_path / "ratings.csv", COLUMNS, rows)
    found = load(tmp_path)
    assert [(each.user, each.content_id, each.rating, each.liked) for each in found.ratings] == [
        ("user:3", "movie:1", 1.0, False),  # rated again later, which is no new choice
        ("user:1", "movie:8", 5.0, True),
        ("user:1", "movie:9", 3.5, False),
        ("user:2", "movie:7", 4.0, True),
    ]
    assert found.ratings[0].at_ms == 10_000
    assert found.content("movie:8").title == "movie:8"  # works with ratings alone


def test_titles_years_and_genres_are_read_where_they_are(tmp_path) -> None:
    found = load(write_ratings(tmp_path))
    content = found.content("movie:5")
    assert (content.title, content.release_year) == ("Title 5 (1985)", 1985)
    assert content.genres == ("Drama",)


def test_a_sample_keeps_whole_users(tmp_path) -> None:
    found = load(write_ratings(tmp_path), users_max=5)
    assert len({each.user for each in found.ratings}) == 5
    assert len(found.ratings) == 5 * 20


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("1", "2", "high", "3"), "line 2: could not convert string to float: 'high'"),
        (("1", "2", "9.5", "3"), "line 2: rating outside 0-5"),
        (("1", "2", "nan", "3"), "line 2: rating outside 0-5"),
        (("1", "2", "4", "-3"), "line 2: timestamp outside 1970-9999"),
        (("1", "2", "4", "inf"), "line 2: timestamp outside 1970-9999"),
        (("1", "2"), "line 2: could not convert string to float: ''"),
        (("1", "2" * 101, "3", "4"), "line 2: a movieId has at most 100 characters"),
    ],
)
def test_a_bad_line_is_named(tmp_path, row, said) -> None:
    write_csv(tmp_path / "ratings.csv", COLUMNS, [row])
    with pytest.raises(DataError, match=said):
        load(tmp_path)


def test_tags_of_the_users_at_hand_are_read_and_a_bad_one_is_named(tmp_path) -> None:
    write_csv(tmp_path / "ratings.csv", COLUMNS, [(1, 2, 4.0, 3)])
    header = ("userId", "movieId", "tag", "timestamp")
    tagged = tmp_path / "tags.csv"
    write_csv(tagged, header, [(1, 2, "  Heist  FILM", 5), (1, 2, " ", 6), (9, 2, "heist film", 7)])
    found = load(tmp_path)
    assert found.tags == [Tag("user:1", "movie:2", "heist film", 5000)]
    assert found.content("movie:2", ("heist film",)).themes == ("heist film",)
    write_csv(tagged, header, [(1, 2, "heist", "late")])
    with pytest.raises(DataError, match=r"tags\.csv, line 2: could not convert"):
        load(tmp_path)


def test_missing_files_columns_and_ratings_are_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"ratings\.csv: No such file"):
        load(tmp_path)
    write_csv(tmp_path / "ratings.csv", COLUMNS[:3], [])
    with pytest.raises(DataError, match="lacks the columns timestamp"):
        load(tmp_path)
    write_csv(tmp_path / "ratings.csv", COLUMNS, [])
    with pytest.raises(DataError, match="has no ratings"):
        load(tmp_path)


def test_a_file_in_another_encoding_is_named(tmp_path) -> None:
    rows = "userId,movieId,rating,timestamp\n1,2,4.0,3\nJosé,2,4.0,3\n"
    (tmp_path / "ratings.csv").write_bytes(rows.encode("latin-1"))
    with pytest.raises(DataError, match=r"ratings\.csv is not UTF-8"):
        load(tmp_path)
    write_ratings(tmp_path)
    (tmp_path / "movies.csv").write_bytes("movieId,title,genres,año\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"movies\.csv is not UTF-8"):
        load(tmp_path)
