"""uvicorn's httptools protocol with the bounds that it lacks (docs/adr/0015-http-edge.md).

uvicorn reads a head of any size for any time, keeps a connection whose client never reads, and
answers a broken request before an earlier one that is still at work. This class bounds the first
two and keeps the order of the third: a connection gives one answer a request, in order, and none
after one that could be read in two ways. It uses what uvicorn does not promise; ``check_internals``
says at the start what is missing, and tests/integration/test_http_edge.py holds the behaviour with
raw sockets.
"""

import asyncio
import socket
import weakref
from collections.abc import Callable
from enum import Enum
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.edge import head
from api.edge.bounds import (
    BODY_PENDING,
    DISCARD_BYTES_MAX,
    DISCARD_S,
    FRAMING_BYTES_MAX,
    FRAMING_FACTOR_MAX,
    HEAD_BYTES_MAX,
    PIPELINED_MAX,
    READER_BYTES_PER_S_MIN,
    SEND_BUFFER_BYTES,
    URL_BYTES_MAX,
    Bounds,
)
from api.edge.connections import Connections
from api.edge.head import Refusal, check_head
from api.edge.refusals import BUSY, answer
from infra import metrics

SLICE_BYTES = 16 * 1024  # what the parser gets at once: no bound can be missed by more than this
NEEDED = (
    "data_received", "on_url", "on_headers_complete", "on_body", "on_message_begin",
    "on_message_complete", "on_response_complete", "_start_asgi_task",
    "_unset_keepalive_if_required", "connection_made", "connection_lost",
)  # fmt: skip


class Phase(Enum):
    """What the parser is in the middle of."""

    BETWEEN = "between"
    HEAD = "head"
    BODY = "body"


class RefusedError(Exception):
    """Stops the parser from inside one of its calls; the refusal is at the protocol."""


def check_internals() -> None:
    """Make sure that requests are parsed by httptools, in the way that this class relies on.

    Raises:
        RuntimeError: with another parser, or another uvicorn, the bounds would be none.
    """
    missing = [name for name in NEEDED if not callable(getattr(HttpToolsProtocol, name, None))]
    if missing:
        raise RuntimeError(f"this uvicorn lacks {', '.join(missing)}: its bounds cannot be set")
    if not isinstance(httptools.HttpRequestParser(object()), httptools.HttpRequestParser):
        raise RuntimeError("requests are not parsed by httptools")


def body_pending(cycle: RequestResponseCycle) -> Callable[[], bool]:
    """Return what tells whether a part of a request's body has not arrived yet.

    The cycle holds the scope that this is put into. If it held the cycle in turn, everything of a
    request would stay until the collector of cycles finds it: pauses of 100 ms every two seconds.
    """
    held = weakref.ref(cycle)

    def pending() -> bool:
        found = held()
        return found is not None and found.more_body

    return pending


class Answering:
    """What a request's cycle sees of the transport: it counts bytes, and closes gently."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: "BoundedProtocol") -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        self._protocol.written += len(data)
        self._protocol.transport.write(data)

    def close(self) -> None:
        """End the connection after what was written."""
        self._protocol.close_gently()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._protocol.transport.is_closing()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. See the module for what it adds to uvicorn's."""

    def __init__(
        self,
        bounds: Bounds,
        open_connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.written = 0
        self._bounds = bounds
        self._open = open_connections
        self._address: str | None = None  # of a connection that counts
        self._answering = Answering(self)
        self._phase = Phase.BETWEEN
        self._active: RequestResponseCycle | None = None
        self._refusal: Refusal | None = None
        self._stopped = False  # nothing more is parsed
        self._requests = 0
        self._head_fed = self._body_fed = self._body_bytes = self._discarded = 0
        self._sent_before: int | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    # --- the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or refuse it; from now on its first head may take so long."""
        super().connection_made(transport)  # type: ignore[arg-type]
        address = self.client[0] if self.client else ""
        broken = self._open.admit(address)
        if broken is not None:
            metrics.API_REFUSED.labels(broken).inc()
            self._phase = Phase.HEAD  # a request will come: it is read, and not answered
            self.transport.write(answer(BUSY, self._bounds.security_headers))
            self.close_gently()
            return
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._address = address
        metrics.API_CONNECTIONS.inc()
        self._arm_head_timer()
        self._reader_timer = self.loop.call_later(self._bounds.reader_check_s, self._check_reader)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; requests at work learn that nobody waits for them."""
        self._stopped = True
        self._cancel_head_timer()
        for timer in (self._reader_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        if self._address is not None:
            self._open.release(self._address)
            metrics.API_CONNECTIONS.dec()
            self._address = None
        if self._active is not None and not self._active.response_complete:
            self._active.disconnected = True
            self._active.message_event.set()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def close_gently(self) -> None:
        """End the connection after what was written; input on its way is read, not reset."""
        if self._end_timer is not None or self.transport.is_closing():
            return
        self._stopped = True
        self._cancel_head_timer()
        self._unset_keepalive_if_required()
        self._end_timer = self.loop.call_later(DISCARD_S, self._end)
        if self._phase is Phase.BETWEEN and not self._discarded:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def _end(self) -> None:
        """Cut the connection once its client has what was written, which has a bound of its own."""
        if self.transport.get_write_buffer_size() == 0:
            self.transport.abort()
        else:
            self._end_timer = self.loop.call_later(DISCARD_S, self._end)

    def _check_reader(self) -> None:
        """Cut off a client that does not read what it asked for."""
        unsent = self.transport.get_write_buffer_size()
        sent = self.written - unsent
        before = self._sent_before
        least = READER_BYTES_PER_S_MIN * self._bounds.reader_check_s
        if unsent and before is not None and sent - before < least:
            metrics.API_REFUSED.labels("slow_reader").inc()
            self.transport.abort()
            return
        self._sent_before = sent if unsent else None
        self._reader_timer = self.loop.call_later(self._bounds.reader_check_s, self._check_reader)

    # --- input ---

    def data_received(self, data: bytes) -> None:
        """Parse input, in slices; what comes after the last request is read and dropped."""
        view = memoryview(data)
        for start in range(0, len(data), SLICE_BYTES):
            if self._stopped:
                self._discard(len(data) - start)
                return
            self._feed(view[start : start + SLICE_BYTES])

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > DISCARD_BYTES_MAX:
            self.transport.abort()

    def _feed(self, piece: memoryview) -> None:
        self._unset_keepalive_if_required()
        before, body_before = self._phase, self._body_bytes
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._stopped = True  # answered in HTTP/1.1, which may always be done, and then closed
        except httptools.HttpParserError:
            self._refuse(self._refusal or head.MALFORMED)
            return
        if before is self._phase is Phase.HEAD:
            self._head_fed += len(piece)
            if self._head_fed > HEAD_BYTES_MAX:
                too_long = len(self.url) > URL_BYTES_MAX
                self._refuse(head.URL_TOO_LONG if too_long else head.HEADERS_TOO_LARGE)
                return
        elif before is self._phase is Phase.BODY:
            self._body_fed += len(piece) - (self._body_bytes - body_before)
            if self._body_fed > FRAMING_BYTES_MAX + FRAMING_FACTOR_MAX * self._body_bytes:
                self._refuse(head.FRAMING_TOO_LARGE)
                return
        if self._phase is not Phase.BODY and not self._stopped and self._head_timer is None:
            self._arm_if_begun()

    def _arm_if_begun(self) -> None:
        """Give a head that has begun its time; a connection that waits has that of keep-alive."""
        if self._phase is Phase.HEAD or self._last_unanswered() is None:
            self._arm_head_timer()

    def _arm_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._bounds.head_timeout_s, self._head_late)

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self._phase is Phase.HEAD:
            self._refuse(head.TOO_SLOW)
        elif self._last_unanswered() is None:
            self.close_gently()

    # --- calls of the parser ---

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._phase = Phase.HEAD
        self._head_fed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        if len(self.url) > URL_BYTES_MAX:
            self._refusal = head.URL_TOO_LONG
            raise RefusedError

    def on_headers_complete(self) -> None:
        """Check the head, then let uvicorn start or queue the request."""
        self._cancel_head_timer()
        self._refusal = check_head(
            self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers
        )
        if self._refusal is not None:
            raise RefusedError
        super().on_headers_complete()
        cycle = self.cycle
        cycle.transport = self._answering  # type: ignore[assignment]
        self.scope[BODY_PENDING] = body_pending(cycle)  # type: ignore[literal-required]
        self.headers = []  # a trailer is not a header of the request
        self._phase = Phase.BODY
        self._body_fed = self._body_bytes = 0
        self._requests += 1
        if (
            self._requests >= self._bounds.requests_per_connection_max
            or len(self.pipeline) >= PIPELINED_MAX
            or self.parser.should_upgrade()
        ):
            cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; the one whose answer closes the connection is the last."""
        if self.headers:
            self._refusal = head.TRAILERS
            raise RefusedError
        self._phase = Phase.BETWEEN
        super().on_message_complete()
        if not self.cycle.keep_alive:
            self._refusal = None
            self._stopped = True

    def on_response_complete(self) -> None:
        """Go on with the next request, unless the connection ends."""
        if self._end_timer is not None:
            self.server_state.total_requests += 1
            return
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    # --- refusals ---

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection: with this answer, or after those that are due before it."""
        metrics.API_REFUSED.labels(refusal.kind.slug).inc()
        self._stopped = True
        self._cancel_head_timer()
        if self._phase is Phase.BODY:
            self._refuse_body(refusal)
            return
        last = self._last_unanswered()
        if last is not None:
            last.keep_alive = False
            return
        self._answer(refusal)

    def _refuse_body(self, refusal: Refusal) -> None:
        broken = self.cycle
        if self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
            previous = self.pipeline[0][0] if self.pipeline else self._active
            assert previous is not None
            previous.keep_alive = False
        elif broken.response_complete:
            self.close_gently()
        elif broken.response_started:
            broken.keep_alive = False
        else:
            broken.disconnected = True  # the application stops to wait for the body
            broken.message_event.set()
            self._answer(refusal)

    def _last_unanswered(self) -> RequestResponseCycle | None:
        """Return the newest request that waits for its answer."""
        if self.pipeline:
            return self.pipeline[0][0]
        if self._active is not None and not self._active.response_complete:
            return self._active
        return None

    def _answer(self, refusal: Refusal) -> None:
        data = answer(refusal, self._bounds.security_headers)
        self.written += len(data)
        self.transport.write(data)
        self.close_gently()
