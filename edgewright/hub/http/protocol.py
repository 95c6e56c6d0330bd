"""HTTP/1.1 for unknown peers: uvicorn's protocol with a bound on everything that a peer may send.

httptools has no limits of its own and cannot be paused. So it gets the received bytes in pieces, a piece ends where a
message may end, and no piece is given to it while an earlier request waits for its response: the socket is not read
meanwhile. What is not a valid request (a head over 64 KiB, no Host, garbage) is refused here and the connection ends.
"""

from __future__ import annotations

import asyncio
import enum
import functools
import logging
from collections import Counter
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edgewright.hub.http import bounds
from edgewright.hub.http.flow import Flow, error_response, too_large
from edgewright.wire.protocol import HEARTBEAT_SHORT

log = logging.getLogger("edgewright.hub")

_BLANK_LINE = b"\n\r\n"
_TURN = 64
"""Pieces that are parsed in one go before other connections get their turn."""
_WRONG = "This is not a valid HTTP/1.1 request."


class Phase(enum.Enum):
    """What the parser expects next."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


class _Refused(Exception):
    """Ends the parser in the middle of a message; the reason is in `BoundedProtocol._reason`."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Subclasses set `head_seconds` and `budget` (see `server.make_server`)."""

    head_seconds = 15.0
    budget = bounds.Budget()
    peers: ClassVar[Counter[str]] = Counter()
    """Address, or /64 of an IPv6 one -> connections that are open."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._phase = Phase.BETWEEN
        self._running: RequestResponseCycle | None = None
        self._backlog, self._at = b"", 0
        self._pump_is_due = False
        self._refused = False
        self._reason: tuple[int, str] = (400, _WRONG)
        self._head = self._lines = self._hosts = 0
        self._pending = 0
        self._progress = False
        self._charged = 0
        self._rest = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._unwritten = 0

    @property
    def address(self) -> str:
        """Return the peer's address, empty when it is not known."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock with the connection."""
        super().connection_made(cast(asyncio.Transport, transport))
        self.flow = Flow(self.transport, self._wake)
        self._received = functools.partial(bounds.wire_bytes, self.transport)
        self._network = bounds.network(self.address)
        self.peers[self._network] += 1
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks, and notify the request that is answered, which need not be the last one that was read."""
        self.peers[self._network] -= 1
        if not self.peers[self._network]:
            del self.peers[self._network]
        self._disarm()
        self._unstall()
        self._refused = True
        self._drop_backlog()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)
        # Cycles of references would reference what the peer sent until a garbage collection, which comes seldom here.
        cast(Flow, self.flow).forget()
        self._running = None
        lost = cast(Any, self)
        lost.cycle = lost.scope = lost.headers = None

    def data_received(self, data: bytes) -> None:
        """Take what the socket brings; parse it as far as it may be answered now."""
        if self._refused:
            self._rest += len(data)
            if self._rest > bounds.MAX_REST:
                self.transport.abort()
            return
        if self.transport.is_closing():
            return
        self._backlog = self._backlog[self._at :] + data if self._at < len(self._backlog) else data
        self._at = 0
        self._pump()

    def shutdown(self) -> None:
        """End the connection after the response that is being made; a request in mid-body gets 503."""
        running = self._running
        if running is None or running.response_complete:
            self.transport.close()
            return
        running.keep_alive = False
        self.pipeline.clear()
        if running is self.cycle and running.more_body:
            self._refuse(503, "The hub is stopping; try again in a moment.")

    def drop_idle(self) -> None:
        """Cut a connection whose peer does not end it, and that waits for no response; for the end of the hub."""
        if self._is_idle():
            self.transport.abort()

    def drop_unread(self) -> None:
        """Cut a connection whose peer does not read its response; for the end of the hub."""
        if self._is_idle() or self.flow.write_paused:
            self.transport.abort()

    # What the parser reports

    def on_message_begin(self) -> None:
        """Begin a request. Its clock starts only when its head arrives in several pieces (`_pump`)."""
        self._phase = Phase.HEAD
        self._head = self._lines = self._hosts = 0
        self._progress = True
        self._disarm()
        super().on_message_begin()
        cast(Any, self.scope)["edgewright.received"] = self._received

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line; what comes after the body is dropped."""
        self._lines += 1
        self._count(len(name) + len(value) + 4)
        if self._phase is Phase.BODY:
            return
        if len(name) == 4 and name.lower() == b"host":
            self._hosts += 1
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the clock; the body has its own (`body_reader`)."""
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._fail(505, "This hub speaks HTTP/1.1.")
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            self._fail(400, "A request has exactly one header Host.")
        super().on_headers_complete()
        self._disarm()
        self._phase = Phase.BODY
        self._head = self._lines = 0
        self._progress = True

    def on_body(self, body: bytes) -> None:
        """Store what the handler is to read; drop what is not read any more, up to a bound."""
        self._progress = True
        if self.cycle.response_complete:
            self._rest += len(body)
            if self._rest > bounds.MAX_REST:
                self._fail(413, "The rest of the body is not read.")
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._progress = True
        self._phase = Phase.BETWEEN
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continue with the next request; give the sender of an unread body a moment to end it."""
        if self._phase is Phase.BODY and not self._refused and self.cycle.response_complete:
            self._rest = 0
            self._arm()
        super().on_response_complete()

    # Writing

    def pause_writing(self) -> None:
        """Wait for a peer that does not read, but not for ever."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Write again."""
        self._unstall()
        super().resume_writing()

    def _watch_writing(self) -> None:
        self._unwritten = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(bounds.STALLED_RESPONSE, self._check_writing)

    def _check_writing(self) -> None:
        if self.transport.get_write_buffer_size() < self._unwritten:
            self._watch_writing()
        else:
            self.transport.abort()

    # Reading

    def _wake(self) -> None:
        if not self._pump_is_due:
            self._pump_is_due = True
            self.loop.call_soon(self._pump_later)

    def _pump_later(self) -> None:
        self._pump_is_due = False
        if not self._refused and not self.transport.is_closing():
            self._pump()

    def _pump(self) -> None:
        """Parse the backlog as far as it may be answered, and start the clock of a head that is not complete."""
        self._parse()
        if self._phase is Phase.HEAD and self._deadline is None and not self._refused:
            self._arm()

    def _parse(self) -> None:
        """Parse the backlog until it is empty, an earlier request must be answered first, or others are due."""
        turns = 0
        while self._at < len(self._backlog):
            if self._is_blocked():
                self.flow.pause_reading()
                self._charge(len(self._backlog) - self._at if self.pipeline else 0)
                return
            if turns == _TURN:
                self.flow.pause_reading()
                self._wake()
                return
            turns += 1
            self._unset_keepalive_if_required()
            self._feed(self._next_piece())
            if self._refused:
                return
        self._backlog, self._at = b"", 0
        unfinished = self._phase is Phase.HEAD or (self._phase is Phase.BODY and not self._progress)
        self._charge(self._pending if unfinished else 0)
        if self._refused:
            return
        if self._is_blocked():
            self.flow.pause_reading()
        else:
            cast(Flow, self.flow).read_on()
        if turns and self._phase is Phase.BETWEEN and self._is_idle():
            self._set_idle_clock()

    def _is_blocked(self) -> bool:
        if self.pipeline:
            return True
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete and len(cycle.body) > HIGH_WATER_LIMIT

    def _is_idle(self) -> bool:
        return self._running is None or self._running.response_complete

    def _set_idle_clock(self) -> None:
        """Wait for the next request; bytes that begin none (empty lines) get no more time than a head has."""
        if self._progress:  # the end of a body whose response was sent before
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif self._deadline is None:
            self._arm()

    def _next_piece(self) -> bytes:
        """Return the next bytes for the parser: with at most one end of a message, apart from the very first bytes."""
        start, end = self._at, min(self._at + bounds.PIECE, len(self._backlog))
        blank = self._backlog.find(_BLANK_LINE, start, end)
        if blank >= 0 and self._backlog.find(_BLANK_LINE, blank + 1, end) >= 0:
            end = blank + len(_BLANK_LINE)
        self._at = end
        return self._backlog[start:end] if start or end < len(self._backlog) else self._backlog

    def _feed(self, piece: bytes) -> None:
        self._progress = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # This hub upgrades to nothing, so what follows is the next request.
            self._at -= len(piece) - int(upgrade.args[0])
        except httptools.HttpParserError:
            self._refuse(*self._reason)
            return
        self._pending = len(piece) if self._progress else self._pending + len(piece)
        if self._pending > bounds.MAX_HEAD + bounds.PIECE:
            self._refuse(431, too_large())

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > bounds.MAX_HEAD or self._lines > bounds.MAX_LINES:
            self._fail(431, too_large())

    def _fail(self, status: int, message: str) -> None:
        self._reason = (status, message)
        raise _Refused

    def _charge(self, size: int) -> None:
        """Charge the budget of all connections with what this one has sent and not finished."""
        more = size - self._charged
        if more > 0 and not self.budget.take(self.address, more):
            self._refuse(503, "Too many unfinished requests; try again in a moment.")
            return
        if more < 0:
            self.budget.give(self.address, -more)
        self._charged = size

    def _drop_backlog(self) -> None:
        self._backlog, self._at, self._pending = b"", 0, 0
        if self._charged:
            self.budget.give(self.address, self._charged)
            self._charged = 0

    # Ending

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(self.head_seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unstall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _late(self) -> None:
        self._deadline = None
        if self.flow.read_paused and not self._is_idle():
            self._arm()  # it is this side that does not read
        else:
            self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        """Read no more. Answer with an error, unless an earlier request is still to be answered; then close."""
        self._refused = True
        self._disarm()
        self._drop_backlog()
        self.pipeline.clear()
        log.warning("a request was refused: %d %s", status, message, extra={"peer": self.address})
        running = self._running
        if running is not None and running is self.cycle and self._phase is Phase.BODY:
            running.disconnected = True
            running.message_event.set()
            if running.response_started:
                self.transport.abort()
                return
        elif running is not None and not running.response_complete:
            running.keep_alive = False  # an earlier request, and a good one
            self.flow.pause_reading()
            return
        self.transport.write(error_response(status, message, self.server_state.default_headers))
        self._rest = 0
        self._deadline = self.loop.call_later(bounds.LINGER, self.transport.abort)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if cycle.scope["path"] == HEARTBEAT_SHORT:
            cycle.default_headers = []  # `Date` would be a tenth of what a short heartbeat costs (rule P75)
        super()._start_asgi_task(cycle, app)
