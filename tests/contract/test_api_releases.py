"""The API keeps what its last release promised, and `docs write` refuses what does not."""

import copy
import json

import pytest
from click.testing import CliRunner

from api.openapi import API_VERSION, document
from cli import docs
from cli.documents.openapi import RELEASES, broken_promises, last_release, release_path
from cli.main import main
from tests.architecture.rules.files import ROOT


def put(root, version, described):
    path = root / release_path(version)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described))


@pytest.fixture
def stricter():
    """A release that promised a path which is gone."""
    released = copy.deepcopy(document())
    released["paths"]["/api/v1/gone"] = released["paths"]["/healthz"]
    return released


def test_the_api_keeps_what_its_last_release_promised():
    assert last_release(ROOT) is not None
    assert broken_promises(ROOT) == []


def test_every_release_says_its_own_version():
    for path in (ROOT / RELEASES).glob("openapi-*.json"):
        version = json.loads(path.read_text())["info"]["version"]
        assert path.relative_to(ROOT) == release_path(version)


def test_the_newest_release_of_the_major_version_counts(tmp_path, stricter):
    put(tmp_path, "1.2.0", stricter)
    put(tmp_path, "1.10.0", document())
    put(tmp_path, "2.0.0", stricter)
    assert last_release(tmp_path, "1.11.0").name == "openapi-1.10.0.json"
    assert last_release(tmp_path, "3.0.0") is None
    assert broken_promises(tmp_path) == []


@pytest.mark.parametrize("command", ["write", "check"])
def test_docs_refuse_a_break(tmp_path, monkeypatch, stricter, command):
    put(tmp_path, API_VERSION, stricter)
    monkeypatch.setattr(docs, "repository_root", lambda: tmp_path)
    result = CliRunner().invoke(main, ["docs", command])
    assert result.exit_code != 0
    assert "/api/v1/gone: removed" in result.output


def test_a_version_is_released_once(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "repository_root", lambda: tmp_path)
    assert CliRunner().invoke(main, ["docs", "release"]).exit_code == 0
    assert broken_promises(tmp_path) == []
    again = CliRunner().invoke(main, ["docs", "release"])
    assert again.exit_code != 0
    assert "raise API_VERSION" in again.output
