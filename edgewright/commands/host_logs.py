"""The verb that fetches the agent's log from a host, through the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.base import Command, Outcome, Param, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.context import CommandContext

LONGEST = 150.0
"""Seconds to wait for a log: two heartbeats and some."""


class HostLogs(Command):
    """Fetch the last lines of the agent's log from a host; the host sends them at its next heartbeat."""

    name = "host logs"
    title = "logs"
    keys = ("l",)
    scope = "hosts"
    also = ("host",)
    target = Target("host", 1, 1)
    params = (Param("lines", "how many lines, at most 500", flag="--lines", kind="int", default=100, metavar="N"),)
    opens = "logs"
    needs_admin = True

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask for the log and wait for it. Raises `TimedOut`, `Failed`, and `Refused` when the host refuses."""
        from edgewright.commands.lookup import find_host
        from edgewright.commands.results import Text
        from edgewright.core.text import clean

        host = await find_host(await ctx.client(), plan.touches[0])
        lines = await fetch_lines(ctx, host.uid, 100 if args.get("lines") is None else int(args["lines"]), report)
        text = "\n".join(clean(line, 4096) for line in lines)
        return Outcome((), message="" if lines else f"The log of {host.name} is empty.", result=Text(text, lines))


async def fetch_lines(
    ctx: CommandContext, uid: str, lines: int, report: Callable[[str], None], since: float | None = None
) -> list[str]:
    """Order the log of a host and return its lines as they came (clean them before a terminal sees them).

    With `since` (epoch seconds) an agent sends only what is not older; an older agent ignores it.
    Waits up to `LONGEST` seconds. Raises `TimedOut`, `Failed`, and `Refused` when the host refuses.
    """
    import asyncio
    import time

    from edgewright.core.errors import Failed, InvalidInput, Refused, TimedOut
    from edgewright.core.text import clean
    from edgewright.wire import protocol

    if not 1 <= lines <= protocol.MAX_LOG_LINES:
        raise InvalidInput(f"--lines is between 1 and {protocol.MAX_LOG_LINES}, not {lines}.")
    client = await ctx.client()
    params = {"lines": lines} if since is None else {"lines": lines, "since": int(since)}
    operation = await client.create_operation(uid, protocol.OP_COLLECT_LOGS, params)
    report("asked; the host answers at its next heartbeat")
    began, pause = time.monotonic(), 0.2
    while time.monotonic() - began < LONGEST:
        told = await client.operation(uid, operation)
        body = {**told, **(told.get("spec") or {}), **(told.get("status") or {})}
        state = str(body.get("state") or protocol.OP_PENDING)
        if state == protocol.OP_SUCCEEDED:
            found = (await client.logs(uid, operation)).get("lines") or []
            return [str(line) for line in found]
        if state != protocol.OP_PENDING:
            sentence = clean(body.get("message")) or f"The host answered: {clean(state)}"
            raise (Refused if state == protocol.OP_REFUSED else Failed)(sentence.rstrip(".") + ".", "See host show.")
        await asyncio.sleep(pause)
        pause = min(2.0, pause * 1.5)
    raise TimedOut(
        f"The host {uid} did not send its log within {LONGEST:.0f} s.",
        "It sends it when it is heard again; look at its last heartbeat with host show.",
    )


COMMANDS: tuple[type[Command], ...] = (HostLogs,)
