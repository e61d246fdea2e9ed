"""What a worker and its supervisor agree on, without the frameworks of either."""

READY_LINE = "ready"  # what a worker prints once every agent has its partitions and its state
