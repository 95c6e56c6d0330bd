"""Action: a shell on a host over the connection that is open, in the terminal that the console lends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from edgewright.clients.ssh.threads import in_thread
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site import open_verbs as declared
from edgewright.core.errors import EdgewrightError, UsageError
from edgewright.core.text import clean

PIECE = 4096
LOOK_AT_SIZE = 0.25
"""Seconds between two looks at the size of the terminal: the signal for it belongs to the console."""
FALLBACK = (80, 24)


class Remote(Protocol):
    """A terminal on a host; `clients.ssh.streams.HostTerminal` is one."""

    async def read(self) -> bytes:
        """Return what arrived, b"" at the end. Raises `Unreachable`."""

    async def write(self, data: bytes) -> None:
        """Send everything. Raises `Unreachable`."""

    async def resize(self, columns: int, rows: int) -> None:
        """Give it another size. Raises `Unreachable`."""

    async def aclose(self) -> None:
        """End it."""


class SiteShell(declared.SiteShell):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the host. Raises `UsageError` without a site that is open."""
        site = args.get("site")
        if site is None:
            raise UsageError("A shell is on a site that is open.", "Open one first: :site open TARGET")
        line = f"a shell as {clean(site.reached.user if site.reached else '-', 80)}"
        return Plan(f"Shell on {clean(site.name, 80)}", (line,), (site.target,), (), f"ssh {clean(site.target, 400)}")

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Run it until it ends. Raises `Unreachable` when the connection breaks."""
        connection = await args["site"].use()
        print(f"\n{plan.title}; exit or Ctrl-D returns to the console.", flush=True)  # noqa: T201
        remote = await connection.open_terminal(os.environ.get("TERM", "vt100")[:40], *_size(0))
        await attach(remote, 0, 1)
        return Outcome(plan.touches, (), f"The shell on {clean(args['site'].name, 80)} has ended.")


async def attach(remote: Remote, keys: int, screen: int) -> None:
    """Connect a terminal of this machine (two descriptors) with one of a host, until that ends.

    The terminal is raw meanwhile: every key goes to the host, Ctrl-C too. Raises `Unreachable`.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue(1024)

    def read_keys() -> None:
        data = os.read(keys, PIECE)
        if not data:
            loop.remove_reader(keys)
        with contextlib.suppress(asyncio.QueueFull):  # a link that takes nothing: what is typed on is lost
            typed.put_nowait(data)

    async def send() -> None:
        size = _size(screen)
        while True:
            try:
                data = await asyncio.wait_for(typed.get(), LOOK_AT_SIZE)
            except TimeoutError:
                data = None
            if (now := _size(screen)) != size:
                size = now
                await remote.resize(*size)
            if data == b"":
                await remote.aclose()
                return
            if data:
                await remote.write(data)

    before = termios.tcgetattr(keys)
    tty.setraw(keys, termios.TCSADRAIN)
    loop.add_reader(keys, read_keys)
    sending = asyncio.create_task(send(), name="site-shell")
    try:
        while output := await remote.read():
            await in_thread(lambda data=output: _write(screen, data), "site-shell-screen")  # type: ignore[misc]
    finally:
        loop.remove_reader(keys)
        sending.cancel()
        with contextlib.suppress(EdgewrightError, asyncio.CancelledError):
            await sending
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
        await remote.aclose()


def _write(screen: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(screen, rest) :]


def _size(descriptor: int) -> tuple[int, int]:
    """Return columns and rows of a terminal."""
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return FALLBACK
    return (size.columns or FALLBACK[0], size.lines or FALLBACK[1])
