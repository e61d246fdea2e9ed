"""Which connections over a network somebody on the way could read or answer: said at the start."""

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from infra.kafka.cluster import cluster_of
from infra.settings import Settings
from infra.this_machine import is_this_machine

log = logging.getLogger(__name__)

VERIFIED = "verify-full"
PLAIN_SCHEMES = ("redis", "valkey")


def warn_of_unprotected(settings: Settings) -> None:
    """Log one line for each server of the settings that is not protected; none has a secret."""
    for line in unprotected(settings):
        log.warning(line)


def unprotected(settings: Settings) -> Iterator[str]:
    """Yield one sentence for each server that is on a network and not protected."""
    cluster = cluster_of(settings)
    remote = [str(each) for each in cluster.servers if not is_this_machine(each.host)]
    if remote and cluster.security.tls is None:
        yield (
            f"Kafka at {', '.join(remote)} is spoken to in plain text: whoever is on the way can "
            "read and write its records; see KAFKA_SECURITY_PROTOCOL"
        )
    databases = unverified_databases(settings.database_url)
    if databases:
        yield (
            f"Postgres at {', '.join(databases)} is not verified: whoever is on the way can "
            f"pretend to be it; set sslmode={VERIFIED} and sslrootcert in DATABASE_URL"
        )
    limits = plain_limits_server(settings.limits_url)
    if limits:
        yield (
            f"the limits server at {limits} is spoken to in plain text: MEDIA_GATEWAY_LIMITS_URL "
            "can begin with rediss:// or valkeys://"
        )


def plain_limits_server(url: str) -> str:
    """Return the host of a URL on a network without TLS; empty for others, and for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # said by who uses it
    host = parts.hostname or ""
    return host if parts.scheme in PLAIN_SCHEMES and host and not is_this_machine(host) else ""


def unverified_databases(database_url: str) -> list[str]:
    """Return the hosts of a URL on a network whose certificate and name are not checked.

    What the URL leaves open libpq takes from its environment variables (``PGHOST``, ``PGSSLMODE``);
    a host that begins with ``/`` or ``@`` is a socket of this machine.
    """
    if not database_url:
        return []
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val is not None
    }
    try:
        options = {**defaults, **conninfo_to_dict(database_url)}
    except ProgrammingError:
        return []  # said by who uses it
    if options.get("sslmode") == VERIFIED:
        return []
    hosts = str(options.get("host") or options.get("hostaddr") or "").split(",")
    return [host for host in hosts if host and host[0] not in "/@" and not is_this_machine(host)]
