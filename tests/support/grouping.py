"""Puts every test that needs a broker or a database into one group of pytest-xdist.

With ``--dist loadgroup`` a group stays in one process, so there is one Kafka and one Postgres, and
tests that start workers or kill them do not compete with each other.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICE_FOLDERS = {"e2e", "integration", "wire"}
SERVICE_FIXTURE = "services_dir"  # what Kafka and Postgres fixtures depend on


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need services; before xdist reads the marks."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[1]
        if folder in SERVICE_FOLDERS or SERVICE_FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("services"))
