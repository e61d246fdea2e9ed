"""Answers of the API compared with its OpenAPI document: nothing undocumented may be answered.

``DescribedClient`` is the test client of all component tests of the API; it fails the test that got
an answer which the document does not describe: status, media type, every field, every header.
"""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from starlette.testclient import TestClient

from api import problems
from api.openapi import document

Json = dict[str, Any]

FORMATS = FormatChecker()
# What the router answers itself, before there is an operation.
OF_THE_ROUTER = {404: problems.NOT_FOUND, 405: problems.METHOD_NOT_ALLOWED}
# What is said before the path is looked at: of the sizes of what came, and of how much came.
BEFORE_THE_PATH = {
    kind.status
    for kind in (
        problems.TOO_LARGE, problems.URL_TOO_LONG, problems.QUOTA_EXCEEDED,
        problems.HEADERS_TOO_LARGE,
    )
}  # fmt: skip


class DescribedClient(TestClient):
    """A test client that accepts only documented answers.

    ``undocumented`` are paths that a test gave to the application itself.
    """

    undocumented: frozenset[str] = frozenset()

    def send(self, request, **options):
        answer = super().send(request, **options)
        if request.url.path in self.undocumented:
            return answer
        found = undescribed(request.method, request.url.path, answer, described_api())
        assert found == [], f"{request.method} {request.url.path}: not as documented: {found}"
        return answer


@cache
def described_api():
    """Return the document that the code makes, closed: other fields than the declared ones fail."""
    return Described(document())


class Described:
    """A document, prepared for looking up operations and validating by its schemas."""

    def __init__(self, openapi: Json) -> None:
        self.openapi = openapi
        schemas = openapi["components"]["schemas"]
        self.components = {
            "schemas": {name: closed(schema) for name, schema in schemas.items()},
        }
        self.paths = {template: pattern_of(template) for template in openapi["paths"]}
        self._validators: dict[int, tuple[Json, Draft202012Validator]] = {}

    def operations(self, path: str) -> Json:
        """Return the operations of a path by method, upper case; fixed parts win."""
        found = [template for template, pattern in self.paths.items() if pattern.fullmatch(path)]
        if not found:
            return {}
        item = self.openapi["paths"][min(found, key=lambda template: template.count("{"))]
        return {method.upper(): operation for method, operation in item.items()}

    def response(self, operation: Json, status: int) -> Json | None:
        """Return what an operation says of a status."""
        node = operation["responses"].get(str(status))
        if node is not None and "$ref" in node:
            return self.openapi["components"]["responses"][node["$ref"].rpartition("/")[2]]
        return node

    def problem_with(self, schema: Json, value: Any) -> str | None:
        """Return why a value does not fit a schema of the document."""
        if id(schema) not in self._validators:
            whole = {**schema, "components": self.components}
            validator = Draft202012Validator(whole, format_checker=FORMATS)
            self._validators[id(schema)] = (schema, validator)
        error = best_match(self._validators[id(schema)][1].iter_errors(value))
        return None if error is None else f"{error.json_path}: {error.message[:300]}"


def undescribed(method: str, path: str, answer: Any, described: Described) -> list[str]:
    """Return what of an answer the document does not say; empty when all of it is documented."""
    operations = described.operations(path)
    operation = operations.get("GET" if method == "HEAD" else method)
    if operation is None and method == "OPTIONS" and answer.status_code == 204:
        return _of_a_preflight(answer)
    if operation is None:
        return _of_the_router(answer, set(operations))
    response = described.response(operation, answer.status_code)
    if response is None:
        return [f"status {answer.status_code}: {answer.text[:200]}"]
    found = _headers(answer, response.get("headers", {}), described)
    return found if method == "HEAD" else found + _content(answer, response, described)


def _of_a_preflight(answer: Any) -> list[str]:
    """Return what is wrong with the answer to a browser that asks whether it may ask."""
    allowed = answer.headers.get("access-control-allow-methods")
    found = [] if allowed == "GET" else [f"Access-Control-Allow-Methods: {allowed}"]
    return found + (["a body"] if answer.content else [])


def _of_the_router(answer: Any, allowed: set[str]) -> list[str]:
    """Return what is wrong with an answer where there is no operation."""
    status = answer.status_code
    if status in BEFORE_THE_PATH:
        return []
    if status != (405 if allowed else 404):
        return [f"status {status} without an operation"]
    found = []
    if answer.headers.get("content-type") != problems.CONTENT_TYPE:
        found.append("no problem document")
    elif answer.content and answer.json()["type"] != OF_THE_ROUTER[status].type:
        found.append(f"problem {answer.json()['type']}")
    said = set(answer.headers.get("allow", "").replace(" ", "").split(",")) - {"", "HEAD"}
    return found if said == allowed else [*found, f"Allow: {said}, not {allowed}"]


def _headers(answer: Any, headers: Json, described: Described) -> list[str]:
    found = []
    for name, header in headers.items():
        text = answer.headers.get(name)
        if text is None:
            found += [f"header {name} is missing"] if header.get("required") else []
            continue
        value = int(text) if header["schema"].get("type") == "integer" else text
        problem = described.problem_with(header["schema"], value)
        found += [f"header {name}: {problem}"] if problem else []
    return found


def _content(answer: Any, response: Json, described: Described) -> list[str]:
    content = response.get("content")
    if content is None:
        return [f"a body of {len(answer.content)} bytes"] if answer.content else []
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type not in content:
        return [f"media type {media_type!r}"]
    schema = content[media_type].get("schema")
    problem = None if schema is None else described.problem_with(schema, answer.json())
    return [problem] if problem else []


def pattern_of(template: str) -> re.Pattern[str]:
    """Return what matches the paths of a template."""
    return re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(template)))


def closed(schema: Any) -> Any:
    """Return a copy of a schema in which objects with declared fields have no other fields."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    node = {key: value if key == "if" else closed(value) for key, value in schema.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node
