"""What operators call to work with dead letters."""

from typing import Any

from api import problems
from api.admin import examples
from api.admin.dead_letters import (
    PAGE_DEFAULT,
    PAGE_MAX,
    REASONS,
    TOPICS,
    get_dead_letter,
    get_dead_letters,
    post_discard,
    post_redrive,
)
from api.admin.texts import BODY_BYTES_MAX
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import operator
from api.parameters import cursor, limit
from api.routes import links
from api.routes.admin_partners import NAME_SCHEMA
from api.routes.problem_lists import BODY_PROBLEMS, READ_PROBLEMS
from infra.postgres.dead_letters import STATES
from schemas.admin_api import (
    AdminDeadLetters,
    DiscardRequest,
    DiscardResult,
    RedriveRequest,
    RedriveResult,
    WholeDeadLetter,
)

READ, CHANGE = operator(recent_totp=False), operator(recent_totp=True)
TIME_SCHEMA = {"type": "string", "format": "date-time", "maxLength": 40}


def query(name: str, schema: dict[str, Any], description: str) -> Parameter:
    """Return a filter."""
    return Parameter(name=name, where="query", schema=schema, description=description)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/admin/dead-letters",
        handler=get_dead_letters,
        name="get_dead_letters",
        summary="Dead letters of all partners and topics, the newest failure first",
        access=READ,
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            query("topic", {"type": "string", "enum": [*TOPICS]}, "of this topic"),
            query("partner", NAME_SCHEMA, "of this partner"),
            query("reason", {"type": "string", "enum": [*REASONS]}, "failed for this reason"),
            query("state", {"type": "string", "enum": [*STATES]}, "in this state"),
            query("since", TIME_SCHEMA, "failed then or later, RFC 3339"),
            query("until", TIME_SCHEMA, "failed before, RFC 3339"),
            cursor(),
        ),
        answers=(
            Answer(
                description="one page",
                model=AdminDeadLetters,
                example=examples.LETTERS,
                links=(links.TO_LETTER, links.TO_MORE_LETTERS),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/admin/dead-letters/{dead_letter_id}",
        handler=get_dead_letter,
        name="get_dead_letter",
        summary="One dead letter with its headers, key and payload",
        access=READ,
        parameters=(
            Parameter(
                name="dead_letter_id",
                where="path",
                schema={"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
                description="id",
                example=17,
            ),
        ),
        answers=(
            Answer(description="the letter", model=WholeDeadLetter, example=examples.WHOLE_LETTER),
        ),
        problems=(problems.INVALID, problems.NOT_FOUND, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/dead-letter-redrives",
        handler=post_redrive,
        name="post_redrive",
        summary="Send dead letters to their topics again; after a 503 their states say which were",
        access=CHANGE,
        body=Body(model=RedriveRequest, bytes_max=BODY_BYTES_MAX, example=examples.REDRIVE),
        answers=(
            Answer(
                description="Kafka has those that are redriven",
                model=RedriveResult,
                example=examples.REDRIVEN,
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/dead-letter-discards",
        handler=post_discard,
        name="post_discard",
        summary="Say of dead letters that nobody will redrive them, and why",
        access=CHANGE,
        body=Body(model=DiscardRequest, bytes_max=BODY_BYTES_MAX, example=examples.DISCARD),
        answers=(
            Answer(description="what changed", model=DiscardResult, example=examples.DISCARDED),
        ),
        problems=(*BODY_PROBLEMS, problems.UNAVAILABLE),
    ),
)
