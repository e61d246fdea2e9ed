"""What is checked before a command begins."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main


@pytest.mark.parametrize(
    "url",
    ["junk-hunter2", "postgresql://u:hunter2%@127.0.0.1/d", "postgresql://u:hunter2@h/d?no=x"],
)
def test_a_database_url_that_is_none_is_one_sentence_without_the_password(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    result = CliRunner().invoke(main, ["partner", "list", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.startswith("Error: DATABASE_URL is not the address of a Postgres database")
    assert len(result.output.splitlines()) == 1
    assert "hunter2" not in result.output
