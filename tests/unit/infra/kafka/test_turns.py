"""Small calls that travel together: what each gets, and what the producer learns of them."""

import asyncio
import gc
import weakref
from typing import NamedTuple

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from infra.kafka.delivery import Encoded, Produced
from infra.kafka.turns import Turn

NO_ROOM = 7  # of this partition the client takes nothing


class Place(NamedTuple):
    partition: int
    offset: int


class FakeClient:
    """Takes records; a test says when they are acknowledged."""

    def __init__(self):
        self.sent = []
        self.tasks = set()

    async def send(self, topic, value, key, partition):
        self.tasks.add(asyncio.current_task())
        if partition == NO_ROOM:
            await asyncio.Event().wait()
        if value == b"too large":
            raise MessageSizeTooLargeError
        acknowledgement = asyncio.get_running_loop().create_future()
        self.sent.append((topic, partition, value, acknowledgement))
        return acknowledgement

    def acknowledge(self, *numbers):
        for number in numbers or range(len(self.sent)):
            _, partition, _, acknowledgement = self.sent[number]
            if not acknowledgement.done():
                acknowledgement.set_result(Place(partition, number))


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def settled():
    return []


def turn_of(client, settled, timeout_s=60.0):
    def on_settled(client, topic, records, size, error):
        settled.append((topic, records, size, type(error)))

    return Turn(client, timeout_s, on_settled)


def join(turn, *records, topic="t"):
    encoded = [Encoded(partition, b"k", value) for partition, value in records]
    return turn.join(topic, encoded, sum(len(each.value) for each in encoded))


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_calls_of_one_turn_depart_in_order_by_one_task_a_partition(client, settled):
    turn = turn_of(client, settled)
    first, second = join(turn, (0, b"a"), (1, b"b"), (0, b"c")), join(turn, (0, b"d"))
    assert not client.sent
    await turns()
    assert turn.departed
    assert [value for _, partition, value, _ in client.sent if partition == 0] == [b"a", b"c", b"d"]
    assert len(client.tasks) == 2
    client.acknowledge()
    places = {
        value: Produced(partition, n) for n, (_, partition, value, _) in enumerate(client.sent)
    }
    assert await first == [places[b"a"], places[b"b"], places[b"c"]]
    assert await second == [places[b"d"]]
    assert sorted(settled, key=str) == [("t", 1, 1, type(None)), ("t", 3, 3, type(None))]


async def test_a_call_need_not_wait_for_the_acknowledgements_of_another(client, settled):
    turn = turn_of(client, settled)
    waits, done = join(turn, (0, b"a")), join(turn, (1, b"b"))
    await turns()
    client.acknowledge(1)
    assert await done == [Produced(1, 1)]
    assert not waits.done()
    client.acknowledge(0)
    await waits


async def test_a_partition_without_room_does_not_keep_the_others(client, settled):
    turn = turn_of(client, settled, timeout_s=0.01)
    stuck, free = join(turn, (NO_ROOM, b"a")), join(turn, (1, b"b"))
    await turns()
    client.acknowledge()
    assert await free == [Produced(1, 0)]
    with pytest.raises(TimeoutError):
        await stuck
    assert settled == [("t", 1, 1, type(None))]  # the other is still on its way


async def test_what_fails_belongs_to_its_call(client, settled):
    turn = turn_of(client, settled)
    refused, fails, good = (
        join(turn, (0, b"too large"), (0, b"x")), join(turn, (0, b"a")), join(turn, (0, b"b")),
    )  # fmt: skip
    await turns()
    client.sent[1][3].set_exception(KafkaError("away"))
    client.acknowledge(0, 2)
    assert await good == [Produced(0, 2)]
    with pytest.raises(MessageSizeTooLargeError):
        await refused
    with pytest.raises(KafkaError, match="away"):
        await fails
    assert set(settled) == {
        ("t", 2, 10, MessageSizeTooLargeError), ("t", 1, 1, KafkaError), ("t", 1, 1, type(None)),
    }  # fmt: skip


async def test_who_gives_up_is_still_counted_until_the_records_are_settled(client, settled):
    turn = turn_of(client, settled, timeout_s=0.0)
    call, gone = join(turn, (0, b"a")), join(turn, (0, b"b"))
    gone.cancel()
    with pytest.raises(TimeoutError):
        await call
    await turns()
    assert settled == []
    client.acknowledge(0)
    client.sent[1][3].cancel()  # a client that is closed forgets what it had
    await turns()
    assert settled == [("t", 1, 1, type(None)), ("t", 1, 1, KafkaError)]


async def test_a_turn_that_is_over_is_gone_without_the_collector(client, settled):
    gc.disable()
    try:
        turn = turn_of(client, settled)
        result = join(turn, (0, b"a"), (1, b"b"))
        await turns()
        client.acknowledge()
        await result
        await turns()
        gone = weakref.ref(turn)
        del turn
        client.sent.clear()
        client.tasks.clear()
        assert gone() is None
    finally:
        gc.enable()
