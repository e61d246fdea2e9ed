"""The demo as a person runs it: one command, every post over HTTP, the slate changes, all stops."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.jars import ensure_jars, read_lock
from infra.embedded.java import find_java
from infra.embedded.kafka import CACHE_DIR
from infra.embedded.process import free_port
from tests.support.services import unavailable

ROOT = Path(__file__).parents[2]
DEMO_TIMEOUT_S = 300
TITLES = 3000


@pytest.fixture(scope="module")
def embedded_kafka_files() -> None:
    """What an embedded Kafka needs is here, or the test says why it is skipped."""
    pytest.importorskip("bokeh_sampledata", reason="install the extra `demo`")
    try:
        find_java()
        ensure_jars(CACHE_DIR.expanduser(), read_lock())
    except EmbeddedError as problem:
        unavailable("Kafka", problem, "the cache directory of the jars")


def run_demo(data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo on its own stack, whatever servers the environment names."""
    given = {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "MEDIA_GATEWAY_DATA_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in given}
    command = [
        sys.executable, "-m", "cli.main", "demo", "--exit", "--viewers", "20",
        "--titles", str(TITLES), "--data-dir", str(data_dir), "--port", str(free_port()),
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True,
        timeout=DEMO_TIMEOUT_S, check=False,
    )  # fmt: skip


def processes_of(data_dir: Path) -> list[str]:
    """Return the command lines of processes that name the data directory."""
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:  # it ended while we looked
            continue
    return [line for line in lines if str(data_dir) in line]


@pytest.mark.timeout(2 * DEMO_TIMEOUT_S + 30)
@pytest.mark.usefixtures("embedded_kafka_files")
def test_a_film_watched_through_the_api_changes_the_slate_and_a_second_demo_carries_on(tmp_path):
    data_dir = tmp_path / "demo-data"
    for _ in range(2):
        done = run_demo(data_dir)
        said = done.stdout
        assert done.returncode == 0, f"{said}\n{done.stderr}"
        assert f"accepted: {TITLES:,}" in said
        assert re.search(r"last film: [\d,]+ viewings", said)
        assert re.search(r"last 202 to the changed slate being readable: [\d,]+ ms", said)
        assert re.search(r"from the last 202 to the row having it: [\d,]+ ms", said)
        assert re.search(r"^  not '.+', which trends: .+ \([a-z_]+\)$", said, re.MULTILINE)
        assert "Trending" in said
        assert "Watched by those who watched" in said
        assert re.search(r"^ For you .*\d\.\d{3}", said, re.MULTILINE)
        assert re.search(r"similar by director to what was watched: after [\d,]+ ms", said)
        assert re.search(r"its text is encoded and compared: after [\d,]+ ms", said)
        assert re.search(r"shown to viewer-\d+: after [\d,]+ ms, place \d+ of", said)
        assert processes_of(data_dir) == []
