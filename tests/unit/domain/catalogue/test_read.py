"""Only ASCII digits are digits, and a value is read as a whole or refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue.identity import external_id, partner_content_id
from domain.catalogue.mapped import MappingError
from domain.catalogue.mappers.registry import MAPPERS
from domain.catalogue.read import instant_ms, url, whole
from schemas.ids import ID_PATTERN

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("imdb", "tt0114709".translate(ARABIC)),
        ("tmdb", "movie-862".translate(ARABIC)),
        ("eidr", "10.5240/7791-8534-2C23-9030-8610-5".translate(ARABIC)),
        ("eidr", "10.5240/7791-8534-2C\N{LATIN SMALL LIGATURE FF}-9030-8610-5"),
        ("eidr", "10.5240/7791-8534-2C23-9030-8610-\N{LATIN SMALL LETTER LONG S}"),
    ],
)
def test_an_external_id_of_other_characters_is_refused(kind: str, value: str) -> None:
    with pytest.raises(MappingError, match=rf"external_ids\.{kind}: expected an identifier like"):
        external_id(kind, value)


@given(st.text(st.characters(categories=["Nd"]), min_size=1, max_size=8))
def test_a_whole_number_has_ascii_digits(digits: str) -> None:
    if digits.isascii():
        assert whole({"n": digits}, "n") == int(digits)
        return
    with pytest.raises(MappingError, match="n: expected a whole number"):
        whole({"n": digits}, "n")


@pytest.mark.parametrize("text", ["90\n", "1_0", "1e3", "inf", "nan", "0x1", "", " ", "-", "9."])
def test_a_text_that_only_python_reads_as_a_number_is_refused(text: str) -> None:
    if text == "":
        assert whole({"n": text}, "n") is None
        return
    with pytest.raises(MappingError, match="n: expected a whole number"):
        whole({"n": text}, "n")


@pytest.mark.parametrize(("text", "number"), [("90", 90), ("90.0", 90), (" 90 ", 90), ("-5", -5)])
def test_a_whole_number_may_be_text(text: str, number: int) -> None:
    assert whole({"n": text}, "n") == number


def test_a_moment_of_other_digits_is_refused() -> None:
    for moment in ("2026-01-31T18:00:00Z", "2026-01-31T18:00:00.5+01:00"):
        assert instant_ms({"from": moment}, "from") is not None
        with pytest.raises(MappingError, match=r"from: expected a time like 2026-01-31T18:00:00Z"):
            instant_ms({"from": moment.translate(ARABIC)}, "from")


@given(st.text(min_size=1, max_size=80))
def test_a_content_id_is_an_identifier_whatever_the_partner_sends(partner_id: str) -> None:
    for own in (partner_id, partner_id + "\n", "a\n"):
        assert re.fullmatch(ID_PATTERN, partner_content_id("acme", own))
        assert "\n" not in partner_content_id("acme", own)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", "data:image/png;base64,AA", "//example.org/a",
        "/a.jpg", "a.jpg", "http:a.jpg", "http://", "https:///a.jpg", "ftp://example.org/a.jpg",
        "https://exa mple.org/a.jpg", "https://example.org/a\tb", "https://example.org/\u202ea",
        "https:\\\\example.org\\a", "https://[::1/a.jpg", "https://example.org:x/a.jpg",
        "https://example.org:99999/a.jpg", "https://:443/a.jpg", 'https://example.org/"onload="',
    ],
)  # fmt: skip
def test_what_is_no_absolute_web_address_is_refused(address: str) -> None:
    with pytest.raises(MappingError, match="image: expected an absolute address like https://"):
        url({"image": address}, "image")


@pytest.mark.parametrize(
    "address",
    ["https://example.org/a.jpg", "http://example.org", "HTTPS://example.org:8443/a?b=c,d#e",
     "https://[::1]/a.jpg", "https://example.org/\u00fcber.jpg"],
)  # fmt: skip
def test_an_absolute_web_address_is_taken_as_it_is(address: str) -> None:
    assert url({"image": f" {address} "}, "image") == address


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_address_is_none(value: str | None) -> None:
    assert url({"image": value}, "image") is None


SCRIPT = "javascript:alert(1)"


@pytest.mark.parametrize(
    ("mapper", "payload", "field"),
    [
        ("generic", {"id": "1", "image_url": SCRIPT}, "image_url"),
        ("film-catalogue", {"imdbID": "tt0114709", "Image": SCRIPT}, "Image"),
        ("series-catalogue", {"kind": "show", "id": 1, "image": {"medium": SCRIPT}},
         "image.medium"),
        ("series-catalogue", {"kind": "show", "id": 1, "image": {"original": SCRIPT}},
         "image.original"),
    ],
)  # fmt: skip
def test_no_mapper_takes_an_address_that_a_browser_would_run(mapper, payload, field) -> None:
    with pytest.raises(MappingError, match=f"^{field}: expected an absolute address"):
        MAPPERS[mapper](payload)
