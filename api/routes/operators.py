"""What operators call: their sessions, and the audit trail.

What changes something for others needs an administrator and a recent code, which is what
``operator(recent_totp=True)`` asks for. The endpoints here that are less strict only concern the
operator's own session.
"""

from api import problems
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import ANYBODY, operator
from api.limits.limit import LOGIN
from api.operators import examples
from api.operators.audit import ACTIONS, PAGE_DEFAULT, PAGE_MAX, get_audit
from api.operators.bodies import BYTES_MAX
from api.operators.login import post_login, post_recover
from api.operators.sessions import (
    get_me,
    post_logout,
    post_logout_everywhere,
    post_recovery_codes,
    post_refresh,
    post_step_up,
)
from api.parameters import limit
from api.routes import links
from api.routes.problem_lists import BODY_PROBLEMS, READ_PROBLEMS
from schemas.audit_entry import TEXT_MAX
from schemas.operator_api import (
    AuditPage,
    LoginRequest,
    OperatorSession,
    OperatorToken,
    RecoveryCodes,
    RecoveryRequest,
    SessionsEnded,
    StepUpRequest,
)

OWN_SESSION = operator(recent_totp=False)
LOGIN_PROBLEMS = (
    *BODY_PROBLEMS, problems.LOGIN_REFUSED, problems.TOO_MANY_AT_ONCE, problems.UNAVAILABLE,
)  # fmt: skip

AUTHENTICATION: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/auth/login",
        handler=post_login,
        name="post_login",
        summary="Open a session with a password and a code of the authenticator app",
        access=ANYBODY,
        limit=LOGIN,  # an account has its own limit: domain.identity.login
        body=Body(model=LoginRequest, bytes_max=BYTES_MAX, example=examples.LOGIN),
        answers=(
            Answer(
                description="the session and its token", model=OperatorToken, example=examples.TOKEN
            ),
        ),
        problems=LOGIN_PROBLEMS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/recover",
        handler=post_recover,
        name="post_recover",
        summary="Open a session with a password and a recovery code; it may read",
        access=ANYBODY,
        limit=LOGIN,  # an account has its own limit: domain.identity.login
        body=Body(model=RecoveryRequest, bytes_max=BYTES_MAX, example=examples.RECOVERY),
        answers=(
            Answer(
                description="the session and its token", model=OperatorToken, example=examples.TOKEN
            ),
        ),
        problems=LOGIN_PROBLEMS,
    ),
)
SESSIONS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/auth/me",
        handler=get_me,
        name="get_me",
        summary="The session that the request came with",
        access=OWN_SESSION,
        answers=(
            Answer(description="the session", model=OperatorSession, example=examples.SESSION),
        ),
        problems=(problems.UNAVAILABLE,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/refresh",
        handler=post_refresh,
        name="post_refresh",
        summary="Replace the token of the session; the old one is dead",
        access=OWN_SESSION,
        answers=(
            Answer(
                description="the session and its token", model=OperatorToken, example=examples.TOKEN
            ),
        ),
        problems=(problems.UNAVAILABLE,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/step-up",
        handler=post_step_up,
        name="post_step_up",
        summary="Prove a code and replace the token; for some minutes changes are allowed",
        access=OWN_SESSION,
        body=Body(model=StepUpRequest, bytes_max=BYTES_MAX, example=examples.STEP_UP),
        answers=(
            Answer(
                description="the session and its token", model=OperatorToken, example=examples.TOKEN
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.CODE_REFUSED, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/logout",
        handler=post_logout,
        name="post_logout",
        summary="End the session",
        access=OWN_SESSION,
        answers=(Answer(description="ended", model=SessionsEnded, example=examples.ENDED),),
        problems=(problems.UNAVAILABLE,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/logout-everywhere",
        handler=post_logout_everywhere,
        name="post_logout_everywhere",
        summary="End all sessions of the operator",
        access=OWN_SESSION,
        answers=(Answer(description="ended", model=SessionsEnded, example=examples.ENDED),),
        problems=(problems.UNAVAILABLE,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/auth/recovery-codes",
        handler=post_recovery_codes,
        name="post_recovery_codes",
        summary="Replace the operator's recovery codes",
        access=operator(recent_totp=True, role="viewer"),
        answers=(Answer(description="ten codes", model=RecoveryCodes, example=examples.CODES),),
        problems=(problems.TOO_MANY_AT_ONCE, problems.UNAVAILABLE),
    ),
)
TRAIL: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/admin/audit",
        handler=get_audit,
        name="get_audit",
        summary="Who changed what, newest first",
        access=operator(recent_totp=False),
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            Parameter(
                name="before",
                where="query",
                schema={"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
                description="next_before of the page before",
            ),
            Parameter(
                name="actor",
                where="query",
                schema={"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
                description="who acted",
                example="ada",
            ),
            Parameter(
                name="action",
                where="query",
                schema={"type": "string", "enum": [*ACTIONS]},
                description="what was done",
                example="operator.login",
            ),
            Parameter(
                name="since",
                where="query",
                schema={"type": "string", "format": "date-time", "maxLength": 40},
                description="no older ones, RFC 3339",
                example="2026-01-01T00:00:00Z",
            ),
        ),
        answers=(
            Answer(
                description="one page",
                model=AuditPage,
                example=examples.AUDIT,
                links=(links.TO_EARLIER_ENTRIES,),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
)
ENDPOINTS: tuple[Endpoint, ...] = (*AUTHENTICATION, *SESSIONS, *TRAIL)
