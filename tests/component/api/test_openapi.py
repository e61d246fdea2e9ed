import re

import jsonschema
import pytest
from openapi_spec_validator import validate
from pydantic import TypeAdapter

from api import examples
from api.openapi import document
from api.problems import KINDS
from api.routes import ENDPOINTS

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
    if "example" in media and "schema" in media:
        yield media["schema"], media["example"]


def described_examples():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for media in body.get("content", {}).values():
                    for schema, example in examples_of(media):
                        yield pytest.param(schema, example, id=f"{method} {path}")
            for parameter in operation.get("parameters", ()):
                if "example" in parameter:
                    yield pytest.param(
                        parameter["schema"], parameter["example"], id=parameter["name"]
                    )


@pytest.mark.parametrize(("schema", "example"), list(described_examples()))
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
