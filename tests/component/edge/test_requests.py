"""The table of requests, over raw sockets, against a real server process.

Method: everything is sent at once, and again in two halves and byte by byte; then the client waits
until the server closes. A connection that stays open beyond an answer would end with the timeout of
keep-alive, which is longer than the client waits: so every refusal closes.
"""

import socket

import pytest

from tests.component.edge.requests import LAST, OK, ROWS, Row
from tests.support.raw_http import answers_of, read_to_end


def exchange(served, pieces):
    with served.connect(timeout_s=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has been refused before the end
        return answers_of(read_to_end(connection))


def problems_of(answers, row):
    """Return what is wrong with the answers to a row."""
    found = [f"status {item.status}" for item in answers if item.status not in row.statuses]
    if len(answers) > row.answers_max:
        found.append(f"{len(answers)} answers")
    if any(item.headers.get("connection") == "close" for item in answers[:-1]):
        found.append("an answer after the last")
    return found


def test_the_table_is_large_and_its_rows_are_told_apart():
    assert len(ROWS) >= 45
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_request_with_two_readings_has_one_answer_or_none(served, row):
    sent = row.sent if row.answers_max < 3 else row.sent + LAST
    half = len(sent) // 2
    ways = [[sent], [sent[:half], sent[half:]]]
    if len(sent) < 400:
        ways.append([sent[at : at + 1] for at in range(len(sent))])
    for pieces in ways:
        answers = exchange(served, pieces)
        assert problems_of(answers, row) == [], (len(pieces), answers)
        assert all(item.status < 500 for item in answers)


def test_the_server_answers_after_all_of_it(served):
    assert [item.status for item in exchange(served, [OK + LAST])] == [200, 200]


def test_a_second_answer_is_found():
    row = Row("x", OK)
    two = answers_of(b"HTTP/1.1 400 Bad\r\nconnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    assert problems_of(two, row) == ["status 200", "2 answers", "an answer after the last"]
