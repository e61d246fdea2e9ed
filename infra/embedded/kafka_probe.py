"""Ask a Kafka broker whether it takes part in its cluster: one request, no client library."""

import socket
import struct

METADATA = 3  # API key; version 1: an empty topic list means no topics
CORRELATION_ID = 1
TIMEOUT_S = 1.0


def broker_is_ready(host: str, port: int) -> bool:
    """Whether the broker at ``host:port`` answers a metadata request and lists itself.

    The port opens before the broker is registered; until then the list of brokers is empty.
    """
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.settimeout(TIMEOUT_S)
            body = struct.pack(">hhihi", METADATA, 1, CORRELATION_ID, -1, 0)
            connection.sendall(struct.pack(">i", len(body)) + body)
            size, correlation_id, brokers = struct.unpack(">iii", _read(connection, 12))
    except OSError:
        return False
    return bool(size > 8 and correlation_id == CORRELATION_ID and brokers > 0)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError("closed by the broker")
        data += chunk
    return data
