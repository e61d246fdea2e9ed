"""`rule check`: what a file may say, and the sentence when it may not; the table of `rule list`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from cli.main import main
from cli.options import CommandError
from cli.rule import read_rules, table_of
from schemas.ranking_rule import RankingRule

PIN = {"rule_id": "p", "action": "pin", "match": {"content_ids": ["a"]}, "position": 1}
BURY = {"rule_id": "b", "action": "bury", "match": {"genres": ["sci-fi"]}, "strength": 0.5}


def check(text: str, tmp_path: Path) -> Result:
    file = tmp_path / "rules.json"
    file.write_text(text)
    return CliRunner().invoke(main, ["rule", "check", str(file), "--data-dir", str(tmp_path)])


def test_one_rule_or_a_list_is_valid(tmp_path: Path) -> None:
    assert check(json.dumps(PIN), tmp_path).output == "p is valid\n"
    assert check(json.dumps([PIN, BURY]), tmp_path).output == "p is valid\nb is valid\n"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (PIN | {"strenght": 1}, "strenght: Extra inputs are not permitted"),
        (PIN | {"match": {"genre": ["Drama"]}}, "match.genre: Extra inputs are not permitted"),
        (PIN | {"position": 21}, "position: the list has 20 places"),
        (BURY | {"match": {"genres": ["Gardening"]}}, "match.genres: no such genre: Gardening"),
        ([PIN, BURY | {"strength": 11}], "rule 2: strength: "),
        ([PIN, PIN], "rule_id: given more than once: p"),
        (7, "body: "),
    ],
)
def test_what_is_wrong_is_named_by_rule_and_field(
    given: object, sentence: str, tmp_path: Path
) -> None:
    result = check(json.dumps(given), tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {sentence}"), result.output


def test_what_is_not_json_is_said_so(tmp_path: Path) -> None:
    assert check("{", tmp_path).output.startswith("Error: not JSON: ")
    with pytest.raises(CommandError, match="not JSON"):
        read_rules(b"\xff", 20)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["rule", "check", str(tmp_path / "none.json")])
    assert result.exit_code == 2


def test_the_table_says_everything_about_a_rule() -> None:
    rule = RankingRule.model_validate(
        BURY
        | {
            "match": {"content_ids": list("abcdefg"), "genres": ["Drama"]}, "regions": ["DE", "AT"],
            "from_at_ms": 0, "enabled": False, "note": "why",
        }
    )  # fmt: skip
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table_of([rule, RankingRule.model_validate(PIN)]))
    shown = captured.get()
    for text in (
        "bury by 0.5", "off", "content_ids: a, b, c, d, e and 2 more", "genres: Drama", "DE, AT",
        "1970-01-01T00:00:00.000Z", "why", "pin at 1", "on", "for_you",
    ):  # fmt: skip
        assert text in shown
