"""Each kind of break is found; what old clients live with passes."""

import copy

import pytest

from api.contract.changes import breaking_changes
from api.openapi import document

RELEASED = document()
READ = "/api/v1/users/{user}/history"
POST = "/api/v1/progress"


def changed(change):
    after = copy.deepcopy(RELEASED)
    change(after)
    return breaking_changes(RELEASED, after)


def model(described, name):
    return described["components"]["schemas"][name]


def field(described, name, of):
    return model(described, name)["properties"][of]


def parameter(described, name, path=READ):
    found = described["paths"][path]["get"]["parameters"]
    return next(each for each in found if each["name"] == name)


def answer(described, path=READ):
    return described["paths"][path]["get"]["responses"]["200"]


def remove_path(it):
    del it["paths"][READ]


def remove_method(it):
    del it["paths"][READ]["get"]


def remove_status(it):
    del it["paths"][READ]["get"]["responses"]["503"]


def new_success(it):
    it["paths"][READ]["get"]["responses"]["206"] = {"description": "a part"}


def remove_media_type_of_answer(it):
    answer(it)["content"] = {"text/csv": {}}


def remove_media_type_of_body(it):
    body = it["paths"][POST]["post"]["requestBody"]
    body["content"] = {"text/csv": body["content"]["application/json"]}


def require_a_body(it):
    it["paths"][READ]["get"]["requestBody"] = {"required": True, "content": {}}


def rename_operation(it):
    it["paths"][READ]["get"]["operationId"] = "history"


def remove_parameter(it):
    it["paths"][READ]["get"]["parameters"].remove(parameter(it, "cursor"))


def require_new_parameter(it):
    it["paths"][READ]["get"]["parameters"].append(
        {"name": "profile", "in": "query", "required": True, "schema": {"type": "string"}}
    )


def require_old_parameter(it):
    parameter(it, "cursor")["required"] = True


def narrow_parameter(it):
    parameter(it, "limit")["schema"]["maximum"] = 10


def change_type_of_parameter(it):
    parameter(it, "limit")["schema"] = {"type": "string"}


def narrow_enumeration_of_parameter(it):
    path = "/api/v1/content/{content_id}/similar"
    parameter(it, "by", path)["schema"]["enum"].remove("cast")


def require_body_field(it):
    model(it, "ProgressReport")["required"].append("rating")


def new_required_body_field(it):
    model(it, "ProgressReport")["properties"]["profile"] = {"type": "string"}
    model(it, "ProgressReport")["required"].append("profile")


def remove_body_field(it):
    del model(it, "ProgressReport")["properties"]["rating"]


def narrow_body_field(it):
    field(it, "WebhookEnvelope", "platform")["maxLength"] = 8


def narrow_enumeration_of_body(it):
    field(it, "WebhookEnvelope", "event_type")["enum"].remove("content_added")


def more_conditions_on_body(it):
    model(it, "ProgressReport")["then"] = {"required": ["region"]}


def fewer_in_a_batch(it):
    schema = it["paths"][POST]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["oneOf"][1]["maxItems"] = 10


def remove_answer_field(it):
    del field(it, "HistoryEntry", "watched_s")["type"]
    del model(it, "HistoryEntry")["properties"]["watched_s"]


def make_answer_field_optional(it):
    model(it, "HistoryEntry")["required"].remove("watched_s")


def change_type_of_answer_field(it):
    field(it, "HistoryEntry", "watched_s")["type"] = "string"


def let_answer_field_be_null(it):
    old = model(it, "HistoryEntry")["properties"]
    old["watched_s"] = {"anyOf": [old["watched_s"], {"type": "null"}]}


def widen_answer_field(it):
    field(it, "WatchCard", "resume_probability")["maximum"] = 100


def widen_enumeration_of_answer(it):
    field(it, "WatchCard", "kind")["enum"].append("rewatch")


def remove_header(it):
    del answer(it)["headers"]["X-Request-Id"]


def make_header_optional(it):
    answer(it)["headers"]["X-Request-Id"]["required"] = False


def rename_problem(it):
    media = it["components"]["responses"]["unavailable"]["content"]["application/problem+json"]
    media["schema"]["allOf"][1]["properties"]["type"]["enum"] = ["urn:media-gateway:problem:away"]


def change_form_of_problems(it):
    model(it, "Problem")["required"].remove("title")


def need_other_credentials(it):
    it["paths"][READ]["get"]["security"] = [{"partnerKey": []}]


def need_credentials(it):
    it["paths"]["/healthz"]["get"]["security"] = [{"appKey": []}]


def change_scheme(it):
    it["components"]["securitySchemes"]["appKey"]["scheme"] = "digest"


BREAKS = (
    (remove_path, "removed"),
    (remove_method, "removed"),
    (remove_status, "503: removed"),
    (new_success, "a new success"),
    (remove_media_type_of_answer, "application/json removed"),
    (remove_media_type_of_body, "application/json removed"),
    (require_a_body, "body: became required"),
    (rename_operation, "operationId changed"),
    (remove_parameter, "cursor: removed"),
    (require_new_parameter, "profile: new and required"),
    (require_old_parameter, "cursor: became required"),
    (narrow_parameter, "maximum tightened to 10"),
    (change_type_of_parameter, "type changed"),
    (narrow_enumeration_of_parameter, "no longer accepts 'cast'"),
    (require_body_field, "rating: became required"),
    (new_required_body_field, "profile: new and required"),
    (remove_body_field, "rating: removed"),
    (narrow_body_field, "maxLength tightened to 8"),
    (narrow_enumeration_of_body, "no longer accepts 'content_added'"),
    (more_conditions_on_body, "then changed"),
    (fewer_in_a_batch, "maxItems tightened to 10"),
    (remove_answer_field, "watched_s: removed"),
    (make_answer_field_optional, "watched_s: became optional"),
    (change_type_of_answer_field, "type changed"),
    (let_answer_field_be_null, "may be null now"),
    (widen_answer_field, "widened"),
    (widen_enumeration_of_answer, "'rewatch' (widened)"),
    (remove_header, "header X-Request-Id: removed"),
    (make_header_optional, "header X-Request-Id: became optional"),
    (rename_problem, "problem urn:media-gateway:problem:unavailable removed"),
    (change_form_of_problems, "title: became optional"),
    (need_other_credentials, "security changed"),
    (need_credentials, "security changed"),
    (change_scheme, "security scheme appKey: changed"),
)


@pytest.mark.parametrize(("change", "said"), BREAKS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_break_is_found(change, said):
    lines = changed(change)
    assert any(said in line for line in lines), lines


def new_path(it):
    it["paths"]["/api/v1/new"] = {"get": it["paths"][READ]["get"]}


def new_method(it):
    it["paths"][READ]["delete"] = it["paths"][READ]["get"]


def new_optional_parameter(it):
    it["paths"][READ]["get"]["parameters"].append(
        {"name": "profile", "in": "query", "required": False, "schema": {"type": "string"}}
    )


def looser_parameter(it):
    parameter(it, "limit")["schema"]["maximum"] = 1000


def new_optional_body_field(it):
    model(it, "ProgressReport")["properties"]["profile"] = {"type": "string", "maxLength": 10}


def looser_body_field(it):
    field(it, "WebhookEnvelope", "platform")["maxLength"] = 800
    field(it, "WebhookEnvelope", "event_type")["enum"].append("content_moved")
    model(it, "WebhookEnvelope")["required"].remove("platform")


def new_answer_field(it):
    model(it, "HistoryEntry")["properties"]["profile"] = {"type": "string"}
    model(it, "HistoryEntry")["required"].append("profile")


def narrower_answer_field(it):
    field(it, "WatchCard", "resume_probability")["maximum"] = 0.5
    field(it, "WatchCard", "kind")["enum"].remove("new")


def new_error_status(it):
    it["paths"][READ]["get"]["responses"]["418"] = {"$ref": "#/components/responses/unavailable"}


def new_header(it):
    answer(it)["headers"]["X-New"] = {"schema": {"type": "string"}}


def one_more_way_in(it):
    it["paths"][READ]["get"]["security"].append({"deviceToken": []})


def other_words(it):
    it["info"]["description"] = answer(it)["description"] = "Other words."


COMPATIBLE = (
    new_path, new_method, new_optional_parameter, looser_parameter, new_optional_body_field,
    looser_body_field, new_answer_field, narrower_answer_field, new_error_status, new_header,
    one_more_way_in, other_words,
)  # fmt: skip


@pytest.mark.parametrize("change", COMPATIBLE)
def test_what_old_clients_live_with_passes(change):
    assert changed(change) == []
