import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.passwords import LENGTH_MAX, problems

GOOD = "kestrel orbits the violet lamp"


@pytest.mark.parametrize(
    "password",
    [
        GOOD, "x7#Lq-2vR!mTz9w", "Grüße vom Kap der guten Hoffnung",
        "四季折々の花が咲く静かな山里の朝",
        "kestrel orbits the violet lamp " * 4, "my password is not a common one: quagga",
    ],
)  # fmt: skip
def test_long_passwords_are_taken_as_they_are(password: str) -> None:
    assert problems(password, "ada") == []


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "15 to 256"),
        ("kestrel orbits", "15 to 256"),
        ("ab cd ef gh " * 30, "15 to 256"),
        ("kestrel\norbits the lamp", "control"),
        ("kestrel\x1b[31m orbits lamp", "control"),
        ("kestrel \ud800 orbits lamp", "control"),
        ("kestrel orbits ADA lamp", "name"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("passwordpassword", "common"),
        ("PasswordPassword1!", "common"),
        ("P@ssw0rdP@ssw0rd", "common"),
        ("123456789012345", "common"),
        ("9876543210987654", "common"),
        ("abcdefghijklmnop", "common"),
        ("qwertyuiopasdfgh", "common"),
        ("1qaz2wsx3edc4rfv", "common"),
        ("correct horse battery staple", "common"),
        ("Welcome2026Welcome", "common"),
        ("mediagatewayadmin", "common"),
        ("abcd1234abcd1234", "common"),
        ("1q2w3e4r5t6y7u8i9o0p", "common"),
        ("zaq12wsxcde34rfv", "common"),
        ("123qweasdzxc123qwe", "common"),
        ("manchesterunited", "common"),
        ("michaeljackson1", "common"),
        ("iloveyouprincess", "common"),
        ("letmein-please-123", "common"),
        ("summer2026winter", "common"),
    ],
)
def test_what_is_wrong_is_said(password: str, problem: str) -> None:
    assert any(problem in each for each in problems(password, "ada"))


def test_a_name_of_two_letters_may_be_part_of_a_password() -> None:
    assert problems(GOOD, "or") == []
    assert problems(GOOD, "lam") != []


def test_the_longest_password_is_allowed() -> None:
    password = ("kestrel orbits " * 20)[:LENGTH_MAX]
    assert problems(password, "ada") == []
    assert problems(password + "x", "ada") != []


@given(st.text(max_size=300))
def test_any_text_gets_an_answer(password: str) -> None:
    assert isinstance(problems(password, "ada"), list)
