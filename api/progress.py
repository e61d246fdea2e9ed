"""POST /api/v1/progress: reports of player apps -> progress events in Kafka.

A batch is one call to the producer. What is wrong with one event is said about that event; the rest
is accepted. The gateway fixes here what a replay must not depend on: the completion preset, and the
title that a version belongs to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.future import IN_THE_FUTURE, is_in_the_future
from api.identity.principal import Principal, principal_of
from api.parsing import JsonLimits, parse_json, read_body, require_json_type
from api.presets import PresetRules
from api.privacy.erased import ERASED
from api.problems import ProblemError
from api.responses import json_response
from api.services import Services, services_of
from domain.watch.reports import RuleError, check
from infra import metrics
from infra.postgres.contents import ContentFacts
from schemas.api import ProgressReport
from schemas.codec import describe
from schemas.progress import PROGRESS_BATCH_MAX, ProgressEvent
from topics.catalog import PROGRESS

BATCH_BYTES_MAX = 1024 * 1024  # 500 events of 2 KiB; a usual one has 300 bytes
LIMITS = JsonLimits(array_max=PROGRESS_BATCH_MAX, string_max=4096)
ERRORS_SHOWN_MAX = 20
FUTURE = f"occurred_at: {IN_THE_FUTURE}"

Result = dict[str, Any]


async def post_progress(request: Request) -> Response:
    """Take one report or an array; 202 only when Kafka has every accepted one."""
    require_json_type(request)
    posted = parse_json(await read_body(request, BATCH_BYTES_MAX), LIMITS)
    documents = posted if isinstance(posted, list) else [posted]
    if not documents:
        raise ProblemError(problems.INVALID, "an empty array")
    services = services_of(request)
    reports, results = read_reports(documents, principal_of(request))
    events = await complete(services, reports, results)
    if not events:
        metrics.API_PROGRESS_EVENTS.labels("error").inc(len(documents))
        raise refused(results)
    await services.producer.send_many(PROGRESS, events)
    metrics.API_PROGRESS_EVENTS.labels("accepted").inc(len(events))
    metrics.API_PROGRESS_EVENTS.labels("error").inc(len(documents) - len(events))
    return json_response(orjson.dumps({"results": results}), status=202)


def read_reports(
    documents: Sequence[Any], principal: Principal
) -> tuple[list[ProgressReport | None], list[Result]]:
    """Return the report (None when unreadable) and the result so far of each document.

    Raises:
        ProblemError: 403, an event of a user the key is not bound to; then nothing is accepted.
    """
    reports: list[ProgressReport | None] = []
    results: list[Result] = []
    validate = ProgressReport.__pydantic_validator__.validate_python
    for document in documents:
        try:
            report = validate(document, strict=True)
        except ValidationError as error:
            reports.append(None)
            results.append(error_result(id_of(document), describe(error)))
            continue
        principal.require_user(report.user_id)
        reports.append(report)
        results.append({"event_id": report.event_id, "status": "accepted"})
    return reports, results


def id_of(document: Any) -> str | None:
    """Return the event id of an unreadable document, if it has one."""
    event_id = document.get("event_id") if isinstance(document, dict) else None
    return event_id[:64] if isinstance(event_id, str) else None


def error_result(event_id: str | None, reason: str) -> Result:
    """Return the result of an event that was not accepted."""
    return {"event_id": event_id, "status": "error", "error": reason}


async def complete(
    services: Services, reports: Sequence[ProgressReport | None], results: list[Result]
) -> list[ProgressEvent]:
    """Return the events to produce; what no rule can interpret becomes an error in ``results``."""
    erased = services.erased_users
    await erased.refresh()
    facts = await find_facts(services, {item.content_id for item in reports if item is not None})
    rules = services.preset_rules
    accepted_at_ms = services.clock_ms()
    events: list[ProgressEvent] = []
    for position, report in enumerate(reports):
        if report is None:
            continue
        if is_in_the_future(report.at_ms, accepted_at_ms):
            results[position] = error_result(report.event_id, FUTURE)
            continue
        if erased.refuses(report.user_id, report.at_ms):
            results[position] = error_result(report.event_id, ERASED)
            continue
        event = event_of(report, facts.get(report.content_id), rules, accepted_at_ms)
        try:
            check(event)
        except RuleError as error:
            results[position] = error_result(report.event_id, str(error))
            continue
        events.append(event)
    return events


def event_of(
    report: ProgressReport, facts: ContentFacts | None, rules: PresetRules, accepted_at_ms: int
) -> ProgressEvent:
    """Return the event of a report: time, preset and title as the gateway decides them."""
    values = report.__dict__.copy()
    del values["occurred_at"]
    values["occurred_at_ms"] = report.at_ms
    values["accepted_at_ms"] = accepted_at_ms
    values["preset"] = rules.preset_of(facts)
    if facts is not None and facts.version_of is not None:
        values["content_id"] = facts.version_of
    event: ProgressEvent = ProgressEvent.__pydantic_validator__.validate_python(values)
    return event


async def find_facts(services: Services, content_ids: set[str]) -> Mapping[str, ContentFacts]:
    """Return what is known about the contents, at most ``FACTS_TTL_S`` old.

    A title may be watched before its partner has announced it: it is accepted as it is.
    """
    facts: dict[str, ContentFacts] = {}
    missing: list[str] = []
    for content_id in content_ids:
        cached = services.facts_cache.get(content_id)
        if cached is None:
            missing.append(content_id)
        else:
            facts[content_id] = cached[0]
    if missing:
        found = await services.contents.fetch_facts(missing)
        for content_id, known in found.items():
            services.facts_cache.put(content_id, known)
        facts.update(found)
    return facts


def refused(results: Sequence[Result]) -> ProblemError:
    """Return the problem of a post of which nothing was accepted."""
    return ProblemError(
        problems.INVALID,
        "no event was accepted" if len(results) > 1 else str(results[0]["error"]),
        errors=results[:ERRORS_SHOWN_MAX],
    )
