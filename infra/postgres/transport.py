"""Whether what goes to Postgres can be read or answered by somebody on the way."""

import logging

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from infra.this_machine import is_this_machine

log = logging.getLogger(__name__)

VERIFIED = "verify-full"


def unverified_hosts(database_url: str) -> list[str]:
    """Return the hosts of a URL on a network whose certificate and name are not checked.

    What the URL leaves open libpq takes from its environment variables (``PGHOST``, ``PGSSLMODE``);
    a host that begins with ``/`` or ``@`` is a socket of this machine.
    """
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val is not None
    }
    options = {**defaults, **conninfo_to_dict(database_url)}
    if options.get("sslmode") == VERIFIED:
        return []
    hosts = str(options.get("host") or options.get("hostaddr") or "").split(",")
    return [host for host in hosts if host and host[0] not in "/@" and not is_this_machine(host)]


def warn_of_unverified(database_url: str) -> None:
    """Say in the log that the database is not verified, if it is not."""
    hosts = unverified_hosts(database_url)
    if hosts:
        log.warning(
            "Postgres at %s is not verified: whoever is on the way can pretend to be it; set "
            "sslmode=%s and sslrootcert in DATABASE_URL",
            ", ".join(hosts),
            VERIFIED,
        )
