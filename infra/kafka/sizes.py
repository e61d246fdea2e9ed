"""Sizes of what is sent to Kafka that several producers have to agree on."""

BATCH_BYTES_MAX = 256 * 1024  # below the broker's default limit of 1 MiB for a batch
LETTER_REQUEST_BYTES_MAX = 4 * 1024 * 1024  # a dead letter of a 1 MiB record, room for headers
RECORD_OVERHEAD_BYTES = 1024  # batch header, headers, field lengths
