"""Actions that fetch text from a host through the plane: a log, and what fills a disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import CanReadLogs
from edgewright.commands.host import log_verbs as declared
from edgewright.commands.host.operations import wait_for_result
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import find_host, refuse_illegal
from edgewright.commands.kernel.results import Text
from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow


class HostLogs(declared.HostLogs):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask for the log and wait for it. Raises `TimedOut`, `Failed`, and `Refused` when the host refuses."""
        host = await find_host(ctx, plan.touches[0])
        await refuse_illegal(ctx, [host], self.name)
        count, unit = 100 if args.get("lines") is None else int(args["lines"]), str(args.get("unit") or "")
        lines = await fetch_lines(ctx, host.uid, count, report, unit=unit, row=host.row)
        what = f"log of {unit} on {host.name}" if unit else f"log of {host.name}"
        return _text(lines, f"The {what} is empty.")


class HostDisk(declared.HostDisk):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask for it and wait. Raises `TimedOut`, `Failed`, and `Refused` when the host refuses, as older agents do."""
        host = await find_host(ctx, plan.touches[0])
        await refuse_illegal(ctx, [host], self.name)
        params = {"mount": str(args.get("mount") or "/")}
        lines = await fetch_text(ctx, host.uid, protocol.OP_DISK_USAGE, params, report, host.row)
        return _text(lines, f"{host.name} reported no sizes.")


def _text(lines: list[str], empty: str) -> Outcome:

    text = "\n".join(clean(line, 4096) for line in lines)
    return Outcome((), message="" if lines else empty, result=Text(text, lines))


async def fetch_lines(
    ctx: CommandContext,
    uid: str,
    lines: int,
    report: Callable[[str], None],
    since: float | None = None,
    unit: str = "",
    row: HostRow | None = None,
) -> list[str]:
    """Order the log of a host, or of one unit, and return its lines (clean them before a terminal shows them).

    With `since` (epoch seconds) an agent sends only what is not older; an older agent ignores it.
    Raises as `fetch_text` does, and `InvalidInput` for a number of lines that no host sends.
    """
    if not 1 <= lines <= protocol.MAX_LOG_LINES:
        raise InvalidInput(f"--lines is between 1 and {protocol.MAX_LOG_LINES}, not {lines}.")
    params: dict[str, Any] = {"lines": lines, **({"unit": unit} if unit else {})}
    if since is not None:
        params["since"] = int(since)
    return await fetch_text(ctx, uid, protocol.OP_COLLECT_LOGS, params, report, row)


async def fetch_text(
    ctx: CommandContext,
    uid: str,
    kind: str,
    params: Mapping[str, Any],
    report: Callable[[str], None],
    row: HostRow | None = None,
) -> list[str]:
    """Order an operation whose result is text, and return its lines (clean them before a terminal shows them).

    Waits and raises as `wait_for_result`.
    """
    operations = await ctx.port(CanReadLogs)
    operation, _ = await wait_for_result(operations, uid, kind, params, report, row or ctx.host_row(uid))
    return [str(line) for line in (await operations.logs(uid, operation)).get("lines") or []]
