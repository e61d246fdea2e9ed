"""What operators call to administer API keys."""

from api import problems
from api.admin import examples
from api.admin.keys import PAGE_DEFAULT, PAGE_MAX, get_keys, post_key, post_revocation
from api.admin.texts import BODY_BYTES_MAX
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import operator
from api.parameters import cursor, limit
from api.routes import links
from api.routes.problem_lists import BODY_PROBLEMS, READ_PROBLEMS
from schemas.admin_api import AdminKey, AdminKeys, KeyCreate, KeyWithText

READ, CHANGE = operator(recent_totp=False), operator(recent_totp=True)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/admin/keys",
        handler=get_keys,
        name="get_keys",
        summary="API keys, newest first, also those that are revoked or have ended",
        access=READ,
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            cursor(),
        ),
        answers=(
            Answer(
                description="one page",
                model=AdminKeys,
                example=examples.KEYS,
                links=(links.TO_MORE_KEYS,),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/keys",
        handler=post_key,
        name="post_key",
        summary="Create an API key; it is in this answer and in no other",
        access=CHANGE,
        body=Body(model=KeyCreate, bytes_max=BODY_BYTES_MAX, example=examples.NEW_KEY),
        answers=(
            Answer(
                status=201,
                description="what is known of the key, and the key",
                model=KeyWithText,
                example=examples.CREATED_KEY,
                links=(links.TO_REVOCATION,),
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/keys/{key_id}/revoke",
        handler=post_revocation,
        name="post_revocation",
        summary="Revoke an API key, within seconds",
        access=CHANGE,
        parameters=(
            Parameter(
                name="key_id",
                where="path",
                schema={"type": "string", "pattern": "^[a-z0-9]+$", "maxLength": 16},
                description="its public id",
                example="0a1b2c3d",
            ),
        ),
        answers=(Answer(description="as it is now", model=AdminKey, example=examples.REVOKED_KEY),),
        problems=(problems.NOT_FOUND, problems.UNAVAILABLE),
    ),
)
