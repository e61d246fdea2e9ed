import pytest

from infra.security.operator_secrets import create_token, hash_token

ADMIN = "/api/v1/admin/"


@pytest.fixture
def token(world):
    """Return a function that opens a session and returns its token."""

    def open_session(role="admin", *, stale=False):
        operator = world.people.add(f"{role}-1", role)
        text = create_token()
        code_at_ms = 0 if stale else world.now_ms
        world.people.open(operator.operator_id, hash_token(text), world.now_ms, code_at_ms)
        return text

    return open_session


@pytest.fixture
def send(client, token):
    """Return a function that calls an endpoint as an administrator with a recent code."""
    own = token()

    def call(method, path, body=None, *, as_token=None, **params):
        return client.request(
            method, ADMIN + path, json=body, params=params,
            headers={"Authorization": f"Bearer {as_token or own}"},
        )  # fmt: skip

    return call


@pytest.fixture
def entries(world):
    """Return a function that tells (actor, action, subject) of the entries, in order."""
    return lambda: [(each.actor, each.action, each.subject) for each in world.people.entries]
