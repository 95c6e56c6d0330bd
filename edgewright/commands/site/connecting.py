"""From a target that was typed to an open connection, the same for every verb of `site`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from edgewright.clients.ssh.config.resolve import route_of, usual_files
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.connection import connect as connect_route
from edgewright.clients.ssh.hostkeys.trust import KnownFiles, Sources
from edgewright.clients.ssh.target import read_target
from edgewright.commands.site.plane_hosts import PlaneHosts
from edgewright.commands.site.terminal import asker
from edgewright.core.slow_files import read_in_time

if TYPE_CHECKING:
    from edgewright.clients.ssh.auth.asking import Asker
    from edgewright.commands.kernel.context import CommandContext


class Connecting:
    """What all connections of one verb share: who answers questions, and what the plane knows."""

    def __init__(self, ctx: CommandContext) -> None:
        self._timeout = ctx.timeout
        self._asker = asker()
        self._plane = PlaneHosts(ctx)
        self._sources = Sources(self._plane.keys, KnownFiles())

    async def reach(self, text: str, who: Asker | None = None) -> SshConnection:
        """Return an open connection; `who` answers questions, else the terminal of the process.

        Raises `InvalidInput`, `Refused`, `Unreachable`, `TimedOut`.
        """
        target, machine = read_target(text), this_machine()
        files = usual_files(machine)
        route = await read_in_time(lambda: route_of(files, machine, target), "~/.ssh/config")
        route = tuple(await self._plane.apply(route))
        connection = await connect_route(route, self._sources, who or self._asker, timeout=self._timeout)
        if self._plane.note:
            connection.facts = connection.facts._replace(warnings=(self._plane.note, *connection.facts.warnings))
        return connection


_connecting: WeakKeyDictionary[CommandContext, Connecting] = WeakKeyDictionary()


def check(target: str) -> None:
    """Check a target before anything is dialled. Raises `InvalidInput`."""
    read_target(target)


async def connect(target: str, ctx: CommandContext) -> SshConnection:
    """Return an open connection to a target; see `Connecting.reach`. Questions of several come one after the other."""
    shared = _connecting.get(ctx)
    if shared is None:
        shared = _connecting[ctx] = Connecting(ctx)
    return await shared.reach(target)
