"""Tests that need servers share one process."""

import pytest

from tests.support.grouping import scope_of


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/integration/test_stores.py::test_x[a@b::c]", "services"),
        ("tests/e2e/test_demo.py::TestIt::test_y", "services"),
        ("tests/unit/api/test_parsing.py::test_z", "tests/unit/api/test_parsing.py"),
        ("tests/unit/component/test_w.py::test_w", "tests/unit/component/test_w.py"),
    ],
)
def test_unit_of_work(nodeid: str, scope: str) -> None:
    assert scope_of(nodeid) == scope
