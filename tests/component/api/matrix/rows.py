"""Who may call each endpoint, written by hand: the declarations in api.routes are not trusted here.

``allowed`` are kinds of callers with valid credentials that have the scope. ``subject`` says whose
data the request is about; ``of_user`` and ``of_partner`` are the owner that the request names.
"""

from dataclasses import dataclass

from tests.component.api.matrix.callers import (
    ADMIN,
    APP,
    NOBODY,
    PARTNER,
    STALE_ADMIN,
    STALE_VIEWER,
    USER,
    VIEWER,
)

OPERATORS = frozenset({VIEWER, STALE_VIEWER, ADMIN, STALE_ADMIN})
FRESH_OPERATORS = frozenset({VIEWER, ADMIN})  # with a recent code
FRESH_ADMINS = frozenset({ADMIN})
EVERYBODY = frozenset({NOBODY, APP, USER, PARTNER}) | OPERATORS
APPS = frozenset({APP, USER})
PARTNERS = frozenset({PARTNER})
NO_SUBJECT, OF_USER, OF_PARTNER = "nobody's", "a user's", "a partner's"

# The body decides who calls: 401 for the examples of the documentation.
BY_BODY = {"receive_webhook", "post_login", "post_recover"}


@dataclass(frozen=True)
class Row:
    """What is right for one endpoint."""

    allowed: frozenset[str]
    subject: str = NO_SUBJECT
    of_everybody: bool = False  # whoever gets in reads about all users and partners


ROWS = {
    # the signature over the body decides, whatever else is sent: tests/component/api/test_webhooks
    "receive_webhook": Row(frozenset()),
    "get_partner_deliveries": Row(PARTNERS),
    "get_own_dead_letters": Row(PARTNERS),
    "post_progress": Row(APPS, OF_USER),
    "get_recommendations": Row(APPS, OF_USER),
    "get_continue_watching": Row(APPS, OF_USER),
    "get_feed": Row(APPS, OF_USER),
    "get_explanation": Row(APPS, OF_USER),
    "get_history": Row(APPS, OF_USER),
    "get_taste": Row(APPS, OF_USER),
    "get_content": Row(APPS),
    "get_similar": Row(APPS),
    "get_content_features": Row(APPS),
    "get_models": Row(APPS),
    "get_trending": Row(APPS),
    # password and code in the body decide: tests/component/api/test_operators
    "post_login": Row(frozenset()),
    "post_recover": Row(frozenset()),
    "get_me": Row(OPERATORS),
    "post_refresh": Row(OPERATORS),
    "post_step_up": Row(OPERATORS),
    "post_logout": Row(OPERATORS),
    "post_logout_everywhere": Row(OPERATORS),
    "post_recovery_codes": Row(FRESH_OPERATORS),
    "get_audit": Row(OPERATORS),
    "get_partners": Row(OPERATORS),
    "get_partner": Row(OPERATORS),
    "post_partner": Row(FRESH_ADMINS),
    "patch_partner": Row(FRESH_ADMINS),
    "post_rotation": Row(FRESH_ADMINS),
    "get_dead_letters": Row(OPERATORS, of_everybody=True),
    "get_dead_letter": Row(OPERATORS, of_everybody=True),
    "post_redrive": Row(FRESH_ADMINS),
    "post_discard": Row(FRESH_ADMINS),
    "get_keys": Row(OPERATORS),
    "post_key": Row(FRESH_ADMINS),
    "post_revocation": Row(FRESH_ADMINS),
    "post_token": Row(frozenset({APP})),
    "get_public_keys": Row(EVERYBODY),
    "post_erasure": Row(FRESH_ADMINS),
    "get_erasure": Row(OPERATORS),
    "get_healthz": Row(EVERYBODY),
    "get_readyz": Row(EVERYBODY),
    "get_metrics": Row(EVERYBODY),
    "get_openapi": Row(EVERYBODY),
}
