"""What the management plane knows of the hosts that SSH goes to: addresses, and the host keys they handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgewright.clients.ports import CanListHosts
from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.hostkeys.trust import PlaneKeys
from edgewright.clients.ssh.target import is_address
from edgewright.commands.kernel.lookup import FoundHost, find_host, host_of
from edgewright.config import contexts
from edgewright.core.errors import Conflict, EdgewrightError, NotFound
from edgewright.store.engine.model import HOSTS
from edgewright.wire.palette.edgehost import EdgeHost
from edgewright.wire.palette.search import hosts_by

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

PATIENCE = 0.3
"""In which the plane must answer, as a share of the time for a connection, which begins afterwards (3 s for 10 s)."""


class PlaneHosts:
    """Looks hosts up by their names. A plane that does not answer is asked once; `note` is a sentence about it then."""

    def __init__(self, ctx: CommandContext) -> None:
        self._ctx = ctx
        self._silent = self._answers = False
        self._patience = PATIENCE * ctx.timeout
        self._asking = asyncio.Lock()
        self.keys = PlaneKeys()
        self.uids: dict[str, str] = {}
        """Uids of the hosts that were found, by the name in the target."""
        self.note = ""

    async def apply(self, route: Sequence[HostSettings]) -> list[HostSettings]:
        """Return a route with the addresses of the plane where nothing else gives one; remember the keys of its hosts.

        A name that the configuration gives another address may be another machine: the plane's keys can prove it then,
        and never refuse it.
        """
        hosts = []
        for settings in route:
            try:
                host = await self._find(settings.name)
            except Conflict as error:
                note = f"{error.message} Its addresses and host keys of the plane are not used."
                settings, host = settings._replace(warnings=(*settings.warnings, note)), None
            if host is None:
                hosts.append(settings)
                continue
            self.uids[settings.name] = host.uid
            address = host.row.ip if is_address(host.row.ip) else ""
            own_name = settings.host == settings.name.lower()
            if own_name and address:
                settings = settings._replace(host=address, named=settings.name.lower())
            sure = own_name or settings.host == address
            self.keys.add(settings.name, settings.host, settings.port, EdgeHost(host.document).ssh_host_keys, sure=sure)
            hosts.append(settings)
        return hosts

    async def _find(self, name: str) -> FoundHost | None:
        """Return the host of a name. Raises `Conflict` where several have it."""
        if is_address(name):
            return None
        if self._answers:
            return await self._ask(name)
        async with self._asking:  # until it is known whether it answers
            return await self._ask(name)

    async def _ask(self, name: str) -> FoundHost | None:
        if self._silent:
            return self._remembered(name)
        try:
            if self._ctx.context is None:
                self._ctx.context = contexts.load().choose()
            if self._ctx.context is None:
                self._silent = True
                return None
            async with asyncio.timeout(self._patience):
                host = await self._unmistakable(name)
            self._answers = True
            return host
        except NotFound:
            self._answers = True
            return None
        except Conflict:
            self._answers = True
            raise
        except TimeoutError:
            reason = f"does not answer within {self._patience:g} s"
        except EdgewrightError as error:
            reason = f"cannot be asked ({error.message.rstrip('.')})"
        self._silent = True
        known = self._remembered(name)
        what = "its addresses and host keys are not used" if known is None else "its last known answer is used"
        self.note = f"The management plane {reason}: {what}."
        return known

    async def _unmistakable(self, name: str) -> FoundHost:
        """Return the host of a name. Raises `NotFound`, `Conflict`, also where the name is the uid of another host.

        A host names its own uid when it registers: it must not take the place of the host that has this name.
        """
        host = await find_host(self._ctx, name)
        if host.name != name:
            page = await (await self._ctx.port(CanListHosts)).search(hosts_by(name=name))
            if any(other.name == name for item in page.items if (other := host_of(item)) is not None):
                raise Conflict(f"{name} is the name of one host and the uid of another.")
        return host

    def _remembered(self, name: str) -> FoundHost | None:
        """Return a host as the console saw it last: SSH is for when the plane does not answer."""
        store = self._ctx.store
        if store is None:
            return None
        rows = [row for row in store.model.hosts.values() if name in (row.uid, row.name)]
        if len(rows) != 1:
            return None
        return FoundHost(rows[0].uid, rows[0].name, store.document(HOSTS, rows[0].uid) or {}, rows[0])
