"""What systemd asks of a service of Type=notify: that it is ready, and that its loop still runs (sd_notify(3))."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

_LONGEST = 3600.0


def notify(state: str) -> None:
    """Send a state to the service manager; without one nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError:
        return  # a manager that does not listen restarts the hub, or not: nothing to do here


def watchdog_seconds() -> float | None:
    """Return the time between two signs of life: half of the watchdog's; `None` without a watchdog of this process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = os.environ.get("WATCHDOG_USEC", "")
    return min(_LONGEST, int(text) / 2_000_000) if text.isdigit() and int(text) > 0 else None


async def report_life(ends: Callable[[], bool] = lambda: True) -> None:
    """Report that the hub is ready, then that its event loop runs; until cancelled.

    That is reported as the end of the process if it `ends`; one that starts again in place does not.
    """
    notify("READY=1")
    pause = watchdog_seconds()
    try:
        while True:
            await asyncio.sleep(pause or _LONGEST)
            if pause:
                notify("WATCHDOG=1")
    finally:
        if ends():
            notify("STOPPING=1")
