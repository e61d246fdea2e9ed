"""Processes of a bench use its broker, whatever is set for others."""

from cli.bench.broker import environment_of_broker
from infra.kafka.cluster import Cluster
from infra.kafka.security import SECURITY_SETTINGS, VARIABLES
from infra.settings import Settings


def test_a_bench_speaks_plain_text_whatever_is_set() -> None:
    given = {VARIABLES[name]: "SSL" for name in SECURITY_SETTINGS}
    given |= {"KAFKA_SASL_PASSWORD_FILE": "absent", "KAFKA_BOOTSTRAP_SERVERS": "theirs:9092"}
    found = Settings.from_env({**given, **environment_of_broker(Cluster("127.0.0.1:9"))})
    assert found == Settings(kafka_bootstrap_servers="127.0.0.1:9")
