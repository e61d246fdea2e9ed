"""Who calls."""

from dataclasses import dataclass

from api.problems import FORBIDDEN, ProblemError


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: an app that speaks for any of its users, one user of an app, or one partner.

    ``subject`` names the caller for limits and records; ``tier`` says how often it may call;
    ``key_id`` is the API key that was sent, or that got the token that was sent.
    """

    subject: str
    scopes: frozenset[str]
    tier: str
    user_id: str | None = None
    partner: str | None = None
    key_id: str | None = None

    def require_user(self, user_id: str) -> None:
        """Refuse a user that these credentials are not bound to."""
        if self.user_id is not None and self.user_id != user_id:
            raise ProblemError(FORBIDDEN, "these credentials belong to another user")
