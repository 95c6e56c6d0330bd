"""How many bytes the link to the plane has cost this month, as the network operator counts them.

The kernel counts bytes and segments of each connection (`TCP_INFO`, Linux 4.2); every segment has a header of IP and
TCP. Connections that ended are added to the month, open ones are read when they are asked for.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Any, Callable, Mapping, Optional

from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.core.hosts.link_spec import METERED_INTERVAL, LinkSpec
from edgewright.core.text import integer

NAME = "traffic"
HEADERS_4, HEADERS_6 = 52, 72
"""Bytes of IP and TCP before the data of one segment, with TCP's time stamps."""
SAVE_EVERY = 900.0
"""Seconds between two writes of the month's sum: a power cut loses no more."""
_COUNTS = struct.Struct("@QQII")
_COUNTS_AT = 120
"""Where bytes acknowledged, bytes received, segments out and segments in are in `struct tcp_info`."""


def wire_bytes(link: socket.socket) -> int:
    """Return the bytes that a connection has cost both ways; 0 where the kernel does not count them."""
    try:
        raw = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTS_AT + _COUNTS.size)
        acked, received, segments_out, segments_in = _COUNTS.unpack_from(raw, _COUNTS_AT)
    except (AttributeError, OSError, struct.error):
        return 0
    header = HEADERS_6 if link.family == socket.AF_INET6 else HEADERS_4
    return int(acked + received + (segments_out + segments_in) * header)


class Traffic:
    """The month's bytes. `note` after each exchange, `ended` before a connection is closed."""

    def __init__(self, folder: StateFolder, now: Callable[[], float] = times.now) -> None:
        self._folder = folder
        self._now = now
        body = folder.load(NAME) or {}
        self._month = str(body.get("month") or "")
        self._bytes = max(0, _count(body, "bytes"))
        self._relay = (str(body.get("relay") or ""), max(0, _count(body, "relayBytes")))
        """The relay's counter as it was read last: its id, and its bytes."""
        self._open: "dict[int, int]" = {}
        self._saved_at = 0.0
        self._lock = threading.Lock()
        """Blobs arrive on a connection of another thread."""

    @property
    def month_bytes(self) -> int:
        """Return the bytes of this calendar month (UTC, by the host's clock)."""
        self._turn()
        return self._bytes

    def note(self, link: Optional[socket.socket]) -> None:
        """Add what a connection has cost since it was last noted."""
        if link is None:
            return
        self._turn()
        try:
            key = link.fileno()
        except OSError:
            return
        count = wire_bytes(link)
        with self._lock:
            before = self._open.get(key, 0)
            self._bytes += count - before if count >= before else count
            self._open[key] = count

    def ended(self, link: Optional[socket.socket]) -> None:
        """Add the last bytes of a connection, before it is closed."""
        self.note(link)
        if link is not None:
            self._open.pop(link.fileno(), None)

    def note_relay(self, counter: str, count: int) -> None:
        """Add what the streams of the relay have cost since its counter was read last; another id begins at 0."""
        self._turn()
        before = self._relay[1] if self._relay[0] == counter else 0
        with self._lock:
            self._bytes += max(0, count - before)
            self._relay = (counter, count)

    def save(self, force: bool = False) -> None:
        """Write the sum, at most every 15 minutes unless it is `force`d."""
        if force or self._now() - self._saved_at >= SAVE_EVERY or self._now() < self._saved_at:
            self._saved_at = self._now()
            body = {"month": self._month, "bytes": self._bytes, "relay": self._relay[0], "relayBytes": self._relay[1]}
            self._folder.save(NAME, body, durable=False)

    def _turn(self) -> None:
        month = time.strftime("%Y-%m", time.gmtime(self._now()))
        if month != self._month:
            self._month, self._bytes = month, 0


def used_up(spec: LinkSpec, month_bytes: int) -> bool:
    """Return whether the month's budget is spent."""
    return spec.budget_mb > 0 and month_bytes >= spec.budget_mb * 1_000_000


def costly(spec: LinkSpec, month_bytes: int) -> bool:
    """Return whether no idle connection waits for work, and no heartbeat comes earlier than the link's interval."""
    return spec.metered or used_up(spec, month_bytes)


def own_interval(spec: LinkSpec, month_bytes: int) -> float:
    """Return the seconds between heartbeats that the link demands; 0 leaves it to the plane."""
    if used_up(spec, month_bytes):
        return max(spec.heartbeat, METERED_INTERVAL)
    return spec.heartbeat or (METERED_INTERVAL if spec.metered else 0.0)


def link_report(spec: LinkSpec, month_bytes: int, wake: str, reason: str) -> "dict[str, Any]":
    """Return what a full heartbeat reports about the link (P78)."""
    body: "dict[str, Any]" = {"wake": wake, "bytesMonth": month_bytes}
    interval = own_interval(spec, month_bytes)
    if reason:
        body["wakeReason"] = reason[:200]
    if spec.metered:
        body["metered"] = True
    if spec.budget_mb:
        body["budgetMB"] = spec.budget_mb
    if interval:
        body["interval"] = interval
    if spec.silence:
        body["silenceLimit"] = spec.silence
    return body


def _count(body: Mapping[str, Any], key: str) -> int:
    value = body.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else integer(str(value)) or 0
