"""Two OpenAPI documents -> what of the newer one breaks a client that was made for the older one.

Compatible is: a new path, method, optional parameter or field, a looser limit in a request, a new
field or header in an answer, a further error status or problem type, a further way to authenticate.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compatibility import Roots, Use, breaking_parts

Json = Mapping[str, Any]

PROBLEM_TYPE = "application/problem+json"


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return one line for each change that breaks a client; empty when there is none."""
    return list(Comparison(old, new).lines())


class Comparison:
    """One old and one new document."""

    def __init__(self, old: Json, new: Json) -> None:
        self.old = old
        self.new = new

    def lines(self) -> Iterator[str]:
        """Yield what breaks, path by path."""
        for path, methods in self.old["paths"].items():
            if path not in self.new["paths"]:
                yield f"{path}: removed"
                continue
            for method, before in methods.items():
                name = f"{method.upper()} {path}"
                after = self.new["paths"][path].get(method)
                if after is None:
                    yield f"{name}: removed"
                else:
                    yield from (f"{name}: {line}" for line in self.operation(before, after))
        yield from self.schemes()

    def operation(self, old: Json, new: Json) -> Iterator[str]:
        """Yield what breaks in one operation."""
        if old.get("operationId") != new.get("operationId"):
            yield f"operationId changed to {new.get('operationId')}"
        yield from security(old, new)
        yield from self.parameters(old, new)
        yield from self.body(old.get("requestBody"), new.get("requestBody"))
        for status, before in old["responses"].items():
            after = new["responses"].get(status)
            if after is None:
                yield f"{status}: removed"
            else:
                yield from (f"{status}: {line}" for line in self.response(before, after))
        for status in sorted(set(new["responses"]) - set(old["responses"])):
            if status.startswith(("2", "3")):
                yield f"{status}: a new success"

    def parameters(self, old: Json, new: Json) -> Iterator[str]:
        """Yield what breaks in the parameters."""
        before, after = parameters_of(old), parameters_of(new)
        for key, parameter in before.items():
            name = f"{key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{name}: removed"
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield f"{name}: became required"
            yield from self.schema(parameter["schema"], after[key]["schema"], Use.REQUEST, name)
        for key in sorted(set(after) - set(before)):
            if after[key].get("required"):
                yield f"{key[0]} parameter {key[1]}: new and required"

    def body(self, old: Json | None, new: Json | None) -> Iterator[str]:
        """Yield what breaks in the request body."""
        if new is None:
            if old is not None:
                yield "body: removed"
            return
        if new.get("required") and not (old or {}).get("required"):
            yield "body: became required"
        yield from self.content((old or {}).get("content", {}), new["content"], Use.REQUEST, "body")

    def response(self, old: Json, new: Json) -> Iterator[str]:
        """Yield what breaks in the answer with one status."""
        old, new = resolved(old, self.old), resolved(new, self.new)
        for name, header in old.get("headers", {}).items():
            after = new.get("headers", {}).get(name)
            if after is None:
                yield f"header {name}: removed"
                continue
            if header.get("required") and not after.get("required"):
                yield f"header {name}: became optional"
            yield from self.schema(
                header["schema"], after["schema"], Use.RESPONSE, f"header {name}"
            )
        before, now = old.get("content", {}), new.get("content", {})
        yield from self.content(before, now, Use.RESPONSE, "answer")

    def content(self, old: Json, new: Json, use: Use, name: str) -> Iterator[str]:
        """Yield what breaks in the media types of a body."""
        for media_type, before in old.items():
            if media_type not in new:
                yield f"{name}: {media_type} removed"
            elif media_type == PROBLEM_TYPE:
                gone = problem_types(before) - problem_types(new[media_type])
                yield from (f"problem {kind} removed" for kind in sorted(gone))
            elif "schema" in before and "schema" in new[media_type]:
                yield from self.schema(before["schema"], new[media_type]["schema"], use, name)
            elif ("schema" in before) != ("schema" in new[media_type]) and use is Use.RESPONSE:
                yield f"{name}: the schema of {media_type} is gone or new"

    def schema(self, old: Json, new: Json, use: Use, name: str) -> list[str]:
        """Return what breaks between two schemas."""
        return breaking_parts(old, new, Roots(self.old, self.new, use), name)

    def schemes(self) -> Iterator[str]:
        """Yield what breaks in the security schemes, and in the form of every problem."""
        after = self.new["components"].get("securitySchemes", {})
        for name, scheme in self.old["components"].get("securitySchemes", {}).items():
            if name in after and form_of(scheme) != form_of(after[name]):
                yield f"security scheme {name}: changed"
        problem = {"$ref": "#/components/schemas/Problem"}
        if "Problem" in self.old["components"]["schemas"]:
            yield from self.schema(problem, problem, Use.RESPONSE, "Problem")


def security(old: Json, new: Json) -> Iterator[str]:
    """Yield ways to authenticate that are gone; one more is fine, none at all is a change too."""
    before = {tuple(sorted(way)) for way in old.get("security", [])}
    after = {tuple(sorted(way)) for way in new.get("security", [])}
    if not before <= after or (after and not before):
        yield f"security changed from {sorted(before)} to {sorted(after)}"


def form_of(scheme: Json) -> dict[str, Any]:
    """Return what of a security scheme a client depends on."""
    return {word: scheme.get(word) for word in ("type", "in", "name", "scheme")}


def parameters_of(operation: Json) -> dict[tuple[str, str], Json]:
    """Return the parameters of an operation by place and name."""
    return {(each["in"], each["name"]): each for each in operation.get("parameters", ())}


def problem_types(media: Json) -> set[str]:
    """Return the types of problems that a media type object lists."""
    parts = media.get("schema", {}).get("allOf", ())
    return {
        kind
        for part in parts
        for kind in part.get("properties", {}).get("type", {}).get("enum", ())
    }


def resolved(response: Json, root: Json) -> Json:
    """Return a response that may be a reference to a shared one."""
    if "$ref" not in response:
        return response
    found: Json = root["components"]["responses"][str(response["$ref"]).rpartition("/")[2]]
    return found
