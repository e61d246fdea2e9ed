"""Every kind of caller that may stand before an endpoint, and how it shows who it is."""

from dataclasses import dataclass

from infra.security import keys
from infra.security.operator_secrets import create_token, hash_token
from tests.component.api.fakes import NOW_MS

OWN_USER, OTHER_USER = "user-1", "user-2"
HOUR_S = 3600
OWN_PARTNER, OTHER_PARTNER = "acme", "globex"

# What a caller is, as far as an endpoint may care. Several callers may be of one kind.
NOBODY = "nobody"
APP = "an app"
USER = "a user"
PARTNER = "a partner"
VIEWER = "an operator who may read"
STALE_VIEWER = "an operator who may read, whose last code is old"
ADMIN = "an administrator"
STALE_ADMIN = "an administrator whose last code is old"


@dataclass(frozen=True)
class CallerCase:
    """One caller: its kind, what it is bound to, and whether its credentials count at all."""

    name: str
    kind: str
    key: dict | None = None
    session: dict | None = None
    header: str | None = None
    valid: bool = True
    scoped: bool = True
    user: str | None = None
    partner: str | None = None

    def headers(self, world):
        """Return the headers that this caller sends, after its credentials were made known."""
        if self.header is not None:
            return {"Authorization": self.header}
        if self.key is not None:
            return {"Authorization": f"Bearer {world.database.add_key(**self.key)}"}
        if self.session is not None:
            return {"Authorization": f"Bearer {session_token(world, **self.session)}"}
        return {}


def session_token(world, *, role, code_age_s=0, age_s=0, disabled=False):
    """Return the token of a new session of a new operator."""
    operator = world.people.add("olga", role, disabled=disabled)
    started_at_ms = NOW_MS - age_s * 1000
    token = create_token()
    code_at_ms = NOW_MS - code_age_s * 1000
    world.people.open(operator.operator_id, hash_token(token), started_at_ms, code_at_ms)
    return token


def operator_case(name, kind, *, valid=True, **session):
    return CallerCase(name, kind, session=session, valid=valid)


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
    operator_case("viewer", VIEWER, role="viewer"),
    operator_case("stale-viewer", STALE_VIEWER, role="viewer", code_age_s=HOUR_S),
    operator_case("admin", ADMIN, role="admin"),
    operator_case("stale-admin", STALE_ADMIN, role="admin", code_age_s=HOUR_S),
    operator_case("disabled-admin", ADMIN, role="admin", disabled=True, valid=False),
    operator_case("ended-admin", ADMIN, role="admin", age_s=24 * HOUR_S, valid=False),
    CallerCase("unknown-session", NOBODY, header=f"Bearer {create_token()}", valid=False),
)
