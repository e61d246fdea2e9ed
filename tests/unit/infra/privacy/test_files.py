"""What is searched for in files is found in segments as Kafka writes them."""

import uuid

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from infra.privacy.files import search_files
from infra.privacy.words import Word

UUID = str(uuid.UUID(int=0xC0FFEE))


def segment(*records):
    """Return a batch of (key, value, headers) as it is in a file."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, 1_760_000_000_000, key, value, headers)
    return bytes(builder.build())


def times(folder, word, *records):
    (folder / "0.log").write_bytes(segment(*records))
    return sum(each.times for each in search_files([folder], Word(word)))


@pytest.mark.parametrize("length", range(1, 65))
@pytest.mark.parametrize("value", [None, *(b"x" * size for size in (0, 29, 36, 45, 61, 100, 9000))])
def test_a_key_is_found_whatever_its_length_and_that_of_its_value(tmp_path, length, value):
    user = ("u" + "-42" * 21)[:length]
    assert len(user) == length
    others = (b"other", b"y", [])
    assert times(tmp_path, user, others, (user.encode(), value, []), others) == 1
    assert times(tmp_path, user, others, others) == 0


@pytest.mark.parametrize("content", ["x", "film-000000001", *("f" * size for size in range(2, 65))])
@pytest.mark.parametrize("user", ["u-1", "viewer-42", UUID, "u" * 64])
@pytest.mark.parametrize("value", [None, b"x" * 36])
def test_a_key_of_user_and_content_is_found(tmp_path, user, content, value):
    assert times(tmp_path, user, (f"{user}|{content}".encode(), value, [])) == 1


def test_values_and_headers_that_are_the_id_are_found(tmp_path):
    word = UUID.encode()
    assert (
        times(tmp_path, UUID, (b"k", word, []), (None, None, [("by", word), ("z" * 36, b"")])) == 2
    )


def test_longer_ids_are_others(tmp_path):
    keys = [b"user-12", b"my.user-1", b"user-12|film-1", b"user-1-e7", b"0user-1"]
    assert times(tmp_path, "user-1", *((key, None, []) for key in keys)) == 0
