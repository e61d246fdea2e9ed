"""Who calls."""

from dataclasses import dataclass

from api.problems import FORBIDDEN, ProblemError

USER = "user:"  # begins the subject of who sent a token


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

    @property
    def issued_by(self) -> str | None:
        """The API key that got the token that was sent; None where no token of ours was sent."""
        return self.key_id if self.subject.startswith(USER) else None

    def require_user(self, user_id: str) -> None:
        """Refuse a user that these credentials are not bound to."""
        if self.user_id is not None and self.user_id != user_id:
            raise ProblemError(FORBIDDEN, "these credentials belong to another user")
