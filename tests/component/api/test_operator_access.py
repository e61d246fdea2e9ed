"""What endpoints of operators declare: who changes something for others is an administrator."""

from api.endpoint import Answer, Endpoint
from api.identity.access import CallerKind, operator
from api.identity.operators import includes
from api.responses import json_response
from api.routes import ENDPOINTS
from schemas.operator_api import SessionsEnded

OWN = {
    "post_login", "post_recover", "post_refresh", "post_step_up", "post_logout",
    "post_logout_everywhere", "post_recovery_codes",
}  # fmt: skip


def lax(endpoints):
    """Return endpoints of operators that change something without an administrator's code."""
    strict = operator(recent_totp=True)
    return [
        each.name for each in endpoints
        if each.access.caller is CallerKind.OPERATOR and each.method != "GET"
        and each.access != strict and each.name not in OWN
    ]  # fmt: skip


async def nothing(request):
    return json_response(b"{}")


def an_endpoint(**changes):
    fields = {
        "method": "POST", "path": "/api/v1/admin/nothing", "handler": nothing, "name": "nothing",
        "summary": "Change something", "access": operator(recent_totp=True),
        "answers": (Answer(description="nothing", model=SessionsEnded),),
    }  # fmt: skip
    return Endpoint(**{**fields, **changes})


def test_whatever_changes_something_for_others_needs_an_administrator_with_a_code():
    assert lax(ENDPOINTS) == []
    assert lax([an_endpoint(access=operator(recent_totp=False))]) == ["nothing"]
    assert lax([an_endpoint(access=operator(recent_totp=True, role="viewer"))]) == ["nothing"]


def test_a_role_that_nobody_knows_may_nothing():
    assert not includes("owner", "viewer")
    assert not includes("admin", None)
    assert includes("admin", "viewer")
    assert not includes("viewer", "admin")
