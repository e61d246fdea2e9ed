import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.security.events import Event, escape, log_event


@given(st.text(max_size=300))
def test_any_text_becomes_one_part_of_printable_ascii(text):
    escaped = escape(text)
    assert escaped.isascii()
    assert not escaped or escaped.isprintable()
    assert not set(escaped) & set(",:\r\n\x1b")


@pytest.mark.parametrize(
    "name", ["ada\r\nauthn_login_success:root", "\x1b[2Jada", "ada,root", "ada\u2028x", "a" * 5000]
)
def test_a_name_cannot_forge_a_line(name, caplog):
    with caplog.at_level(logging.INFO, "security"):
        log_event(Event.LOGIN_FAILED, name, "203.0.113.7")
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("authn_login_fail:")
    assert line.count(":") == 1
    assert line.endswith(",203.0.113.7")
    assert len(line.splitlines()) == 1


def test_different_names_stay_different():
    assert escape("a\\x0d") != escape("a\r")
