import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.privacy.files import search_files
from infra.privacy.words import Word

IDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:@\-]{0,20}\Z")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"user-1", True), (b'{"user_id":"user-1"}', True), (b"user-1|film-9", True),
        (b"\x00\x00user-1\xff", True), (b"user-12", False), (b"my.user-1", False),
        (b"user-1-e7", False), (b"", False), (None, False),
    ],
)  # fmt: skip
def test_an_id_is_found_where_it_stands_alone(value, found):
    assert Word("user-1").is_in(value) is found


def test_characters_of_ids_mean_only_themselves():
    assert not Word("a.c").is_in(b"abc")
    assert Word("a.c").is_in(b'"a.c"')


@given(IDS)
def test_an_id_is_found_in_json_and_in_bytes_that_postgres_wrote(user):
    word = Word(user)
    hexadecimal = "\\x" + f'{{"user_id":"{user}"}}'.encode().hex()
    for value in (user, [user], {"key": {"deep": [1, None, user]}}, {user: 1}, hexadecimal):
        assert word.is_in_json(value)
    assert not word.is_in_json([f"{user}0", f"0{user}", 1, None, "\\xzz", "\\x00"])


def test_files_are_searched_below_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("infra.privacy.files.CHUNK_BYTES", 16)
    (tmp_path / "topic-0").mkdir()
    (tmp_path / "topic-0" / "0.log").write_bytes(b"\x00" * 12 + b"user-1" + b"\x00" * 40)
    (tmp_path / "topic-0" / "1.log").write_bytes(b"user-12 and nobody else")
    found = list(search_files([tmp_path], Word("user-1")))
    assert [each.path.name for each in found] == ["0.log"]
    assert found[0].times >= 1


def test_bytes_inside_a_longer_text_are_read_as_bytes():
    digits = b'{"user": "user-1"}'.hex()
    assert Word("user-1").is_in_hexadecimal(f'{{"\\\\x{digits}","\\\\x00"}}')
    assert not Word("user-12").is_in_hexadecimal(f'{{"\\\\x{digits}"}}')
    assert not Word("user-1").is_in_hexadecimal("user-1")
