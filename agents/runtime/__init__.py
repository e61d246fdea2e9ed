"""The one runtime under every agent: Faust for membership and delivery, our own batches and tables.

``transport``  Faust's consumer, yielding one batch per poll; commits what the runner says is safe
``emitter``    the idempotent producer shared by a worker process
``table``      encoded bytes by key, write-behind changelog, recovery
``replica``    a compacted topic read whole, then followed
``runner``     what all agents share: membership, positions, commit order
``steps``      one guarded call of a step
``stream``     step -> emits, rejects, table writes
``sink``       batch -> awaited writer
``fit``        followed topics -> model fitted in another process
``worker``     all agents of one process: start, ready, drain, fail

Order of every commit: emitted records and dead letters acknowledged, then the changelog, then the
offsets. A crash between any two leads to redelivery, which table guards make harmless.
"""
