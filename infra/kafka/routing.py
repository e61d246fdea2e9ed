"""Which partition a record belongs to."""

from functools import lru_cache

from aiokafka.partitioner import murmur2

from schemas.codec import WireModel
from schemas.ids import KEY_SEPARATOR
from topics.spec import TopicSpec


@lru_cache(maxsize=65536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as the Java client's default partitioner does.

    >>> partition_of(b"user-1", 1)
    0
    """
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def route(spec: TopicSpec, value: WireModel) -> tuple[int, bytes]:
    """Return partition and key of a record; the first key field alone decides the partition."""
    key = spec.key_of(value)
    return partition_of(key.partition(KEY_SEPARATOR.encode())[0], spec.partitions), key
