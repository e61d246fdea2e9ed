"""A Kafka cluster and the clients to it: where it is, how it is spoken to, why it cannot be.

    async with open_producer(cluster_of(settings), acks="all") as producer: ...

Every client of aiokafka is made here; ``agents.runtime.credentials`` says the same to Faust.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts
from aiokafka.errors import KafkaConnectionError

from infra.kafka.quiet import hide_logins
from infra.kafka.security import Security, security_of
from infra.kafka.unreachable import KafkaUnreachable, Server, ask_why
from infra.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is and how it is spoken to.

    Attributes:
        bootstrap_servers: comma-separated ``host:port``.
        security: TLS and login.
    """

    bootstrap_servers: str
    security: Security = field(default_factory=Security)

    @property
    def addresses(self) -> list[str]:
        """The bootstrap servers as ``host:port``, in the order given."""
        return [each for item in self.bootstrap_servers.split(",") if (each := item.strip())]

    @property
    def servers(self) -> list[Server]:
        """The bootstrap servers as host and port.

        Raises:
            SettingsError: one is not ``host:port``.
        """
        return servers_of(self.addresses)

    def keywords(self) -> dict[str, Any]:
        """Return the arguments of every aiokafka client that concern this cluster."""
        return {"bootstrap_servers": self.addresses, **self.connection_keywords()}

    def connection_keywords(self) -> dict[str, Any]:
        """Return the arguments of one connection, whatever its address."""
        security = self.security
        keywords = {"security_protocol": security.protocol, "ssl_context": security.tls}
        if security.login is None:
            return keywords
        return keywords | {
            "sasl_mechanism": security.login.mechanism,
            "sasl_plain_username": security.login.username,
            "sasl_plain_password": security.login.password,
        }


@lru_cache(maxsize=4)
def cluster_of(settings: Settings) -> Cluster:
    """Return the cluster that is set; its files are read once, all clients speak alike.

    Raises:
        SettingsError: the settings do not fit together, see ``security_of``.
    """
    cluster = Cluster(settings.kafka_bootstrap_servers)
    hosts = [server.host for server in cluster.servers]
    security = security_of(settings, hosts)
    if security.login is not None:
        hide_logins()
    return Cluster(settings.kafka_bootstrap_servers, security)


def servers_of(addresses: list[str]) -> list[Server]:
    """Return host and port of each address.

    Raises:
        SettingsError: one is not ``host:port``.
    """
    try:
        return [Server(host, port) for host, port, _ in collect_hosts(addresses, randomize=False)]
    except (ValueError, IndexError):
        raise SettingsError(
            f"KAFKA_BOOTSTRAP_SERVERS={','.join(addresses)!r}: expected host:port, several "
            "separated by commas"
        ) from None


def new_producer(cluster: Cluster, **options: Any) -> AIOKafkaProducer:
    """Return a producer that is not started; see ``start``."""
    return AIOKafkaProducer(**cluster.keywords(), **options)


def new_consumer(cluster: Cluster, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer that is not started; see ``start``."""
    return AIOKafkaConsumer(*topics, **cluster.keywords(), **options)


async def why_unreachable(cluster: Cluster) -> str:
    """Return why no client can be started; asked of the servers, within a few seconds."""
    return await ask_why(cluster.servers, cluster.security, cluster.connection_keywords())


async def start(client: Any, cluster: Cluster) -> None:
    """Start a client.

    Raises:
        KafkaUnreachable: no server takes it; the message says why. The client is closed.
    """
    try:
        await client.start()
    except KafkaConnectionError as error:
        await _close(client)
        raise KafkaUnreachable(await why_unreachable(cluster)) from error
    except BaseException:
        await _close(client)
        raise


async def _close(client: Any) -> None:
    await (client.close if isinstance(client, AIOKafkaAdminClient) else client.stop)()


@asynccontextmanager
async def open_producer(cluster: Cluster, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Open a producer; leaving sends what is buffered.

    Raises:
        KafkaUnreachable: see ``start``.
    """
    producer = new_producer(cluster, **options)
    await start(producer, cluster)
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_consumer(
    cluster: Cluster, *topics: str, **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer.

    Raises:
        KafkaUnreachable: see ``start``.
    """
    consumer = new_consumer(cluster, *topics, **options)
    await start(consumer, cluster)
    try:
        yield consumer
    finally:
        await consumer.stop()


async def started_admin(cluster: Cluster, **options: Any) -> AIOKafkaAdminClient:
    """Return an admin client that is started and must be closed.

    Raises:
        KafkaUnreachable: see ``start``.
    """
    client = AIOKafkaAdminClient(**cluster.keywords(), **options)
    await start(client, cluster)
    return client
