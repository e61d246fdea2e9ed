import pytest

from api.app import create_app
from tests.component.api.fakes import FakeWorld
from tests.support.described import DescribedClient


@pytest.fixture
def world():
    return FakeWorld()


@pytest.fixture
def client(world):
    app = create_app(world.settings, world.open_services)
    with DescribedClient(app, raise_server_exceptions=True, follow_redirects=False) as test_client:
        yield test_client


@pytest.fixture
def app_headers(world):
    return {"Authorization": f"Bearer {world.database.add_key()}"}


@pytest.fixture
def get(client, app_headers):
    return lambda path, **params: client.get(path, params=params, headers=app_headers)
