"""Runs tests that need a broker or a database one after the other, in one process of pytest-xdist.

So there is one Kafka and one Postgres, and tests that start workers or kill them do not compete
with each other. All other tests are handed out file by file to the other processes.

The scheduler is our own because ``--dist loadgroup`` of pytest-xdist 3.8 writes to an attribute
that pytest 9.2 no longer reads: it would group nothing, silently.
"""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
SERVICE_FOLDERS = ("e2e", "integration", "wire")
SERVICE_FIXTURE = "services_dir"  # what the Kafka and Postgres fixtures depend on


class ServicesInOneProcess(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out all service tests as one unit, other tests by file."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the unit of work a test belongs to."""
    path = nodeid.partition("::")[0]
    return "services" if path.startswith(tuple(f"tests/{f}/" for f in SERVICE_FOLDERS)) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ServicesInOneProcess:
    """Use our scheduler whenever several processes run."""
    return ServicesInOneProcess(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that needs services outside the folders for such tests."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[1]
        if folder not in SERVICE_FOLDERS and SERVICE_FIXTURE in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid} needs services: move it to a folder for such")
