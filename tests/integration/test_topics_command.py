"""The topics command against a real Kafka."""

import json
from pathlib import Path

from click.testing import CliRunner

from cli.main import main


def test_topics_describe_needs_topics_that_exist(kafka_bootstrap: str, tmp_path: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    arguments = ["--data-dir", str(tmp_path)]
    applied = CliRunner(env=environment).invoke(main, ["topics", "apply", *arguments])
    assert applied.exit_code == 0, applied.output
    again = CliRunner(env=environment).invoke(main, ["topics", "apply", *arguments])
    assert again.output == "all there\n"
    shown = CliRunner(env=environment).invoke(
        main, ["topics", "describe", "playback.progress-events.v1", "--json", *arguments]
    )
    assert json.loads(shown.output)[0]["partitions"] == 8
    missing = CliRunner(env=environment).invoke(main, ["topics", "describe", "no", *arguments])
    assert missing.exit_code == 1
    assert missing.output == "Error: no such topic: no\n"
