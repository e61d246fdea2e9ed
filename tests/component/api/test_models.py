"""GET models and content features: what the store has, as it is."""

import orjson
import pytest

from api import examples
from schemas.api import Models
from schemas.codec import encode
from schemas.content_features import ContentFeatures
from schemas.model_report import ModelReport
from tests.component.api.test_webhooks import problem

REPORT = ModelReport.model_validate(examples.MODELS["entries"][0])
FEATURES = encode(ContentFeatures.model_validate(examples.CONTENT_FEATURES))


@pytest.fixture
def get(client, app_headers):
    return lambda path: client.get(path, headers=app_headers)


def test_models_come_by_name_with_coefficients_and_quality(world, get):
    assert get("/api/v1/models").json() == {"entries": []}
    for name in ("resume", "completion"):
        world.database.models[name] = encode(REPORT.model_copy(update={"name": name}))
    response = get("/api/v1/models")
    entries = Models.model_validate_json(response.content).entries
    assert [entry.name for entry in entries] == ["completion", "resume"]
    assert entries[0] == REPORT
    assert "standard_error" not in response.json()["entries"][0]["coefficients"][2]


def test_features_are_served_in_their_canonical_bytes(world, get):
    world.database.features["film-1"] = FEATURES
    response = get("/api/v1/content/film-1/features")
    assert response.content == FEATURES
    assert orjson.loads(FEATURES)["completion_rate"] == 0.7
    problem(get("/api/v1/content/film-2/features"), 404, "not-found")
    problem(get("/api/v1/content/film 2/features"), 400, "invalid-content")


def test_they_need_the_scope_and_the_database(world, client, get):
    key = world.database.add_key(scopes=("progress:write",))
    headers = {"Authorization": f"Bearer {key}"}
    for path in ("/api/v1/models", "/api/v1/content/film-1/features"):
        problem(client.get(path), 401, "unauthenticated")
        problem(client.get(path, headers=headers), 403, "forbidden")
        world.database.away = True
        problem(get(path), 503, "unavailable")
        world.database.away = False
