"""What operators call to administer partners."""

from api import problems
from api.admin import examples
from api.admin.partners import (
    PAGE_DEFAULT,
    PAGE_MAX,
    get_partner,
    get_partners,
    patch_partner,
    post_partner,
    post_rotation,
)
from api.admin.texts import BODY_BYTES_MAX
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import operator
from api.parameters import limit
from api.routes import links
from api.routes.problem_lists import BODY_PROBLEMS, READ_PROBLEMS
from schemas.admin_api import (
    AdminPartner,
    AdminPartners,
    PartnerChange,
    PartnerCreate,
    PartnerRotate,
    PartnerWithSecret,
)

READ, CHANGE = operator(recent_totp=False), operator(recent_totp=True)
NAME_SCHEMA = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9\-]*$", "maxLength": 40}
NAME = Parameter(
    name="partner", where="path", schema=NAME_SCHEMA, description="name", example="acme"
)
KEYS_PROBLEMS = (problems.NOT_SET_UP, problems.UNAVAILABLE)
CHANGE_PROBLEMS = (
    *BODY_PROBLEMS, problems.NOT_FOUND, problems.STATE_CONFLICT, *KEYS_PROBLEMS,
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/v1/admin/partners",
        handler=get_partners,
        name="get_partners",
        summary="Partners by name, with limits and the dates of their keys",
        access=READ,
        parameters=(
            limit(PAGE_DEFAULT, PAGE_MAX),
            Parameter(
                name="after",
                where="query",
                schema=NAME_SCHEMA,
                description="next_after of the page before",
            ),
        ),
        answers=(
            Answer(
                description="one page",
                model=AdminPartners,
                example=examples.PARTNERS,
                links=(links.TO_FIRST_PARTNER, links.TO_MORE_PARTNERS),
            ),
        ),
        problems=READ_PROBLEMS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/admin/partners/{partner}",
        handler=get_partner,
        name="get_partner",
        summary="One partner, with the fingerprints and dates of its keys",
        access=READ,
        parameters=(NAME,),
        answers=(Answer(description="the partner", model=AdminPartner, example=examples.PARTNER),),
        problems=(problems.NOT_FOUND, *KEYS_PROBLEMS),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/partners",
        handler=post_partner,
        name="post_partner",
        summary="Add a partner; its secret is in this answer and in no other",
        access=CHANGE,
        body=Body(model=PartnerCreate, bytes_max=BODY_BYTES_MAX, example=examples.NEW_PARTNER),
        answers=(
            Answer(
                status=201,
                description="the partner and its secret",
                model=PartnerWithSecret,
                example=examples.SECRET,
                links=(links.TO_NEW_PARTNER, links.TO_PARTNER_CHANGE, links.TO_ROTATION),
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.EXISTS, *KEYS_PROBLEMS),
    ),
    Endpoint(
        method="PATCH",
        path="/api/v1/admin/partners/{partner}",
        handler=patch_partner,
        name="patch_partner",
        summary="Change what is given of a partner; the API follows within seconds",
        access=CHANGE,
        parameters=(NAME,),
        body=Body(model=PartnerChange, bytes_max=BODY_BYTES_MAX, example=examples.PARTNER_CHANGE),
        answers=(Answer(description="as it is now", model=AdminPartner, example=examples.PARTNER),),
        problems=CHANGE_PROBLEMS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/admin/partners/{partner}/rotate",
        handler=post_rotation,
        name="post_rotation",
        summary="Give a partner a new secret, shown once; the older ones end after an overlap",
        access=CHANGE,
        parameters=(NAME,),
        body=Body(model=PartnerRotate, bytes_max=BODY_BYTES_MAX, example=examples.ROTATION),
        answers=(
            Answer(
                description="the partner and its new secret",
                model=PartnerWithSecret,
                example=examples.SECRET,
            ),
        ),
        problems=CHANGE_PROBLEMS,
    ),
)
