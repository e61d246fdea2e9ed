"""HTTP/1.1 connections, with a problem document also for what is not HTTP.

uvicorn answers bytes that its parser refuses by itself, before there is a request: a URL beyond
64 kB, a method that is no token. Its answer is text; ours is what every other error is.
"""

import uuid

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.gateway import complete
from api.problems import MALFORMED, ProblemError, respond


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the httptools parser."""

    def send_400_response(self, msg: str) -> None:
        """Answer that this is no HTTP, and close: what follows on the connection means nothing."""
        request_id = uuid.uuid4().hex
        response = respond(ProblemError(MALFORMED, "not a request of HTTP/1.1"), request_id)
        complete(response.raw_headers, request_id)
        lines = [b"HTTP/1.1 400 Bad Request"]
        lines += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(
            b"\r\n".join([*lines, b"connection: close", b"", bytes(response.body)])
        )
        self.transport.close()
