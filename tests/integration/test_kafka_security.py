"""TLS and logins, against a real broker that has both: one broker for all of this module."""

import asyncio
import logging
from contextlib import ExitStack
from functools import partial

import pytest
from click.testing import CliRunner

from agents.registry import changelogs
from cli.main import main
from infra.embedded.errors import EmbeddedError
from infra.kafka.admin import list_topics
from infra.kafka.cluster import cluster_of
from infra.kafka.producer import EventProducer, KafkaUnavailable
from infra.kafka.quiet import LOGGER
from infra.settings import Settings
from schemas.codec import decode
from schemas.progress import ProgressEvent
from schemas.watch_state import WatchState
from tests.support.certificates import Authority
from tests.support.kafka_io import latest, read_topic
from tests.support.secure_kafka import PASSWORD, USER, secure_kafka
from tests.support.services import skip_or_fail
from tests.support.waiting import wait_until_async
from tests.support.worker_process import WorkerProcess
from topics.catalog import PROGRESS, WATCH_STATES

NOW_MS = 1_760_000_000_000
WRONG = "wrong-4e7c"
LOGIN_MS = 5000  # clients live through the end of their logins: they do not renew them
AGENTS = "watch-states,co-watch"  # a Faust consumer with its table; a reader without a group


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with ExitStack() as stack:
        try:
            made = stack.enter_context(
                secure_kafka(tmp_path_factory.mktemp("kafka"), login_ms=LOGIN_MS)
            )
        except EmbeddedError as problem:
            skip_or_fail(f"Kafka: {problem}\nfix it with `make setup`")
        yield made


@pytest.fixture(scope="module")
def other(broker):
    return Authority(broker.folder / "other", "other")


def client_pair(authority, name, **options):
    """Return the settings of a client's certificate that an authority signs."""
    pair = authority.issue(name, **options)
    return {
        "KAFKA_SSL_CERTIFICATE_LOCATION": str(pair.certificate),
        "KAFKA_SSL_KEY_LOCATION": str(pair.key),
    }


def command(environment, *arguments):
    """Run a command of the gateway in this process."""
    return CliRunner(env=environment).invoke(main, [*arguments, "--data-dir", "absent"])


def event(number):
    return ProgressEvent(
        event_id=f"event-{number}", user_id="user-1", content_id="m1", session_id="session-1",
        device_id="device-1", state="playing", occurred_at_ms=NOW_MS + number * 60_000,
        position_s=60.0 * number, duration_s=600.0,
        played_from_s=60.0 * (number - 1), played_to_s=60.0 * number,
    )  # fmt: skip


async def test_events_flow_through_the_producer_of_the_api_and_a_worker(broker, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    environment = broker.environment(KAFKA_SASL_PASSWORD="")
    environment |= {"KAFKA_SASL_PASSWORD_FILE": str(password), "MEDIA_GATEWAY_LOG_LEVEL": "DEBUG"}
    applied = await asyncio.to_thread(command, environment, "topics", "apply")
    assert applied.exit_code == 0, applied.output
    assert f"created {changelogs('')[0][0]}" in applied.output

    producer = EventProducer(
        cluster_of(Settings.from_env(environment)), timeout_ms=20_000, linger_ms=1
    )
    await producer.start()
    assert await producer.is_ready()
    await producer.send_many(PROGRESS, [event(number) for number in range(1, 8)])

    async def is_watched(seconds):
        rows = latest(await read_topic(broker.plain, WATCH_STATES.name, WATCH_STATES.partitions))
        return [decode(WatchState, value).watched_s for value in rows.values()] == [seconds]

    output = ""
    for number in (8, 9):  # the second worker restores the table
        worker = WorkerProcess("cli.main", ["worker", "--agents", AGENTS], environment, tmp_path)
        try:
            await asyncio.to_thread(worker.wait_ready, 120)
            await producer.send(PROGRESS, event(number))
            await wait_until_async(partial(is_watched, 60.0 * number), 60, "the watch state")
            assert await asyncio.to_thread(worker.terminate) == 0
        finally:
            worker.end()
        output += worker.output()
    await producer.stop()
    assert "plain text" not in output
    assert PASSWORD not in output


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("login", {"KAFKA_SASL_MECHANISM": "PLAIN"}),
        ("login", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}),
        ("bare", {}),
        ("mutual", {"KAFKA_SSL_KEY_PASSWORD": "opens-it"}),
    ],
)
def test_every_way_in(broker, listener, changes):
    if listener == "mutual":
        changes = changes | client_pair(broker.authority, "client", password=b"opens-it")
    listed = command(broker.environment(listener, **changes), "topics", "list")
    assert listed.exit_code == 0, listed.output


REFUSED = {
    "wrong password": ("login", {"KAFKA_SASL_PASSWORD": WRONG}, "refuses the login of 'gateway'"),
    "unknown user": ("login", {"KAFKA_SASL_USERNAME": "who"}, "refuses the login of 'who'"),
    "wrong mechanism": (
        "bare", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}, "does not take logins by SCRAM-SHA-512",
    ),
    "authorities of the machine": (
        "login", {"KAFKA_SSL_CA_LOCATION": ""}, "not trusted: unable to get local issuer",
    ),
    "another name": (
        "login", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:{login}"}, "not valid for '127.0.0.1'",
    ),
    "no certificate": ("mutual", {}, "wants a certificate: set KAFKA_SSL_CERTIFICATE_LOCATION"),
    "no login": ("mutual", {"KAFKA_BOOTSTRAP_SERVERS": "localhost:{login}"}, "does it speak SSL"),
    "plain text to TLS": (
        "login",
        {"KAFKA_SECURITY_PROTOCOL": "", "KAFKA_SSL_CA_LOCATION": "", "KAFKA_SASL_MECHANISM": "",
         "KAFKA_SASL_USERNAME": "", "KAFKA_SASL_PASSWORD": ""},
        "does it speak PLAINTEXT",
    ),
    "TLS to plain text": (
        "login", {"KAFKA_BOOTSTRAP_SERVERS": "localhost:{plain}"}, "does it speak SASL_SSL",
    ),
    "nobody there": ("login", {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"}, "no Kafka answers"),
    "no such host": ("login", {"KAFKA_BOOTSTRAP_SERVERS": "no.invalid:1"}, "not known"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_one_sentence_and_an_exit_code(broker, name):
    listener, changes, words = REFUSED[name]
    ports = {**broker.ports, "plain": broker.plain.rpartition(":")[2]}
    changes = {key: value.format(**ports) for key, value in changes.items()}
    refused = command(broker.environment(listener, **changes), "topics", "list")
    assert_one_sentence(refused, words)


def test_certificates_of_another_authority_are_refused_on_both_sides(broker, other):
    trusting = broker.environment(KAFKA_SSL_CA_LOCATION=str(other.certificate))
    assert_one_sentence(command(trusting, "topics", "list"), "is not trusted")
    ours = broker.environment("mutual", **client_pair(other, "stranger"))
    assert_one_sentence(command(ours, "topics", "list"), "refuses the certificate")
    late = broker.environment("mutual", **client_pair(broker.authority, "late", age_days=30))
    assert_one_sentence(command(late, "topics", "list"), "refuses the certificate")


def assert_one_sentence(refused, words):
    assert refused.exit_code == 1
    assert words in refused.output
    assert refused.output.startswith("Error: ")
    assert len(refused.output.splitlines()) == 1
    assert WRONG not in refused.output
    assert PASSWORD not in refused.output


def test_a_worker_that_may_not_log_in_ends_and_says_why(broker, tmp_path):
    environment = broker.environment(KAFKA_SASL_PASSWORD=WRONG, MEDIA_GATEWAY_LOG_LEVEL="DEBUG")
    worker = WorkerProcess("cli.main", ["worker", "--agents", AGENTS], environment, tmp_path)
    try:
        assert worker.wait_end(120) == 1
    finally:
        worker.end()
    assert f"refuses the login of '{USER}'" in worker.output().splitlines()[-1]
    assert "Traceback" not in worker.output()
    assert WRONG not in worker.output()


async def test_the_producer_of_the_api_says_why_once_and_goes_on_trying(broker, caplog):
    environment = broker.environment(KAFKA_SASL_PASSWORD=WRONG)
    producer = EventProducer(
        cluster_of(Settings.from_env(environment)), timeout_ms=5000, linger_ms=1
    )
    caplog.set_level(logging.WARNING, "infra.kafka.producer")

    def lines():
        return [each for each in caplog.records if each.name == "infra.kafka.producer"]

    async def said():
        return lines()

    await producer.start(0)
    await wait_until_async(said, 30, "a line in the log")
    with pytest.raises(KafkaUnavailable):
        await producer.send(PROGRESS, event(1))
    assert not await producer.is_ready()
    await producer.stop()
    assert "refuses the login" in lines()[0].getMessage()
    assert len(lines()) == 1


async def test_a_login_is_not_in_the_log_at_debug(broker, caplog):
    caplog.set_level(logging.DEBUG, "aiokafka")
    await list_topics(cluster_of(Settings.from_env(broker.environment())))
    assert "sasl_auth_bytes" not in caplog.text
    plain = broker.environment(KAFKA_SASL_MECHANISM="PLAIN")
    cluster = cluster_of(Settings.from_env(plain))
    await list_topics(cluster)
    assert "ApiVersion" in caplog.text  # so requests are logged
    assert PASSWORD not in caplog.text
    [hidden] = logging.getLogger(LOGGER).filters
    logging.getLogger(LOGGER).removeFilter(hidden)
    try:
        await list_topics(cluster)
        assert PASSWORD in caplog.text  # what the filter is for
    finally:
        logging.getLogger(LOGGER).addFilter(hidden)
