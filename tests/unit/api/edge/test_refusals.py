"""What the connection answers by itself has the headers that its status asks for."""

from api import problems
from api.edge.head import Refusal
from api.edge.refusals import ALLOWED, BUSY, answer
from api.routes import ENDPOINTS


def headers_of(refusal):
    head = answer(refusal, ()).partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


def test_a_405_says_what_is_allowed_somewhere():
    refused = headers_of(Refusal(problems.METHOD_NOT_ALLOWED, "this method is not supported"))
    assert refused["allow"] == "GET, HEAD, PATCH, POST"
    assert set(ALLOWED) == {endpoint.method for endpoint in ENDPOINTS} | {"HEAD"}
    assert "allow" not in headers_of(BUSY)


def test_a_503_says_when_to_come_back():
    assert headers_of(BUSY)["retry-after"] == str(problems.RETRY_AFTER_S)
