"""Answers as bytes from a socket: what a client of HTTP libraries never gets to see."""

import re
import socket
from typing import NamedTuple

HEAD = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


class Answer(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_to_end(connection: socket.socket) -> bytes:
    """Return everything until the server closes; a reset ends it too, a timeout is an error."""
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece


def answers_of(received: bytes) -> list[Answer]:
    """Return the answers; what is none is an error."""
    found = []
    while received:
        match = HEAD.match(received)
        assert match, received[:200]
        lines = [line.partition(b":") for line in match[2].split(b"\r\n") if line]
        headers = {name.decode(): value.strip().decode() for name, _, value in lines}
        end = match.end() + int(headers.get("content-length", 0))
        found.append(Answer(int(match[1]), headers, received[match.end() : end]))
        received = received[end:]
    return found
