"""Bounds on what repeats in the log, so that no one can push everything else out of it by causing the same line.

The first few warnings of a kind are written at once. What follows is counted, with the peers that caused it, and is one
line when the window ends; while it continues the windows get longer, from a minute up to an hour.

A record of something that an unknown peer caused has its address as `extra={"peer": ADDRESS}`, and its message contains
no text that the peer chose: the message is what makes two of them the same kind. Other records are of one kind when
they have one template; with a traceback, when it ends at one place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WINDOW, LONGEST = 60.0, 3_600.0
"""Seconds that repetitions are counted before they are written: at first, and at most."""
FIRST, FIRST_OF_PEERS = 20, 5
"""Lines of one kind that are written at once within the first window."""
LOOK = 10.0
"""Seconds between two looks for windows that have ended."""
MAX_KINDS, MAX_PEERS, SHOWN_PEERS = 500, 1_000, 5

_Kind = tuple[str, str, str]


@dataclass
class _Repeats:
    """One kind of line within its window."""

    first: logging.LogRecord
    began: float
    length: float = WINDOW
    written: int = 0
    counted: int = 0
    peers: Counter[str] = field(default_factory=Counter)


class LimitedHandler(logging.Handler):
    """Passes records on to other handlers, warnings and errors at a bounded rate."""

    def __init__(self, targets: Sequence[logging.Handler], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._targets = targets
        self._clock = clock
        self._kinds: OrderedDict[_Kind, _Repeats] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, or count it."""
        if record.levelno < logging.WARNING:
            self._pass(record)
            return
        now = self._clock()
        self._end_windows(now)
        kind = _kind(record)
        repeats = self._kinds.get(kind)
        if repeats is None:
            repeats = self._kinds[kind] = _Repeats(_bare(record), now)
            while len(self._kinds) > MAX_KINDS:
                self._summarise(self._kinds.popitem(last=False)[1], now)
        peer = getattr(record, "peer", "")
        bounded = peer or record.exc_info
        if repeats.written < (1 if repeats.length > WINDOW else FIRST_OF_PEERS if bounded else FIRST):
            repeats.written += 1
            self._pass(record)
            return
        repeats.counted += 1
        if peer and (peer in repeats.peers or len(repeats.peers) < MAX_PEERS):
            repeats.peers[peer] += 1

    def report(self) -> None:
        """Write the counts of windows that have ended."""
        self.acquire()
        try:
            self._end_windows(self._clock())
        finally:
            self.release()

    def close(self) -> None:
        """Write all counts, at the end of the program."""
        self.acquire()
        try:
            for repeats in self._kinds.values():
                self._summarise(repeats, self._clock())
            self._kinds.clear()
        finally:
            self.release()
        super().close()

    def _end_windows(self, now: float) -> None:
        for kind, repeats in list(self._kinds.items()):
            if now - repeats.began < repeats.length:
                continue
            if not repeats.counted:
                del self._kinds[kind]
                continue
            self._summarise(repeats, now)
            self._kinds[kind] = _Repeats(repeats.first, now, min(LONGEST, 2 * repeats.length))

    def _summarise(self, repeats: _Repeats, now: float) -> None:
        if not repeats.counted:
            return
        first = repeats.first
        peers = dict(repeats.peers.most_common(SHOWN_PEERS))
        message = f"repeated {repeats.counted} times in {now - repeats.began:.0f} s: {first.getMessage()}"
        if len(repeats.peers) > len(peers):
            message += f" ({len(repeats.peers)} addresses, the most frequent ones are listed)"
        record = logging.LogRecord(first.name, first.levelno, first.pathname, first.lineno, message, None, None)
        if peers:
            record.__dict__["peers"] = peers
        self._pass(record)

    def _pass(self, record: logging.LogRecord) -> None:
        for target in self._targets:
            target.handle(record)


def _kind(record: logging.LogRecord) -> _Kind:
    message = record.getMessage() if hasattr(record, "peer") else str(record.msg)
    place = ""
    if record.exc_info and record.exc_info[0] is not None:
        trace = record.exc_info[2]
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
        place = f"{record.exc_info[0].__name__} {line}"
    return record.name, message[:500], place


def _bare(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record without its arguments and traceback, which would leave the objects of a request in memory."""
    text = record.getMessage()[:2000]
    return logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, text, None, None)


async def report_repeats() -> None:
    """Write what has been counted from time to time; runs until cancelled."""
    while True:
        await asyncio.sleep(LOOK)
        for handler in logging.getLogger("edgewright.hub").handlers:
            if isinstance(handler, LimitedHandler):
                handler.report()
