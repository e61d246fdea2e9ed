"""Tokens: what backends ask for, and the public keys of what they get."""

from api import examples, problems
from api.endpoint import Answer, Body, Endpoint
from api.identity.access import ANYBODY, app
from api.identity.issuing import PUBLISHED_S, REQUEST_BYTES_MAX, get_public_keys, post_token
from api.routes.problem_lists import BODY_PROBLEMS
from infra.security.keys import TOKENS_ISSUE
from schemas.tokens import PublicKeys, TokenIssued, TokenRequest

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/auth/tokens",
        handler=post_token,
        name="post_token",
        summary="Get a short-lived token with which a device speaks for one user",
        access=app(TOKENS_ISSUE, any_user=True),
        body=Body(model=TokenRequest, bytes_max=REQUEST_BYTES_MAX, example=examples.TOKEN_REQUEST),
        answers=(
            Answer(
                status=201,
                description="a token; it is not stored and cannot be shown again",
                model=TokenIssued,
                example=examples.TOKEN_ISSUED,
            ),
        ),
        problems=(*BODY_PROBLEMS, problems.NOT_SET_UP, problems.UNAVAILABLE),
    ),
    Endpoint(
        method="GET",
        path="/.well-known/jwks.json",
        handler=get_public_keys,
        name="get_public_keys",
        summary="The public keys of the tokens that this gateway issues",
        access=ANYBODY,
        answers=(
            Answer(
                description="JWKS (RFC 7517); may be kept for 5 minutes",
                model=PublicKeys,
                media_type="application/jwk-set+json",
                cache_control=f"public, max-age={PUBLISHED_S}",
                example=examples.PUBLIC_KEYS,
            ),
        ),
        problems=(problems.UNAVAILABLE,),
    ),
)
