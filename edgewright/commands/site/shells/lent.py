"""A shell in the terminal that the console lends it: every key goes to the host, but for the one that comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable

from edgewright.clients.ssh.threads import in_thread
from edgewright.commands.site.shells.session import HostShell

PIECE = 4096
LOOK_AT_SIZE = 0.25
"""Seconds between two looks at the size of the terminal: the signal for it belongs to the console."""
FALLBACK = (80, 24)


async def lend(
    shell: HostShell,
    keys: int,
    screen: int,
    back: bytes = b"",
    before: bytes = b"",
    also: Callable[[bytes], None] = lambda data: None,
) -> bool:
    """Show a shell on a terminal of this machine (two descriptors) until it ends, or the key `back` is pressed.

    The terminal is raw meanwhile: Ctrl-C goes to the host, too. `before` is written first; `also` gets all
    output, too. Returns whether the key
    was pressed. Raises nothing of the connection: whoever runs the shell learns how it ended. A terminal that hangs
    up ends the shell.
    """
    loop = asyncio.get_running_loop()
    left: asyncio.Future[bool] = loop.create_future()

    def decide(by_key: bool) -> None:
        if not left.done():
            left.set_result(by_key)

    def read_keys() -> None:
        try:
            data = os.read(keys, PIECE)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(keys)
            decide(False)
            return
        at = data.find(back) if back else -1
        if at >= 0:
            data = data[:at]
            decide(True)
        if data:
            shell.send(data)

    async def show(data: bytes) -> None:
        also(data)
        await put(data)

    async def put(data: bytes) -> None:
        with contextlib.suppress(OSError):  # the terminal hung up: its end is seen when it is read
            await in_thread(lambda: _write(screen, data), "site-shell-screen")

    attributes = termios.tcgetattr(keys)
    tty.setraw(keys, termios.TCSADRAIN)
    loop.add_reader(keys, read_keys)
    shown_before, shell.show = shell.show, show
    try:
        await put(before)
        while not left.done() and not shell.over:
            shell.resize(*size_of(screen))
            await asyncio.wait([left], timeout=LOOK_AT_SIZE)
        if left.done() and not left.result():
            await shell.end()
        return left.done() and left.result()
    finally:
        shell.show = shown_before
        loop.remove_reader(keys)
        with contextlib.suppress(termios.error):  # hung up
            termios.tcsetattr(keys, termios.TCSADRAIN, attributes)


async def write_in_time(screen: int, data: bytes, seconds: float = 1.0) -> None:
    """Write to a terminal; one that takes nothing, or hung up, is not waited for."""
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(in_thread(lambda: _write(screen, data), "site-shell-screen"), seconds)


def _write(screen: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(screen, rest) :]


def size_of(descriptor: int) -> tuple[int, int]:
    """Return columns and rows of a terminal."""
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return FALLBACK
    return (size.columns or FALLBACK[0], size.lines or FALLBACK[1])
