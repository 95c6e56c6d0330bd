"""From a target that was typed to an open connection, the same for every verb of `site`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from edgewright.clients.ssh.config.resolve import route_of, usual_files
from edgewright.clients.ssh.config.settings import this_machine
from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.connection import connect as connect_route
from edgewright.clients.ssh.hostkeys.trust import KnownFiles, KnowsHosts, Sources
from edgewright.clients.ssh.refusals import PLANE
from edgewright.clients.ssh.target import read_target
from edgewright.commands.site.plane_hosts import PlaneHosts
from edgewright.commands.site.terminal import asker
from edgewright.core.slow_files import read_in_time

if TYPE_CHECKING:
    from edgewright.clients.ssh.auth.asking import Asker
    from edgewright.clients.ssh.config.resolve import HostSettings
    from edgewright.clients.ssh.hostkeys.known_hosts import Known
    from edgewright.commands.kernel.context import CommandContext


class Connecting:
    """What all connections of one verb share: who answers questions, and what the plane knows."""

    def __init__(self, ctx: CommandContext) -> None:
        self._timeout = ctx.timeout
        self._asker = asker()
        self._plane = PlaneHosts(ctx)
        self._sources = Sources(self._plane.keys, KnownFiles())

    async def reach(
        self, text: str, who: Asker | None = None, address: str = "", most: float = math.inf
    ) -> SshConnection:
        """Return an open connection; `who` answers questions, else the terminal of the process.

        `address`: where the target is since its own address was changed; it must have the host key it had before.
        `most`: seconds for the connection, where the context gives more; without the time of the operator.
        Raises `InvalidInput`, `Refused`, `Unreachable`, `TimedOut`.
        """
        target, machine = read_target(text), this_machine()
        files = usual_files(machine)
        route = await read_in_time(lambda: route_of(files, machine, target), "~/.ssh/config")
        route = tuple(await self._plane.apply(route))
        sources: KnowsHosts = self._sources
        if address:
            before, moved = route[-1], route[-1]._replace(host=address, named=route[-1].certified_name)
            route, sources = (*route[:-1], moved), _AsBefore(self._sources, before, moved)
        connection = await connect_route(route, sources, who or self._asker, timeout=min(self._timeout, most))
        if connection.facts.known_by == PLANE:
            connection.facts = connection.facts._replace(plane_uid=self._plane.uids.get(route[-1].name, ""))
        if self._plane.note:
            connection.facts = connection.facts._replace(warnings=(self._plane.note, *connection.facts.warnings))
        return connection


class _AsBefore:
    """What is known of a host at its address before, for the host at its new one."""

    def __init__(self, sources: KnowsHosts, before: HostSettings, moved: HostSettings) -> None:
        self._sources, self._before, self._moved = sources, before, moved

    async def known(self, host: HostSettings) -> Known:
        """Return the keys of a host."""
        return await self._sources.known(self._before if host == self._moved else host)


_connecting: WeakKeyDictionary[CommandContext, Connecting] = WeakKeyDictionary()


def check(target: str) -> None:
    """Check a target before anything is dialled. Raises `InvalidInput`."""
    read_target(target)


async def connect(target: str, ctx: CommandContext, address: str = "", most: float = math.inf) -> SshConnection:
    """Return an open connection to a target; see `Connecting.reach`. Questions of several come one after the other."""
    shared = _connecting.get(ctx)
    if shared is None:
        shared = _connecting[ctx] = Connecting(ctx)
    return await shared.reach(target, None, address, most)
