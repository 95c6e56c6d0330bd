"""The idle connection on which a plane reports work at once (rule P77).

It is a second connection, read only when the operating system reports that something arrived, so the agent's one thread
waits for it and for the next heartbeat at the same time. Nothing depends on it: without it, work starts with the next
heartbeat. A proxy that cuts idle connections makes the agent ask for shorter times, and in the end not at all.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Callable, List, NamedTuple, Optional

from edgewright.agent.plane.client import Client
from edgewright.core.errors import EdgewrightError
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position
from edgewright.wire.protocol.relay import HEADER, Asked, read_header

LEAST = 30
"""Seconds of an idle connection that are worth it."""
REST = 3600.0
"""Seconds until the next try where connections do not last, or the plane does not know such requests."""
OUTAGE = 60.0
"""Seconds between two tries at most while the plane is not there, or cannot answer: that ends."""
TRIES = 3
"""Connections in a row that may end before their time until the agent rests."""
SETTLED = 3.0
"""Seconds after which a request that has no answer counts as one that waits at the plane."""
GAP = 1.0
"""Seconds between two requests at least."""
IDLE_PROBE = 120
"""Seconds of silence after which the kernel checks whether the other end is still there (104 bytes)."""
_MAX_ANSWER = 8192

ON, OFF, RESTS = "on", "off", "rests"


class Wake(NamedTuple):
    """The state of the idle connection, for the status file and the plane: why work may start later."""

    state: str
    reason: str = ""


class WakeConnection:
    """Has one request for work open. `allowed` is `False` on a metered link."""

    def __init__(
        self, client: Client, uid: str, allowed: bool = True, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._uid = uid
        self._allowed = allowed
        self._now = now
        self._socket: Optional[ssl.SSLSocket] = None
        self._answer = b""
        self._began = 0.0
        self._not_before = 0.0
        self._cuts = 0
        self._cut_once = False
        self._outages = 0
        self._seconds = protocol.WAKE_SECONDS
        self.streams: List[Asked] = []
        """Streams of the relay that an answer named (P30); whoever hands them on empties the list."""
        self.unreachable = False
        """Whether the last try did not reach the address of the plane that is in use."""
        self._reason = "" if allowed else "the link is metered"

    @property
    def state(self) -> Wake:
        """Return whether work starts at once, and if not why."""
        if not self._allowed:
            return Wake(OFF, self._reason)
        waits = self._socket is not None and self._lasted > SETTLED
        return Wake(RESTS, self._reason) if self._reason and not waits else Wake(ON)

    @property
    def socket(self) -> Optional[ssl.SSLSocket]:
        """Return what to wait for beside the time; `None` while there is no connection."""
        return self._socket

    @property
    def pause(self) -> Optional[float]:
        """Return the seconds until the next request; `None` while one waits, or when none is to come."""
        if not self._allowed or self._socket is not None:
            return None
        return max(0.0, self._not_before - self._now())

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._client.close()
            self._socket = None

    def ask(self, known: Position, credential: str) -> None:
        """Send a request that waits for work, unless one waits, or it is too early. Failures are no error here."""
        if not self._allowed or self._socket is not None or self._now() < self._not_before:
            return
        path = protocol.path(protocol.HOST_WAKE, uid=self._uid)
        query = f"?generation={known.generation}&lineage={known.lineage}&seconds={self._seconds}"
        self._answer, self._began = b"", self._now()
        self._not_before = self._began + GAP
        try:
            link = self._client.send_lean("GET", path + query, b"", credential)
            _probe(link)
            link.setblocking(False)
        except (EdgewrightError, OSError) as error:
            self.unreachable = True
            self._away(getattr(error, "message", "") or str(error))
            return
        self.unreachable = False
        self._socket = link

    def look(self) -> bool:
        """Read what has arrived; return whether a heartbeat is to be sent now. Never waits."""
        if self._socket is None:
            return False
        try:
            part = self._socket.recv(4096)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return False
        except OSError:
            part = b""
        self._answer += part
        if part and b"\r\n\r\n" not in self._answer and len(self._answer) <= _MAX_ANSWER:
            return False
        self.close()
        status = _status(self._answer)
        if status == 204:
            news = protocol.H_GENERATION.lower().encode() in self._answer.lower()
            streams = _streams(self._answer)
            self.streams += streams
            if news or streams or self._lasted >= min(LEAST, self._seconds - 1):  # a hub that stops ends it early
                self._works()
            else:
                self._failed("other requests of this host end it: is there a second machine with its identity?")
            return news
        if status in (404, 405, 501):
            self._rest("the plane does not offer it")
        elif status == 504:  # of a proxy that waited long enough
            self._cut()
        elif status >= 500 or status == 429:
            self._client.avoid()
            self._away(f"the plane answered with {status}")
        elif status:
            self._failed(f"the plane answered with {status}")
            return status == 401
        else:
            self._cut()
        return False

    @property
    def _lasted(self) -> float:
        return self._now() - self._began

    def _cut(self) -> None:
        """Ask for less time than a connection lasted that ended without an answer."""
        lasted = self._lasted
        if lasted >= LEAST * 1.25:
            if self._cut_once:  # the first one may be a hub that was killed
                self._seconds = max(LEAST, min(self._seconds, int(lasted * 0.8)))
            self._cut_once = not self._cut_once
            self._cuts = self._outages = 0
            self._reason = ""
            return
        self._cuts += 1
        if self._cuts >= TRIES:
            self._rest(f"something on the way cuts idle connections after {lasted:.0f} s")

    def _works(self) -> None:
        self._cuts = self._outages = 0
        self._cut_once, self._reason = False, ""

    def _away(self, reason: str) -> None:
        """Try again soon: an outage of the plane ends, and its next hub may answer."""
        self.close()
        self._outages += 1
        self._not_before = self._now() + min(2.0 ** min(self._outages, 6), OUTAGE)
        if self._outages >= TRIES:
            self._reason = reason

    def _failed(self, reason: str) -> None:
        self.close()
        self._cuts += 1
        self._not_before = self._now() + 2.0**self._cuts
        if self._cuts >= TRIES:
            self._rest(reason)

    def _rest(self, reason: str) -> None:
        self._reason, self._cuts = reason, 0
        self._not_before = self._now() + REST


def _probe(link: socket.socket) -> None:
    """Let the kernel notice that the other end has disappeared; otherwise a host waits for a dead connection."""
    for option, value in ((socket.TCP_KEEPIDLE, IDLE_PROBE), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4)):
        link.setsockopt(socket.IPPROTO_TCP, option, value)


def _streams(answer: bytes) -> List[Asked]:
    for line in answer.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == HEADER.lower().encode():
            return read_header(value.strip().decode("latin-1"))
    return []


def _status(answer: bytes) -> int:
    first = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(first[1]) if len(first) > 1 and first[0].startswith(b"HTTP/1.") and first[1].isdigit() else 0
