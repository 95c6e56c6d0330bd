"""What programs that a test starts inherit: signals that are ignored or blocked. A test leaves them as they were."""

from __future__ import annotations

import signal
from typing import NamedTuple

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


class Inherited(NamedTuple):
    """Signals of this process whose effect a program that it starts does not get."""

    ignored: frozenset[int]
    blocked: frozenset[int]


def inherited() -> Inherited:
    """Return how it is now."""
    ignored = frozenset(number for number in WATCHED if signal.getsignal(number) is signal.SIG_IGN)
    return Inherited(ignored, frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, ())))


def give_back(before: Inherited) -> str:
    """Make it as it was before; return what was different, "" where nothing was."""
    now = inherited()
    if now == before:
        return ""
    for number in now.ignored ^ before.ignored:
        signal.signal(number, signal.SIG_IGN if number in before.ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, before.blocked)
    parts = [f"{signal.Signals(number).name} is ignored" for number in sorted(now.ignored - before.ignored)]
    parts += [f"{signal.Signals(number).name} is not ignored" for number in sorted(before.ignored - now.ignored)]
    parts += [f"{signal.Signals(number).name} is blocked" for number in sorted(now.blocked - before.blocked)]
    parts += [f"{signal.Signals(number).name} is not blocked" for number in sorted(before.blocked - now.blocked)]
    return ", ".join(parts)
