import re

import jsonschema
import orjson
import pytest
from openapi_spec_validator import validate
from pydantic import TypeAdapter

from api import examples
from api.contract.answers import INSTANCE, UNLIMITED_PREFIX, problem_example
from api.contract.bounds import bounded
from api.contract.security import SCHEMES, SCHEMES_OF
from api.identity.access import CallerKind
from api.limits.limit import UNLIMITED
from api.openapi import document
from api.problems import CONTENT_TYPE, INVALID, KINDS, NOT_FOUND, UNAUTHENTICATED
from api.routes import ENDPOINTS
from infra.security.webhook_keys import create_secret
from infra.security.webhooks import sign
from schemas.content import Content
from tests.component.api.fakes import a_partner

SECRET = create_secret()

DOCUMENT = document()


def test_the_document_is_valid_openapi_3_1():
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_it_is_what_the_server_answers(client):
    assert client.get("/openapi.json").json() == DOCUMENT


def test_every_route_of_the_server_is_in_it(client):
    served = {
        (route.path, method) for route in client.app.routes for method in route.methods - {"HEAD"}
    }
    described = {
        (path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert served == described


def examples_of(media):
    if "schema" in media:
        shown = [media["example"]] if "example" in media else []
        shown += [each["value"] for each in media.get("examples", {}).values()]
        for example in shown:
            yield media["schema"], example


def contents():
    """Yield the name and the content of every body, and headers and parameters as if they were."""
    for name, response in DOCUMENT["components"]["responses"].items():
        yield name, [*response["content"].values(), *response["headers"].values()]
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            found = [media for body in bodies for media in body.get("content", {}).values()]
            found += [each for body in bodies for each in body.get("headers", {}).values()]
            yield f"{method} {path}", [*found, *operation.get("parameters", ())]


def described_examples():
    return [
        pytest.param(schema, example, id=name)
        for name, medias in contents()
        for media in medias
        for schema, example in examples_of(media)
    ]


@pytest.mark.parametrize(("schema", "example"), described_examples())
def test_every_example_fits_its_schema(schema, example):
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)


def test_the_examples_of_models_decode():
    for endpoint in ENDPOINTS:
        for answer in endpoint.answers:
            if answer.model is not None:
                answer.model.model_validate_json(TypeAdapter(dict).dump_json(answer.example))


def test_an_example_that_does_not_fit_would_be_noticed():
    schema = {"$ref": "#/components/schemas/Problem", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(examples.PROBLEM)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"type": "x"})


def test_problem_types_are_stable_and_distinct():
    types = [kind.type for kind in KINDS]
    assert len(set(types)) == len(types)
    assert all(re.fullmatch(r"urn:media-gateway:problem:[a-z\-]+", item) for item in types)


def test_every_problem_of_every_operation_has_an_example():
    for name, response in DOCUMENT["components"]["responses"].items():
        media = response["content"][CONTENT_TYPE]
        slugs = name.removeprefix(UNLIMITED_PREFIX).split(".")
        assert set(media["examples"]) == set(slugs)


def test_every_kind_of_problem_says_what_to_do():
    assert [kind.slug for kind in KINDS if not kind.advice.endswith(".")] == []


def test_every_kind_of_caller_has_its_security_schemes():
    assert set(SCHEMES_OF) == set(CallerKind)
    assert {name for names in SCHEMES_OF.values() for name in names} == set(SCHEMES)


def test_every_operation_says_who_may_call_and_what_it_is():
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        assert set(operation["tags"]) <= tags
        assert operation["description"].strip()
        assert (operation["security"] == []) is (endpoint.access.caller is CallerKind.ANYBODY)
        statuses = {int(status) for status in operation["responses"]}
        assert {400, 408, 413, 414, 431, 500, 503} <= statuses
        assert (429 in statuses) is (endpoint.limit is not UNLIMITED)
        if endpoint.access.caller is not CallerKind.ANYBODY:
            assert 401 in statuses
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_links_name_operations_and_their_parameters():
    known = {endpoint.name: {item.name for item in endpoint.parameters} for endpoint in ENDPOINTS}
    links = [link for e in ENDPOINTS for answer in e.answers for link in answer.links]
    assert links
    for link in links:
        assert set(link.parameters) <= known[link.operation]


def test_every_string_array_and_integer_has_limits():
    assert unlimited(DOCUMENT) == []


def test_a_node_without_limits_is_found_and_bounded():
    bare = {"a": {"type": "string"}, "b": {"type": "array"}, "c": {"type": "integer"}}
    assert unlimited({"properties": bare}) == ["string", "array", "integer"]
    assert unlimited(bounded({"properties": bare})) == []
    own = {"type": "integer", "minimum": 3, "maximum": 4}
    assert bounded(own) == {**own, "format": "int32"}
    data = {"type": "object", "example": {"type": "string"}, "properties": {"type": {"enum": [1]}}}
    assert bounded(data) == data


NEEDED = {
    "string": ({"maxLength"}, {"enum"}, {"const"}),
    "array": ({"maxItems"},),
    "integer": ({"minimum", "maximum", "format"}, {"enum"}, {"exclusiveMinimum", "maximum"}),
}


def unlimited(node, inside="schema"):
    """Return the types of all nodes that lack their limits."""
    if isinstance(node, list):
        return [line for each in node for line in unlimited(each)]
    if not isinstance(node, dict) or inside in {"example", "examples", "default"}:
        return []
    kind = node.get("type") if inside != "properties" else None
    ways = NEEDED.get(kind, ()) if isinstance(kind, str) else ()
    found = [kind] if ways and not any(way <= set(node) for way in ways) else []
    return found + [line for name, each in node.items() for line in unlimited(each, name)]


def test_handlers_answer_with_the_examples_of_what_is_stored(world, get):
    database = world.database
    database.add_content(Content(**examples.CONTENT))
    database.features["film-1"] = orjson.dumps(examples.CONTENT_FEATURES)
    database.models["completion"] = orjson.dumps(examples.MODELS["entries"][0])
    assert get("/api/v1/content/film-1").json().items() >= examples.CONTENT.items()
    assert get("/api/v1/content/film-1/features").json() == examples.CONTENT_FEATURES
    assert get("/api/v1/models").json() == examples.MODELS


def test_handlers_take_the_examples_that_are_posted(world, client, app_headers):
    world.database.partners["acme"] = a_partner(SECRET)
    body = orjson.dumps(examples.WEBHOOK)
    at_s = world.now_ms // 1000
    signed = {
        "webhook-id": "msg_1", "webhook-timestamp": str(at_s),
        "webhook-signature": sign(SECRET, "msg_1", at_s, body),
        "content-type": "application/json",
    }  # fmt: skip
    answer = client.post("/api/v1/webhooks/acme", content=body, headers=signed)
    assert (answer.status_code, set(answer.json())) == (202, set(examples.WEBHOOK_ACCEPTED))
    answer = client.post("/api/v1/progress", json=examples.PROGRESS, headers=app_headers)
    assert answer.status_code == 202
    assert answer.json()["results"] == examples.PROGRESS_ACCEPTED["results"][:1]


def test_probes_answer_with_their_examples(world, client):
    assert client.get("/readyz").json() == examples.READY
    world.producer.away = True
    assert client.get("/readyz").json() == examples.NOT_READY


def test_problems_answer_as_their_examples(client, get):
    for answer, kind in (
        (get("/api/v1/trending", limit="x"), INVALID),
        (get("/api/v1/content/nothing"), NOT_FOUND),
        (client.get("/api/v1/trending"), UNAUTHENTICATED),
    ):
        said = {**answer.json(), "instance": INSTANCE}
        said.pop("detail", None)
        assert said == problem_example(kind)
