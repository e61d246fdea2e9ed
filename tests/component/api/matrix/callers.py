"""Every kind of caller that may stand before an endpoint, and how it shows who it is."""

from dataclasses import dataclass

from infra.security import keys
from tests.component.api.fakes import NOW_MS

OWN_USER, OTHER_USER = "user-1", "user-2"
OWN_PARTNER, OTHER_PARTNER = "acme", "globex"

# What a caller is, as far as an endpoint may care. Several callers may be of one kind.
NOBODY = "nobody"
APP = "an app"
USER = "a user"
PARTNER = "a partner"


@dataclass(frozen=True)
class CallerCase:
    """One caller: its kind, what it is bound to, and whether its credentials count at all."""

    name: str
    kind: str
    key: dict | None = None
    header: str | None = None
    valid: bool = True
    scoped: bool = True
    user: str | None = None
    partner: str | None = None

    def headers(self, world):
        """Return the headers that this caller sends, after its credentials were made known."""
        if self.header is not None:
            return {"Authorization": self.header}
        if self.key is None:
            return {}
        return {"Authorization": f"Bearer {world.database.add_key(**self.key)}"}


def key_case(name, kind, *, valid=True, scoped=True, **fields):
    return CallerCase(
        name, kind, fields, valid=valid, scoped=scoped,
        user=fields.get("user_id"), partner=fields.get("partner"),
    )  # fmt: skip


CALLERS = (
    CallerCase("nobody", NOBODY, valid=False),
    CallerCase("garbage", NOBODY, header="Bearer \x7f garbage", valid=False),
    CallerCase("basic", NOBODY, header="Basic dXNlcjpwYXNz", valid=False),
    CallerCase("unknown-key", NOBODY, header=f"Bearer {keys.create_key().text}", valid=False),
    key_case("app", APP),
    key_case("app-without-scope", APP, scopes=("no:such",), scoped=False),
    key_case("revoked-app", APP, revoked_at_ms=NOW_MS - 1, valid=False),
    key_case("expired-app", APP, expires_at_ms=NOW_MS - 1, valid=False),
    key_case("user", USER, user_id=OWN_USER),
    key_case("other-user", USER, user_id=OTHER_USER),
    key_case("user-without-scope", USER, user_id=OWN_USER, scopes=("no:such",), scoped=False),
    key_case("partner", PARTNER, partner=OWN_PARTNER),
    key_case("other-partner", PARTNER, partner=OTHER_PARTNER),
    key_case(
        "partner-without-scope", PARTNER, partner=OWN_PARTNER, scopes=("no:such",), scoped=False
    ),
)
