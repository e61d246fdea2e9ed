"""A small agent for runtime tests: counts the records of each key, exactly, on any topic.

Run as ``python -m tests.support.counting_agent TOPIC PARTITIONS [VERSION]``; the usual settings in
the environment. The value of a key is ``offset:count``, so redelivery is harmless.
Each count is emitted to ``TOPIC-counts``. A value of ``boom`` raises, ``bad`` rejected, ``swell``
makes the state of its key too large for Kafka, ``stray`` is emitted to an undeclared topic.
"""

import logging
import os
import sys

from agents.runtime.worker import Worker, run_to_the_end
from agents.spec import BaseStep, Emit, Outcome, Reject, StreamAgent
from infra.settings import Settings
from schemas.interaction import Interaction
from topics.catalog import WATCH_STATES
from topics.spec import TopicSpec


def topic(name, partitions, *, dead_letter=False):
    return TopicSpec(
        name=name, schema=Interaction, key=("user_id",), partitions=partitions, cleanup="delete",
        retention_ms=86_400_000, message_bytes_max=1_048_576, writer="test", readers=("counting",),
        description="test", dead_letter=dead_letter,
    )  # fmt: skip


def counting_agent(name, partitions, table_version=1):
    source = topic(name, partitions, dead_letter=True)
    counts = topic(f"{name}-counts", partitions)
    return StreamAgent(
        name=f"counting-{name}", source=source, table="counts", emits=(counts,),
        table_version=table_version, create_step=lambda settings: Counting(counts),
    )  # fmt: skip


class Counting(BaseStep):
    def __init__(self, counts):
        self.counts = counts

    def on_batch(self, partition, records, table, now_ms):
        outcome = Outcome()
        for record in records:
            if record.value == b"bad":
                outcome.rejects.append(Reject(record, "rule", "bad on purpose"))
                continue
            if record.value == b"boom":
                raise RuntimeError("boom on purpose")
            if record.value == b"swell":
                table.put("swollen", bytes(5_000_000))
                outcome.applied += 1
                continue
            if record.value == b"stray":
                outcome.emits.append(Emit(WATCH_STATES, record.key, b"", partition))
                outcome.applied += 1
                continue
            key = record.key.decode()
            offset, count = (int(part) for part in (table.get(key) or b"-1:0").split(b":"))
            if record.offset <= offset:
                outcome.deduplicated += 1
                continue
            value = f"{record.offset}:{count + 1}".encode()
            table.put(key, value)
            outcome.emits.append(Emit(self.counts, record.key, value, partition))
            outcome.applied += 1
        return outcome


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    logging.getLogger("aiokafka").setLevel("WARNING")
    agents = [counting_agent(sys.argv[1], *map(int, sys.argv[2:]))]
    sys.exit(run_to_the_end(lambda: Worker(Settings.from_env(os.environ), agents)))
