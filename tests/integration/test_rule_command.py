"""The rule command against a real Kafka: what is put is listed, what is removed is gone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from infra.kafka.admin import TopicsError
from infra.kafka.cluster import Cluster
from infra.kafka.compacted import read_rows
from infra.postgres.migrate import migrate
from schemas.ranking_rule import RULES_MAX
from topics.catalog import RANKING_RULES

PIN = {"rule_id": "p", "action": "pin", "match": {"content_ids": ["a"]}, "position": 1}
BOOST = {"rule_id": "b", "action": "boost", "match": {"genres": ["Drama"]}, "strength": 0.5}


def test_rules_are_put_replaced_listed_and_removed(
    kafka_bootstrap: str, fresh_database_url: str, tmp_path: Path
) -> None:
    migrate(fresh_database_url)
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap, "DATABASE_URL": fresh_database_url}

    def run(*arguments: str, given: object = None, fails: bool = False) -> str:
        result = CliRunner(env=environment).invoke(
            main, [*arguments, "--data-dir", str(tmp_path)], input=json.dumps(given)
        )
        assert result.exit_code == int(fails), result.output
        return result.output

    run("topics", "apply")
    assert run("rule", "put", "-", given=[PIN, BOOST]) == "added p\nadded b\n"
    assert run("rule", "put", "-", given=PIN | {"position": 3}) == "replaced p\n"
    listed = json.loads(run("rule", "list", "--json"))
    assert [(each["rule_id"], each.get("position")) for each in listed] == [("b", None), ("p", 3)]
    assert run("rule", "put", "-", given=listed) == "replaced b\nreplaced p\n"
    assert "pin at 3" in run("rule", "list")
    wrong = [PIN | {"position": 5}, BOOST | {"strength": None}]
    assert "rule 2: strength: " in run("rule", "put", "-", given=wrong, fails=True)
    assert json.loads(run("rule", "list", "--json")) == listed
    many = [PIN | {"rule_id": f"p{number}"} for number in range(RULES_MAX)]
    assert f"at most {RULES_MAX}" in run("rule", "put", "-", given=many, fails=True)
    assert run("rule", "remove", "p") == "removed p\n"
    assert "no rule has the id 'p'" in run("rule", "remove", "p", fails=True)
    assert [each["rule_id"] for each in json.loads(run("rule", "list", "--json"))] == ["b"]
    assert run("rule", "remove", "b") == "removed b\n"
    assert json.loads(run("rule", "list", "--json")) == []
    trail = [line.split("\t")[2:5] for line in run("audit", "list").splitlines()]
    assert all(actor.startswith("cli:") for actor, _, _ in trail)
    assert [(action, subject) for _, action, subject in reversed(trail)] == [
        ("rule.put", "p"), ("rule.put", "b"), ("rule.put", "p"), ("rule.put", "b"),
        ("rule.put", "p"), ("rule.remove", "p"), ("rule.remove", "b"),
    ]  # fmt: skip
    runs = [line.split("\t")[6] for line in run("audit", "list").splitlines()]
    assert [runs.count(each) for each in runs] == [1, 1, 2, 2, 1, 2, 2]  # one run, one id


def test_without_the_database_no_rule_is_changed(kafka_bootstrap: str, tmp_path: Path) -> None:
    away = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    }
    runner = CliRunner(env=away)
    runner.invoke(main, ["topics", "apply", "--data-dir", str(tmp_path)])
    rule = json.dumps(PIN | {"rule_id": "never"})
    put = runner.invoke(main, ["rule", "put", "-", "--data-dir", str(tmp_path)], input=rule)
    assert put.exit_code == 1
    assert "nothing was changed" in put.output
    listed = runner.invoke(main, ["rule", "list", "--json", "--data-dir", str(tmp_path)])
    assert "never" not in listed.output


async def test_a_topic_that_is_not_there_is_said_so(
    kafka_bootstrap: str, unique: Callable[[str], str]
) -> None:
    absent = replace(RANKING_RULES, name=unique("absent"))
    with pytest.raises(TopicsError, match="media-gateway topics apply"):
        await read_rows(Cluster(kafka_bootstrap), absent)


@pytest.mark.parametrize("command", [["list"], ["remove", "p"]])
def test_without_a_stack_the_sentence_says_how_to_start_one(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    result = CliRunner().invoke(main, ["rule", *command, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.output
