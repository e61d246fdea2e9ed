"""How Faust is told to speak to Kafka: what ``infra.kafka.security`` decided, in Faust's words."""

import faust

from infra.kafka.cluster import Cluster


def broker_urls(cluster: Cluster) -> str:
    """Return the bootstrap servers as Faust wants them."""
    return ";".join(f"kafka://{address}" for address in cluster.addresses)


def credentials_of(cluster: Cluster) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """Return Faust's credentials; None for plain text without a login.

    Faust derives the protocol: SASL with a TLS context is SASL_SSL, without one SASL_PLAINTEXT.
    """
    security = cluster.security
    if security.login is not None:
        return faust.SASLCredentials(
            username=security.login.username,
            password=security.login.password,
            mechanism=security.login.mechanism,
            ssl_context=security.tls,
        )
    return None if security.tls is None else faust.SSLCredentials(security.tls)
