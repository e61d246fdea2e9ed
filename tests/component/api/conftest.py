import pytest

from api.app import create_app
from tests.component.api.fake_operators import PASSWORD
from tests.component.api.fakes import FakeWorld
from tests.support.described import DescribedClient

AUTH = "/api/v1/auth/"


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


@pytest.fixture
def people(world):
    world.people.add("ada", "admin")
    world.people.add("vic", "viewer")
    return world.people


@pytest.fixture
def post(client, people):
    def send(endpoint, token=None, **body):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return client.post(AUTH + endpoint, json=body or None, headers=headers)

    return send


@pytest.fixture
def log_in(post, people):
    def send(name="ada", **changes):
        fields = {"name": name, "password": PASSWORD, "code": people.code(), **changes}
        return post("login", **fields)

    return send


@pytest.fixture
def token(log_in):
    return log_in().json()["token"]
