"""Endpoints -> OpenAPI 3.1 document. It needs no services and no running server."""

import inspect
from types import ModuleType
from typing import Any

from pydantic.json_schema import models_json_schema

from api import examples
from api.contract.answers import REFERENCE, responses, shared_responses
from api.contract.bounds import bounded
from api.contract.security import needs, requirements, used_schemes
from api.endpoint import Body, Endpoint, Parameter
from schemas.api import Problem
from schemas.codec import WireModel

VERSION = "3.1.0"
API_VERSION = "1.0.0"
DESCRIPTION = (
    "Every error is a problem document (RFC 9457), also what is not HTTP at all. Any path answers "
    "an unknown method with 405 and `Allow`; a path that is not in this document answers 404. "
    "Fields of a request that are not in this document are ignored; answers may get new fields in "
    "any version. Callers are limited by subject and tier, strangers by address; answers say what "
    "is left in `RateLimit` (draft-ietf-httpapi-ratelimit-headers)."
)
SERVER = {
    "url": "https://{host}",
    "description": "Production: where TLS is terminated; the API itself speaks HTTP behind it.",
    "variables": {
        "host": {
            "default": "media-gateway.localhost",
            "description": "Host, and port if it is not 443.",
        }
    },
    "x-internal": False,
}

Json = dict[str, Any]


def document() -> Json:
    """Return the whole document."""
    from api.routes import GROUPS  # one of them contains the handler that serves this document

    paths: dict[str, Json] = {}
    endpoints = [each for group in GROUPS for each in group.ENDPOINTS]
    for group in GROUPS:
        for endpoint in group.ENDPOINTS:
            described = operation(endpoint, tag_of(group)["name"])
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = described
    return {
        "openapi": VERSION,
        "info": {
            "title": "Media Gateway",
            "version": API_VERSION,
            "summary": "Real-time recommendations from exact watch state.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [SERVER],
        "tags": [tag_of(group) for group in GROUPS],
        "paths": paths,
        "components": {
            "schemas": component_schemas(endpoints),
            "responses": shared_responses(endpoints),
            "securitySchemes": used_schemes(endpoint.access for endpoint in endpoints),
        },
    }


def tag_of(group: ModuleType) -> Json:
    """Return the tag of a module of routes: its name, and what its first line says."""
    name = group.__name__.rpartition(".")[2]
    return {"name": name, "description": (group.__doc__ or "").strip().partition("\n")[0]}


def operation(endpoint: Endpoint, tag: str) -> Json:
    """Return one operation."""
    result: Json = {
        "operationId": endpoint.name,
        "tags": [tag],
        "summary": endpoint.summary,
        "description": description(endpoint),
        "security": requirements(endpoint.access),
    }
    if endpoint.parameters:
        result["parameters"] = [parameter(item) for item in endpoint.parameters]
    if endpoint.body is not None:
        result["requestBody"] = request_body(endpoint.body)
    result["responses"] = responses(endpoint)
    return result


def description(endpoint: Endpoint) -> str:
    """Return what the handler says of itself up to its errors, and what credentials need."""
    text = inspect.getdoc(endpoint.handler) or endpoint.summary
    text = text.partition("\n\nRaises:")[0]
    return "\n\n".join(filter(None, (text, needs(endpoint.access))))


def parameter(item: Parameter) -> Json:
    """Return one parameter."""
    result = {
        "name": item.name,
        "in": item.where,
        "required": item.where != "query" and not item.optional,
        "description": item.description,
        "schema": bounded(item.schema),
    }
    return result if item.example is None else {**result, "example": item.example}


def request_body(body: Body) -> Json:
    """Return a request body; its limit of bytes is said in words, JSON schema has none."""
    schema: Json = reference(body.model)
    if body.array_max:
        many = {"type": "array", "items": schema, "minItems": 1, "maxItems": body.array_max}
        schema = {"oneOf": [schema, many]}
    return {
        "required": True,
        "description": f"At most {body.bytes_max} bytes.",
        "content": {"application/json": {"schema": schema, "example": body.example}},
    }


def reference(model: type[WireModel]) -> Json:
    """Return a reference to a model's schema."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


def component_schemas(endpoints: list[Endpoint]) -> Json:
    """Return the schemas of all models in use, every node with its limits."""
    posted = {endpoint.body.model for endpoint in endpoints if endpoint.body is not None}
    answered = {item.model for endpoint in endpoints for item in endpoint.answers if item.model}
    wanted = sorted(posted | answered | {Problem}, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in wanted], ref_template=REFERENCE
    )
    schemas: Json = {name: bounded(schema) for name, schema in definitions["$defs"].items()}
    schemas["Problem"]["example"] = examples.PROBLEM
    return schemas
