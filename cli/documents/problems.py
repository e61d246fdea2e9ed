"""Kinds of problems -> the page that says what a caller does about each."""

from api.contract.answers import kinds_of
from api.problems import KINDS, TYPE_PREFIX, Kind
from api.routes import ENDPOINTS
from cli.documents.markdown import code, page, table

HEAD = (
    "Every error of the HTTP API is a problem document (RFC 9457, `application/problem+json`). "
    "Programs decide by `type`, which never changes its meaning, or by the status alone; `title` "
    "and `detail` are for people. `instance` names the request: the log of the API has more under "
    "it. A 503 says in `Retry-After` how many seconds to wait."
)


def problems_page() -> str:
    """Return ``docs/generated/problems.md``."""
    rows = [
        [str(kind.status), code(kind.type), kind.title, kind.advice, operations_of(kind)]
        for kind in sorted(KINDS, key=lambda kind: (kind.status, kind.slug))
    ]
    return page(
        "Problems",
        HEAD,
        table(("Status", "Type", "Title", "What to do", "Operations"), rows),
        f"All types begin with `{TYPE_PREFIX}`. The table is made from `api/problems.py`.",
    )


def operations_of(kind: Kind) -> str:
    """Return which operations may answer with a kind; paths without operations answer 404, 405."""
    names = [endpoint.name for endpoint in ENDPOINTS if kind in kinds_of(endpoint)]
    if len(names) == len(ENDPOINTS):
        return "all"
    return ", ".join(code(name) for name in names) or "none: paths and methods there are not"
