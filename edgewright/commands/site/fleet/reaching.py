"""The way of the console to many hosts: the sites that are open, else connections that ask nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edgewright.clients.ssh.auth.asking import NoAnswers
from edgewright.commands.site.connecting import Connecting
from edgewright.commands.site.fleet.fan_out import Reach
from edgewright.commands.site.opened import Site

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


def quiet_reach(context: CommandContext, sites: Mapping[str, Site], make: Callable[[str], Site] | None = None) -> Reach:
    """Return what reaches a target without a question; `make` makes a site in place of a connection, for tests."""
    shared = Connecting(context)

    async def reach(target: str) -> tuple[Any, bool]:
        site = sites.get(target)
        if site is not None and site.is_open:
            return await site.use(), False
        if make is not None:
            made = make(target)
            await made.connect(NoAnswers())
            return await made.use(), True
        return await shared.reach(target, NoAnswers()), True

    return reach
