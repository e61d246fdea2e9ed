"""Endpoints -> OpenAPI 3.1 document. It needs no services and no running server."""

from typing import Any

from pydantic.json_schema import models_json_schema

from api import examples, problems
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import Access, Caller
from api.limits.limit import UNLIMITED
from api.problems import Kind
from schemas.api import Problem
from schemas.codec import WireModel

VERSION = "3.1.0"
API_VERSION = "1.0.0"
REFERENCE = "#/components/schemas/{model}"
KEY_SCHEME = "apiKey"
OPERATOR_SCHEME = "operatorSession"
HEADER = "#/components/headers/{name}"
HEADERS = {
    "Retry-After": {
        "description": "seconds after which a call may be made",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Policy": {
        "description": "the caller's quotas: q calls in w seconds each; on every answer",
        "schema": {"type": "string"},
        "example": '"burst";q=20;w=1, "sustained";q=100;w=10',
    },
    "RateLimit": {
        "description": "calls that are left, and seconds until there are more; on every answer",
        "schema": {"type": "string"},
        "example": '"burst";r=0;t=1',
    },
}
DESCRIPTION = (
    "Every error is a problem document (RFC 9457), also of what is not HTTP. Callers are limited "
    "by subject and tier, strangers by address; answers say what is left in `RateLimit` "
    "(draft-ietf-httpapi-ratelimit-headers)."
)

Json = dict[str, Any]


def document() -> Json:
    """Return the whole document."""
    from api.routes import ENDPOINTS  # the list contains the handler that serves this document

    paths: dict[str, Json] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation(endpoint)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Media Gateway",
            "version": API_VERSION,
            "summary": "Real-time recommendations from exact watch state.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": component_schemas(ENDPOINTS),
            "headers": HEADERS,
            "securitySchemes": {
                KEY_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "an API key (mg_live_ + 8 + 32 characters) or a JWT",
                },
                OPERATOR_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "mg_op_ + 43 characters",
                },
            },
        },
    }


def operation(endpoint: Endpoint) -> Json:
    """Return one operation."""
    result: Json = {"operationId": endpoint.name, "summary": endpoint.summary}
    needs = needed(endpoint.access)
    if needs:
        result["description"] = needs
    result["security"] = security(endpoint.access)
    if endpoint.parameters:
        result["parameters"] = [parameter(item) for item in endpoint.parameters]
    if endpoint.body is not None:
        result["requestBody"] = request_body(endpoint.body)
    result["responses"] = responses(endpoint)
    return result


def needed(access: Access) -> str:
    """Return the sentence that says what credentials need to have; empty when they need nothing."""
    if access.scope is not None:
        unbound = " of credentials that are not bound to a user" if access.any_user else ""
        return f"Needs the scope `{access.scope}`{unbound}."
    if access.role is None:
        return ""
    code = " and a recent code of the authenticator app" if access.recent_totp else ""
    return f"Needs an operator with the role `{access.role}`{code}."


def security(access: Access) -> list[Json]:
    """Return which credentials the caller sends."""
    if access.caller is Caller.OPERATOR:
        return [{OPERATOR_SCHEME: []}]
    return [{KEY_SCHEME: []}] if access.scope else []


def parameter(item: Parameter) -> Json:
    """Return one parameter."""
    result = {
        "name": item.name,
        "in": item.where,
        "required": item.where != "query" and not item.optional,
        "description": item.description,
        "schema": item.schema,
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


def responses(endpoint: Endpoint) -> Json:
    """Return the answers and the problems of an endpoint, by status."""
    found: dict[str, Json] = {str(item.status): response(item) for item in endpoint.answers}
    kinds = (*endpoint.problems, problems.INTERNAL)
    if endpoint.access.recent_totp:
        kinds = (problems.RECENT_CODE_REQUIRED, *kinds)
    if security(endpoint.access):
        kinds = (problems.UNAUTHENTICATED, problems.FORBIDDEN, *kinds)
    if endpoint.limit is not UNLIMITED:
        kinds = (problems.QUOTA_EXCEEDED, *kinds)
    by_status: dict[int, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    for status, same in sorted(by_status.items()):
        found.setdefault(str(status), problem_response(same))
    return found


def response(answer: Answer) -> Json:
    """Return one answer."""
    media: Json = {}
    if answer.model is not None:
        media["schema"] = reference(answer.model)
    if answer.example is not None:
        media["example"] = answer.example
    return {"description": answer.description, "content": {answer.media_type: media}}


def problem_response(kinds: list[Kind]) -> Json:
    """Return the answer of one status; its description names the type URIs."""
    result: Json = {
        "description": "; ".join(f"{kind.title} (`{kind.type}`)" for kind in kinds),
        "content": {problems.CONTENT_TYPE: {"schema": reference(Problem)}},
    }
    if problems.UNAVAILABLE in kinds:
        result["headers"] = {"Retry-After": {"$ref": HEADER.format(name="Retry-After")}}
    if problems.QUOTA_EXCEEDED in kinds:
        result["headers"] = {name: {"$ref": HEADER.format(name=name)} for name in HEADERS}
    return result


def reference(model: type[WireModel]) -> Json:
    """Return a reference to a model's schema."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


def component_schemas(endpoints: tuple[Endpoint, ...]) -> Json:
    """Return the schemas of all models in use: what is posted as validated, else as serialised."""
    posted = {endpoint.body.model for endpoint in endpoints if endpoint.body is not None}
    answered = {item.model for endpoint in endpoints for item in endpoint.answers if item.model}
    wanted = sorted(posted | answered | {Problem}, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in wanted], ref_template=REFERENCE
    )
    schemas: Json = definitions["$defs"]
    schemas["Problem"]["example"] = examples.PROBLEM
    return schemas
