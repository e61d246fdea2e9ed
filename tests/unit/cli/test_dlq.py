"""What the dlq command takes and prints; the rest is in tests/integration/test_redrive.py."""

import json

import click
import pytest
from click.testing import CliRunner

from cli.dlq.options import Moment
from cli.dlq.report import (
    HEX_BYTES_MAX,
    as_data,
    hexadecimal,
    letter_text,
    payload_text,
    print_table,
    printable,
    shown,
    state_of,
)
from cli.main import main
from domain.dead_letters import pack_headers
from tests.component.api.fakes import a_letter

ESCAPES = "\x1b[2J\x9b31m\u202e\r\x07[red]"


def test_a_time_is_rfc_3339_or_how_long_ago(monkeypatch):
    monkeypatch.setattr("cli.dlq.options.now_ms", lambda: 10 * 86_400_000)
    moments = {"2d": 8 * 86_400_000, "24h": 9 * 86_400_000, "90m": 10 * 86_400_000 - 5_400_000,
               "90s": 10 * 86_400_000 - 90_000,
               "1970-01-01T00:00:01Z": 1000}  # fmt: skip
    assert {text: Moment().convert(text, None, None) for text in moments} == moments


@pytest.mark.parametrize(
    "text", ["", "0", "2", "d", "2w", "-1d", "99999d", "٢d", "2026-01-01", "now"]
)
def test_any_other_time_is_refused(text):
    with pytest.raises(click.BadParameter, match="or how long ago"):
        Moment().convert(text, None, None)


def test_nothing_that_was_sent_to_us_moves_the_cursor_or_is_markup(capsys):
    whole = a_letter(7, json.dumps({ESCAPES: ESCAPES}).encode(), detail=ESCAPES, partner=None)
    whole = whole._replace(key=ESCAPES.encode(), headers=pack_headers([(ESCAPES, b"\x1b[2J")]))
    page = letter_text(whole)
    print_table([whole.letter], more=True)
    table = capsys.readouterr().out
    for text in (page, table):
        assert all(each.isprintable() for each in text.replace("\n", ""))
        assert "[red]" in text
    assert "\\x1b[2J\\x9b31m\\u202e\\r\\x07" in table


def test_a_payload_is_indented_json_else_hexadecimal():
    assert payload_text(b'{"a":["\xc3\xa9",18446744073709551617]}') == (
        '{\n  "a": [\n    "é",\n    18446744073709551617\n  ]\n}'
    )
    assert payload_text(b"\xff").startswith("00000000  ff ")
    assert payload_text(b"[" * 100_000).startswith("00000000  5b 5b ")
    assert payload_text(b"") == ""
    assert "no value" in payload_text(None)


def test_hexadecimal_has_a_limit_and_says_so():
    lines = hexadecimal(bytes(HEX_BYTES_MAX + 3)).splitlines()
    assert len(lines) == HEX_BYTES_MAX // 16 + 1
    assert lines[-1] == "and 3 bytes more; --raw writes all"
    assert lines[1].startswith("00000010  00 00")


def test_keys_and_headers_are_on_one_line():
    assert shown(b"acme|msg_1") == "acme|msg_1"
    assert shown(b"\xff\0") == "0xff00"
    assert shown(None) == "(null)"
    assert printable("Über\n") == "Über\\n"


def test_the_page_says_who_changed_it_and_which_was_the_first():
    whole = a_letter(
        9, state="discarded", changed_at_ms=0, changed_by="cli:ops", note="a test", attempts=3,
        first_offset=4, first_id=2,
    )  # fmt: skip
    assert state_of(whole.letter) == "discarded 1970-01-01T00:00:00.000Z by cli:ops: a test"
    page = letter_text(whole)
    assert "attempts   3; the first: dead letter 2, offset 4" in page
    gone = letter_text(a_letter(9, attempts=3, first_offset=4))
    assert "the first: no longer kept, offset 4" in gone


def test_bytes_travel_in_base64():
    data = as_data(a_letter(1, None)._replace(headers=pack_headers([("a", None), ("b", b"\xff")])))
    assert (data["value_base64"], data["key_base64"]) == (None, "YWNtZXxtc2c=")
    assert data["headers"] == [
        {"name": "a", "value_base64": None}, {"name": "b", "value_base64": "/w=="},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("redrive",), "name ids, or give at least one filter"),
        (("redrive", "1", "--partner", "acme"), "not both"),
        (("redrive", "0"), "0 is not in the range"),
        (("redrive", str(2**63)), "is not in the range"),
        (("redrive", "1", "--mapper", "nope"), "no mapper 'nope'"),
        (("discard", "1"), "Missing option '--reason'"),
        (("discard", "1", "--reason", " "), "a reason has 1 to"),
        (("discard", "1", "--reason", "a\nb"), "a reason has 1 to"),
        (("list", "--topic", "nope"), "is not one of"),
        (("list", "--state", "closed"), "is not one of"),
        (("list", "--since", "x"), "or how long ago"),
        (("list", "--limit", "0"), "is not in the range"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_opened(arguments, message, tmp_path):
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                   "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d"}  # fmt: skip
    result = CliRunner(env=environment).invoke(
        main, ["dlq", *arguments, "--data-dir", str(tmp_path)]
    )
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
