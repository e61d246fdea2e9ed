"""What partners post."""

from dataclasses import replace

from api import examples, problems
from api.endpoint import Answer, Body, Endpoint, Parameter
from api.identity.access import SIGNING_PARTNER
from api.parameters import header
from api.partners.webhooks import receive_webhook
from api.routes.problem_lists import BODY_PROBLEMS
from schemas.api import WebhookAccepted
from schemas.webhook import WEBHOOK_BYTES_MAX, WebhookEnvelope

WEBHOOK_HEADERS = (
    header("webhook-id", "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "the same for every try", "msg_1"),
    replace(
        header(
            "webhook-timestamp", "^[0-9]{1,12}$", "Unix seconds of this try; with v1 and v1a",
            "1767225600",
        ),
        optional=True,
    ),
    replace(
        header(
            "webhook-signature", "^.{1,2048}$",
            "up to 10 of v1,<base64> (HMAC-SHA256) and v1a,<base64> (Ed25519, up to 3), "
            "space-separated, over id.timestamp.body",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        optional=True,
    ),
    Parameter(
        name="x-webhook-signature",
        where="header",
        schema={"type": "string", "pattern": "^.{1,2048}$"},
        description="the older scheme, where it is enabled for the partner: sha256=<hex> of "
        "HMAC-SHA256 over the body alone; what has another form counts as none",
        example="sha256=" + "0" * 64,
        optional=True,
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/api/v1/webhooks/{partner}",
        handler=receive_webhook,
        name="receive_webhook",
        summary="Take a partner's signed webhook (Standard Webhooks 1.0: v1, v1a)",
        access=SIGNING_PARTNER,
        parameters=(
            Parameter(
                name="partner",
                where="path",
                schema={"type": "string", "pattern": r"^[a-z0-9][a-z0-9\-]*$", "maxLength": 40},
                description="name of the partner",
                example="acme",
            ),
            *WEBHOOK_HEADERS,
        ),
        body=Body(model=WebhookEnvelope, bytes_max=WEBHOOK_BYTES_MAX, example=examples.WEBHOOK),
        answers=(
            Answer(
                status=202,
                description="Kafka has the event; a repeated delivery gets the same id",
                model=WebhookAccepted,
                example=examples.WEBHOOK_ACCEPTED,
            ),
        ),
        problems=(
            *BODY_PROBLEMS,
            problems.BAD_SIGNATURE,
            problems.NOT_FOUND,
            problems.CONFLICT,
            problems.UNAVAILABLE,
        ),
    ),
)
