"""Keys choose the partition that Java clients and the API's producer choose."""

import random

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.routing import partition_of


@given(st.binary(min_size=1, max_size=64), st.integers(1, 64))
def test_partition_is_that_of_the_client_library(key, partitions):
    everything = list(range(partitions))
    random.seed(0)
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everything, everything)
