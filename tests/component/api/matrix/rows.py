"""Who may call each endpoint, written by hand: the declarations in api.routes are not trusted here.

``allowed`` are kinds of callers with valid credentials that have the scope. ``subject`` says whose
data the request is about; ``of_user`` and ``of_partner`` are the owner that the request names.
"""

from dataclasses import dataclass

from tests.component.api.matrix.callers import APP, NOBODY, PARTNER, USER

EVERYBODY = frozenset({NOBODY, APP, USER, PARTNER})
APPS = frozenset({APP, USER})
PARTNERS = frozenset({PARTNER})
NO_SUBJECT, OF_USER, OF_PARTNER = "nobody's", "a user's", "a partner's"


@dataclass(frozen=True)
class Row:
    """What is right for one endpoint."""

    allowed: frozenset[str]
    subject: str = NO_SUBJECT


ROWS = {
    # the signature over the body decides, whatever else is sent: tests/component/api/test_webhooks
    "receive_webhook": Row(frozenset()),
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
    "get_healthz": Row(EVERYBODY),
    "get_readyz": Row(EVERYBODY),
    "get_metrics": Row(EVERYBODY),
    "get_openapi": Row(EVERYBODY),
}
