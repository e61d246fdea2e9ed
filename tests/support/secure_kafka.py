"""A real broker with every listener that the gateway can speak to; certificates of its own.

The certificate of the broker is for ``localhost``: at ``127.0.0.1`` its name does not fit.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.embedded import kafka as embedded_kafka
from infra.embedded.jars import ensure_jars, read_lock
from infra.embedded.java import find_java
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.process import free_port
from tests.support.certificates import Authority

USER = "gateway"
PASSWORD = "canary-kafka-5f1d09"  # a planted one
PROTOCOLS = {"login": "SASL_SSL", "mutual": "SSL", "bare": "SASL_PLAINTEXT"}
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")

PROPERTIES = """\
listeners=PLAINTEXT://{{host}}:{{port}},CONTROLLER://{{host}}:{{controller_port}},{more}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},{more}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{protocols}
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mutual.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.bare.sasl.enabled.mechanisms=PLAIN
listener.name.login.connections.max.reauth.ms={login_ms}
"""
MODULES = "org.apache.kafka.common.security"
LOGIN = "listener.name.{listener}.{mechanism}.sasl.jaas.config={module} required{users};\n"


@dataclass(frozen=True)
class SecureKafka:
    """The running broker.

    Attributes:
        plain: address of the listener without TLS and login.
        ports: of the other listeners: ``login``, ``mutual``, ``bare``.
        authority: what signed the broker's certificate, and may sign clients'.
        folder: for files of tests.
    """

    plain: str
    ports: dict[str, int]
    authority: Authority
    folder: Path

    def environment(self, listener: str = "login", **changes: str) -> dict[str, str]:
        """Return the settings that are right for a listener, with some changed."""
        right = {
            "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{self.ports[listener]}",
            "KAFKA_SECURITY_PROTOCOL": PROTOCOLS[listener],
        }
        if listener != "bare":
            right["KAFKA_SSL_CA_LOCATION"] = str(self.authority.certificate)
        if listener != "mutual":
            right["KAFKA_SASL_MECHANISM"] = "PLAIN" if listener == "bare" else "SCRAM-SHA-512"
            right["KAFKA_SASL_USERNAME"] = USER
            right["KAFKA_SASL_PASSWORD"] = PASSWORD
        return {**right, **changes}


@contextmanager
def secure_kafka(folder: Path, *, login_ms: int = 0) -> Iterator[SecureKafka]:
    """Start the broker with its users, yield it, stop it.

    Args:
        folder: for its data and its certificates.
        login_ms: the broker closes connections whose login is older, when they are used; 0: never.
    """
    authority = Authority(folder, "authority")
    keystore = folder / "broker.keystore"
    keystore.write_bytes(authority.issue("broker", ["localhost"]).both)
    ports = {name: free_port() for name in PROTOCOLS}
    properties = PROPERTIES.format(
        more=",".join(f"{name.upper()}://localhost:{port}" for name, port in ports.items()),
        protocols=",".join(f"{name.upper()}:{each}" for name, each in PROTOCOLS.items()),
        keystore=keystore,
        truststore=authority.certificate,
        login_ms=login_ms,
    )
    for listener in ("login", "bare"):
        properties += logins(listener)
    with pytest.MonkeyPatch.context() as patch:
        both = embedded_kafka.SERVER_PROPERTIES + properties
        patch.setattr(embedded_kafka, "SERVER_PROPERTIES", both)
        with EmbeddedKafka(folder / "kafka") as kafka:
            add_users(kafka.bootstrap_servers)
            yield SecureKafka(kafka.bootstrap_servers, ports, authority, folder)


def logins(listener: str) -> str:
    """Return who may log in at a listener by PLAIN, and that SCRAM's users are the cluster's."""
    plain = LOGIN.format(
        listener=listener, mechanism="plain", module=f"{MODULES}.plain.PlainLoginModule",
        users=f' user_{USER}="{PASSWORD}"',
    )  # fmt: skip
    return plain + "".join(
        LOGIN.format(
            listener=listener, mechanism=each.lower(), users="",
            module=f"{MODULES}.scram.ScramLoginModule",
        )
        for each in SCRAM
    )  # fmt: skip


def add_users(bootstrap: str) -> None:
    """Let ``USER`` log in by both kinds of SCRAM, with Kafka's own command; one kind a call."""
    jars = ensure_jars(embedded_kafka.CACHE_DIR.expanduser(), read_lock())
    command = [
        str(find_java()), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
        "-cp", ":".join(str(jar) for jar in jars), "kafka.admin.ConfigCommand",
        "--bootstrap-server", bootstrap, "--alter", "--entity-type", "users",
        "--entity-name", USER, "--add-config",
    ]  # fmt: skip
    entries = [f"{each}=[iterations=4096,password={PASSWORD}]" for each in SCRAM]
    running = [
        subprocess.Popen([*command, each], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for each in entries
    ]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(SCRAM), said
