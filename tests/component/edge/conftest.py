import pytest

from tests.support.served_fakes import PLENTY, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server on fakes, with limits of callers that no test reaches."""
    with serving(tmp_path_factory.mktemp("served"), **PLENTY) as running:
        yield running
