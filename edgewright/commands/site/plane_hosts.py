"""What the management plane knows of the hosts that SSH goes to: addresses, and the host keys they handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.hostkeys.trust import PlaneKeys
from edgewright.clients.ssh.target import is_address
from edgewright.commands.kernel.lookup import FoundHost, find_host
from edgewright.config import contexts
from edgewright.core.errors import Conflict, EdgewrightError, NotFound
from edgewright.store.engine.model import HOSTS
from edgewright.wire.palette.edgehost import EdgeHost

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

PATIENCE = 0.3
"""Share of the time for a connection (3 s of 10 s) in which the plane must answer: SSH is for when it does not."""


class PlaneHosts:
    """Looks hosts up by their names. A plane that does not answer is asked once; `note` is a sentence about it then."""

    def __init__(self, ctx: CommandContext) -> None:
        self._ctx = ctx
        self._silent = False
        self._patience = PATIENCE * ctx.timeout
        self._asking = asyncio.Lock()
        self.keys = PlaneKeys()
        self.note = ""

    async def apply(self, route: Sequence[HostSettings]) -> list[HostSettings]:
        """Return a route with the addresses of the plane where nothing else gives one; remember the keys of its hosts.

        A name that the configuration gives another address may be another machine: the plane's keys can prove it then,
        and never refuse it.
        """
        hosts = []
        for settings in route:
            host = await self._find(settings.name)
            if host is None:
                hosts.append(settings)
                continue
            address = host.row.ip if is_address(host.row.ip) else ""
            own_name = settings.host == settings.name.lower()
            if own_name and address:
                settings = settings._replace(
                    host=address, host_key_alias=settings.host_key_alias or settings.name.lower()
                )
            sure = own_name or settings.host == address
            self.keys.add(settings.host, settings.port, EdgeHost(host.document).ssh_host_keys, sure=sure)
            hosts.append(settings)
        return hosts

    async def _find(self, name: str) -> FoundHost | None:
        if is_address(name):
            return None
        async with self._asking:
            if self._silent:
                return self._remembered(name)
            try:
                if self._ctx.context is None:
                    self._ctx.context = contexts.load().choose()
                if self._ctx.context is None:
                    self._silent = True
                    return None
                async with asyncio.timeout(self._patience):
                    return await find_host(self._ctx, name)
            except (NotFound, Conflict):
                return None
            except TimeoutError:
                reason = f"does not answer within {self._patience:g} s"
            except EdgewrightError as error:
                reason = f"cannot be asked ({error.message.rstrip('.')})"
            self._silent = True
            known = self._remembered(name)
            what = "its addresses and host keys are not used" if known is None else "its last known answer is used"
            self.note = f"The management plane {reason}: {what}."
            return known

    def _remembered(self, name: str) -> FoundHost | None:
        """Return a host as the console saw it last: SSH is for when the plane does not answer."""
        store = self._ctx.store
        if store is None:
            return None
        rows = [row for row in store.model.hosts.values() if name in (row.uid, row.name)]
        if len(rows) != 1:
            return None
        return FoundHost(rows[0].uid, rows[0].name, store.document(HOSTS, rows[0].uid) or {}, rows[0])
