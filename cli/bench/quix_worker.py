"""Contestant: Quix Streams, stateful, with its own RocksDB state and changelog topic.

The step runs inside ``StreamingDataFrame.apply(stateful=True)``, one message at a time as Quix
calls it, with a table view over Quix's state of the message key; emits go out by ``to_topic``.
"""

from collections.abc import Sequence
from typing import Any

from quixstreams import Application, State
from quixstreams.context import message_context
from quixstreams.models import SerializationContext, Serializer

from agents.spec import Emit, Record
from agents.watch_states import SPEC
from cli.bench.contestant import SOURCE, ContestantConfig, new_step, now_ms
from cli.bench.kafka import BenchError


class StateTable:
    """A table view over the Quix state of the key being processed."""

    def __init__(self, state: State[Any, Any]) -> None:
        self._state = state

    def get(self, key: str) -> bytes | None:
        """Return the value of ``key`` or None."""
        return self._state.get_bytes(key)

    def put(self, key: str, value: bytes) -> None:
        """Set ``key``; Quix writes it to RocksDB and the changelog at its checkpoint."""
        self._state.set_bytes(key, value)

    def delete(self, key: str) -> None:
        """Remove ``key``."""
        self._state.delete(key)

    def keys(self) -> Sequence[str]:
        """Return no keys: Quix cannot list them, and they are asked for when a run begins."""
        return ()


class EmitSerializer(Serializer):
    """Gives Quix the bytes that the step has already encoded."""

    def __call__(self, value: Emit, ctx: SerializationContext) -> bytes:
        """Return the value of the record to produce."""
        assert value.value is not None  # the ledger step emits no tombstones
        return value.value


def build(config: ContestantConfig) -> Application:
    """Return the Quix application that runs the ledger step."""
    app = Application(
        broker_address=config.bootstrap,
        consumer_group=config.group,
        auto_offset_reset="earliest",
        commit_interval=config.commit_interval_s,
        state_dir=config.state_dir,
        auto_create_topics=True,  # its changelog; the others exist
        loglevel="WARNING",
        producer_extra_config={"linger.ms": 5, "acks": "all"},
    )
    source = app.topic(SOURCE.name, value_deserializer="bytes", key_deserializer="bytes")
    sinks = {
        topic.name: app.topic(topic.name, value_serializer=EmitSerializer(), key_serializer="bytes")
        for topic in SPEC.emits
    }
    step = new_step(config)

    def run(value: bytes, key: bytes, timestamp: int, _: Any, state: State[Any, Any]) -> list[Emit]:
        context = message_context()
        record = Record(context.topic, context.partition, context.offset, timestamp, key, value)
        outcome = step.on_batch(context.partition, [record], StateTable(state), now_ms())
        if outcome.rejects:
            raise BenchError(f"the step refused a bench event: {outcome.rejects[0].detail}")
        return outcome.emits

    frame = app.dataframe(source).apply(run, stateful=True, metadata=True, expand=True)
    frame.to_topic(lambda emit, *_: sinks[emit.topic.name], key=lambda emit: emit.key)
    return app


if __name__ == "__main__":
    build(ContestantConfig.from_env()).run()
