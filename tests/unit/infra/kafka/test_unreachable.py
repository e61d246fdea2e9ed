"""Why a server does not take a client, in words; servers here are sockets, no Kafka."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from infra.kafka.cluster import Cluster, cluster_of, why_unreachable
from infra.kafka.security import Login, Security
from infra.kafka.unreachable import Server, innermost, reason
from infra.settings import Settings
from tests.support.certificates import Authority

AT = Server("localhost", 9093)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@asynccontextmanager
async def closing_server(pair=None):
    """A server that closes each connection; with a pair it speaks TLS before."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)

    async def close(reader, writer):
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=context) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def with_tls(address, authority):
    return cluster_of(
        Settings(
            kafka_bootstrap_servers=address,
            kafka_security_protocol="SSL",
            kafka_ssl_ca_location=str(authority.certificate),
        )
    )


async def test_an_expired_certificate_is_said(authority):
    async with closing_server(authority.issue("late", ["127.0.0.1"], age_days=30)) as address:
        assert "is not trusted: certificate has expired" in await why_unreachable(
            with_tls(address, authority)
        )


async def test_a_server_that_closes_is_asked_whether_it_speaks_that(authority):
    async with closing_server(authority.issue("good", ["127.0.0.1"])) as address:
        assert "does it speak SSL there?" in await why_unreachable(with_tls(address, authority))
    async with closing_server() as address:
        assert "does it speak PLAINTEXT there?" in await why_unreachable(Cluster(address))


async def test_each_server_has_its_reason_once():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nobody listens
        dead = f"127.0.0.1:{bound.getsockname()[1]}"
        async with closing_server() as address:
            said = await why_unreachable(Cluster(f"{dead},{address},{dead}"))
    first, second = said.split("; ")
    assert first.startswith(f"no Kafka answers at {dead}: ")
    assert second.startswith(f"Kafka at {address} closes the connection")


def test_a_server_that_says_nothing_has_a_time():
    assert reason(AT, Security(), TimeoutError()) == (
        "no Kafka answers at localhost:9093 within 3 s"
    )


def test_a_refused_login_names_the_user_and_not_the_password():
    security = Security("SASL_SSL", login=Login("PLAIN", "gateway", "hunter2"))
    said = reason(AT, security, SaslAuthenticationFailed("no"))
    assert "refuses the login of 'gateway' by PLAIN" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("alert", "certificate", "words"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "", "wants a certificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "ours.pem", "refuses the certificate ours.pem"),
        ("TLSV1_ALERT_UNKNOWN_CA", "ours.pem", "refuses the certificate ours.pem"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "ours.pem", "no TLS with Kafka"),
        ("WRONG_VERSION_NUMBER", "", "no TLS with Kafka"),
    ],
)
def test_what_tls_says_about_certificates(alert, certificate, words):
    error = ssl.SSLError(1, alert)
    error.reason = alert
    assert words in reason(AT, Security("SSL", certificate=certificate), error)


def test_the_error_that_others_come_from_counts():
    outer = KafkaConnectionError("closed")
    outer.__cause__ = cause = ssl.SSLError(1, "no")
    assert innermost(outer) is cause
    assert innermost(cause) is cause
