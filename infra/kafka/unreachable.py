"""Why no client can be started: one sentence that says what to mend.

aiokafka only says that it could not bootstrap. So each server is asked once more, by one
connection and one request, and what came of that is put into words.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka.conn import create_conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from infra.kafka.security import Security

ASK_S = 3.0
CLOSED = (KafkaConnectionError, ConnectionResetError, BrokenPipeError, EOFError)


class Server(NamedTuple):
    """One bootstrap server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class KafkaUnreachable(KafkaConnectionError):  # type: ignore[misc]
    """No bootstrap server takes this client; the message says why, without a secret."""

    def __str__(self) -> str:
        return str(self.args[0])


async def ask_why(servers: Sequence[Server], security: Security, keywords: dict[str, Any]) -> str:
    """Return why none of ``servers`` takes a client: the distinct reasons, within ``ASK_S``.

    Args:
        servers: the bootstrap servers.
        security: how they are spoken to, for the words.
        keywords: the same, as aiokafka wants it.
    """
    reasons = await asyncio.gather(*(_ask(each, security, keywords) for each in servers))
    return "; ".join(dict.fromkeys(reasons))


async def _ask(server: Server, security: Security, keywords: dict[str, Any]) -> str:
    connection = None
    try:
        async with asyncio.timeout(ASK_S):
            connection = await create_conn(server.host, server.port, **keywords)
            await connection.send(MetadataRequest([]))
    except (OSError, KafkaError) as error:
        return reason(server, security, error)
    finally:
        if connection is not None:
            connection.close()
    return f"Kafka at {server} answers now, but did not a moment ago"


def reason(server: Server, security: Security, error: BaseException) -> str:
    """Return what an error of a connection means."""
    cause = innermost(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate of Kafka at {server} is not trusted: {cause.verify_message} "
            f"(authorities of {security.authorities})"
        )
    if isinstance(cause, ssl.SSLError):
        return _why_no_tls(server, security, (cause.reason or str(cause)).lower())
    if isinstance(cause, SaslAuthenticationFailed) and security.login is not None:
        login = security.login
        return (
            f"Kafka at {server} refuses the login of {login.username!r} by {login.mechanism}: "
            "user name or password is wrong"
        )
    if isinstance(cause, UnsupportedSaslMechanismError) and security.login is not None:
        return f"Kafka at {server} does not take logins by {security.login.mechanism}"
    if isinstance(cause, TimeoutError):
        return f"no Kafka answers at {server} within {ASK_S:g} s"
    if isinstance(cause, CLOSED):
        return (
            f"Kafka at {server} closes the connection: does it speak {security.protocol} there? "
            "See KAFKA_SECURITY_PROTOCOL"
        )
    text = cause.strerror if isinstance(cause, OSError) else None
    return f"no Kafka answers at {server}: {text or cause}"


def _why_no_tls(server: Server, security: Security, text: str) -> str:
    """Return what TLS broke off with; an alert is what the server says."""
    if "alert" not in text or not any(word in text for word in ("certificate", "unknown_ca")):
        return f"no TLS with Kafka at {server}: {text}"
    if security.certificate:
        return f"Kafka at {server} refuses the certificate {security.certificate}: {text}"
    return f"Kafka at {server} wants a certificate: set KAFKA_SSL_CERTIFICATE_LOCATION ({text})"


def innermost(error: BaseException) -> BaseException:
    """Return the error that the others come from."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
