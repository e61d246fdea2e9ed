"""The embedded Kafka: starts, keeps its data, says clearly why it cannot."""

import itertools
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from infra.embedded.errors import KafkaStartError
from infra.embedded.kafka import EmbeddedKafka, other_port
from infra.embedded.process import LOOPBACK, PORT_RETRIES, free_port

TOPIC = "kept"


async def create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 2, 1)])
    finally:
        await admin.close()


async def produce(bootstrap: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value, partition=0)


async def read(bootstrap: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]


async def test_data_survives_restart_and_kill(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        await create_topic(kafka.bootstrap_servers)
        await produce(kafka.bootstrap_servers, [b"one", b"two"])
    cluster_id = (tmp_path / "cluster-id").read_text()

    kafka = EmbeddedKafka(tmp_path)
    bootstrap = kafka.start()
    assert await read(bootstrap, 2) == [b"one", b"two"]
    await produce(bootstrap, [b"three"])
    os.kill(kafka.pid, signal.SIGKILL)
    kafka.stop()

    with EmbeddedKafka(tmp_path) as kafka:
        assert await read(kafka.bootstrap_servers, 3) == [b"one", b"two", b"three"]
    assert (tmp_path / "cluster-id").read_text() == cluster_id


def test_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(KafkaStartError, match=f"^port {port} is in use"):
            EmbeddedKafka(tmp_path, port=port).start()


def test_second_broker_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path), pytest.raises(KafkaStartError, match="another broker uses"):
        EmbeddedKafka(tmp_path).start()


def test_broker_that_dies_while_starting_shows_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(KafkaStartError, match="ended with code 1 while starting") as caught:
        EmbeddedKafka(tmp_path, heap_mb=0).start()  # the JVM refuses a heap of nothing it can use
    assert caught.value.log_lines


def test_stop_ends_the_process_in_order(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path)
    kafka.start()
    assert kafka.stop(timeout_s=10)
    with pytest.raises(ProcessLookupError):
        os.kill(kafka.pid, 0)


def first_then_free(port: int) -> Callable[[], int]:
    """A chooser that is wrong about its first port, as if it was taken a moment later."""
    ports = itertools.chain([port], iter(free_port, None))
    return lambda: next(ports)


def test_chosen_port_that_another_broker_takes_is_replaced(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "other", heap_mb=256) as other:
        theirs = other.bootstrap_servers
        choose = first_then_free(int(theirs.rpartition(":")[2]))
        with EmbeddedKafka(tmp_path / "ours", heap_mb=256, choose_port=choose) as ours:
            assert ours.bootstrap_servers != theirs
            assert ours.child is not None
            assert ours.child.running()


def test_a_free_port_that_is_chosen_twice_is_chosen_again() -> None:
    ports = iter([5, 5, 7])
    assert other_port(5, lambda: next(ports)) == 7


def test_chosen_controller_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server((LOOPBACK, 0)) as taken:
        choose = first_then_free(taken.getsockname()[1])  # the broker's port is requested
        with EmbeddedKafka(tmp_path, port=port, choose_port=choose) as kafka:
            assert kafka.bootstrap_servers == f"{LOOPBACK}:{port}"


def test_start_gives_up_after_three_replaced_ports(tmp_path: Path) -> None:
    asked: list[int] = []
    with socket.create_server((LOOPBACK, 0)) as taken:

        def choose() -> int:
            asked.append(taken.getsockname()[1])
            return asked[-1]

        port = free_port()  # so that only the controller's port is chosen, once a try
        kafka = EmbeddedKafka(tmp_path, port=port, choose_port=choose)
        with pytest.raises(KafkaStartError, match="keep taking the free ports"):
            kafka.start()
    assert len(asked) == 1 + PORT_RETRIES


def test_requested_port_taken_while_starting_is_said_and_not_replaced(tmp_path: Path) -> None:
    port = free_port()
    held: list[socket.socket] = []

    def choose() -> int:  # asked after the check of the requested port, before the broker binds
        if not held:
            held.append(socket.create_server((LOOPBACK, port)))
        return free_port()

    with pytest.raises(KafkaStartError, match="a port it was given is in use"):
        EmbeddedKafka(tmp_path, port=port, choose_port=choose).start()
    held[0].close()
