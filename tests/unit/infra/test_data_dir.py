"""The data directory says truly who runs there."""

import base64
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.data_dir import DataDir, DataDirError, RunningStack, own_start_s
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import Sealer

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from infra.data_dir import DataDir
with DataDir(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def a_stack() -> RunningStack:
    return RunningStack(
        pid=os.getpid(),
        pid_started_at_s=own_start_s(),
        started_at="2026-01-01T00:00:00+00:00",
        kafka_bootstrap_servers="127.0.0.1:9092",
        database_url="postgresql://u:secret@127.0.0.1/d",
        api_url="http://127.0.0.1:8080",
        pids={"kafka": 7},
    )


def test_nothing_runs_in_an_empty_directory(tmp_path: Path) -> None:
    assert DataDir(tmp_path).running() is None


def test_a_living_stack_is_found_and_its_file_is_private(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.write(a_stack())
    assert data_dir.running() == a_stack()
    assert stat.S_IMODE(data_dir.stack_file.stat().st_mode) == 0o600
    data_dir.clear()
    assert data_dir.running() is None


def test_a_process_id_that_is_used_again_is_not_the_stack(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.write(replace(a_stack(), pid_started_at_s=own_start_s() - 3600))
    assert data_dir.running() is None


def test_a_dead_stack_is_not_running(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    data_dir = DataDir(tmp_path)
    data_dir.write(replace(a_stack(), pid=ended.pid))
    assert data_dir.running() is None


def test_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.stack_file.write_text("{")
    with pytest.raises(DataDirError, match=r"stack\.json cannot be read"):
        data_dir.running()


def test_second_holder_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(DataDirError, match=rf"another stack \(process {holder.pid}\) runs in"),
            data_dir.locked(),
        ):
            pass
        holder.kill()
    with data_dir.locked():
        pass


def test_the_secrets_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    made = DataDir(tmp_path).secrets_key()
    assert DataDir(tmp_path).secrets_key() == made
    assert stat.S_IMODE((tmp_path / "secrets-key").stat().st_mode) == 0o600
    assert Sealer(made).open(Sealer(made).seal(b"x", "acme"), "acme") == b"x"


def test_the_erasure_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    made = DataDir(tmp_path).erasure_keys("")
    assert DataDir(tmp_path).erasure_keys("") == made
    assert stat.S_IMODE((tmp_path / "erasure-key").stat().st_mode) == 0o600
    assert Pseudonyms(made).is_keyed
    assert made != DataDir(tmp_path).secrets_key()


def test_a_given_erasure_key_is_used_and_none_is_made(tmp_path: Path) -> None:
    assert DataDir(tmp_path).erasure_keys("given") == "given"
    assert not (tmp_path / "erasure-key").exists()


def test_who_was_erased_under_the_directorys_key_is_known_under_a_given_one(tmp_path: Path) -> None:
    given = base64.b64encode(bytes(32)).decode()
    before = Pseudonyms(DataDir(tmp_path).erasure_keys(""))
    after = Pseudonyms(DataDir(tmp_path).erasure_keys(given))
    assert after.of("user-1") == Pseudonyms(given).of("user-1")
    assert before.of("user-1") in after.all_of("user-1")


@pytest.mark.parametrize("name", ["secrets-key", "erasure-key"])
def test_a_key_that_cannot_be_kept_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    data_dir = DataDir(tmp_path)
    make = {"secrets-key": data_dir.secrets_key, "erasure-key": lambda: data_dir.erasure_keys("")}
    with pytest.raises(DataDirError, match=name):
        make[name]()
