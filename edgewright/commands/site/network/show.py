"""Action: show the network settings of hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.network.reading import read_network
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.site import page_verbs as declared
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.network.document import document_of, page
from edgewright.core.errors import EdgewrightError, UsageError

AT_A_TIME, MOST = 8, 200
"""Hosts that are read at once, and hosts of one call."""


class SiteNetwork(declared.SiteNetwork):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check all targets before one is dialled. Raises `InvalidInput`, `UsageError`."""
        names = tuple(dict.fromkeys(str(name) for name in args.get("hosts") or ()))
        if len(names) > MOST:
            raise UsageError(f"`site network` takes at most {MOST} targets, not {len(names)}.")
        for name in names:
            check(name)
        lines = ("Reads the settings by one script; nothing is changed on the hosts.",)
        return Plan("Network settings", lines, names, (), self.cli_line((), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read all targets; the failure of one is in the outcome. Raises the failure of the only target."""
        gate = asyncio.Semaphore(AT_A_TIME)

        async def read(target: str) -> dict[str, Any] | EdgewrightError:
            async with gate:
                try:
                    connection = await connect(target, ctx)
                    try:
                        return document_of(target, await read_network(connection, patience=ctx.timeout))
                    finally:
                        await connection.aclose()
                except EdgewrightError as error:
                    return error

        results = await asyncio.gather(*(read(target) for target in plan.touches))
        documents = [each for each in results if isinstance(each, dict)]
        failed = tuple(
            (target, each if target in each.message else type(each)(f"{target}: {each.message}", each.hint, each.code))
            for target, each in zip(plan.touches, results, strict=True)
            if isinstance(each, EdgewrightError)
        )
        if len(plan.touches) == 1 and failed:
            raise failed[0][1]
        text = "\n\n".join(page(each) for each in documents)
        names = "\n".join(each["target"] for each in documents)
        shown: Any = documents[0] if len(plan.touches) == 1 else documents
        return Outcome(tuple(each["target"] for each in documents), failed, "", Text(text, shown, names))
