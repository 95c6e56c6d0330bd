"""Actions: confirm a change of network settings, or take it back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.network import changing
from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.target import is_address
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.network import verbs as declared
from edgewright.core.errors import Conflict, EdgewrightError, InvalidInput, TimedOut, Unreachable
from edgewright.core.network.settings import Pending
from edgewright.core.text import clean


async def _pending(connection: CanRunScript, target: str, patience: float) -> Pending:
    state = await changing.look(connection, patience=patience)
    if state.pending is None or not state.pending.run:
        how = changing.ENDS.get(state.last_end, "")
        ending = f": {how}" if how else ""
        raise Conflict(f"{target} has no change that waits{ending}.", "Nothing was done.", "NotPending")
    return state.pending


async def _plan(verb: type[Any], ctx: CommandContext, args: Mapping[str, Any], title: str, what: str) -> Plan:
    """Return the plan for the change that a host has; with `site` (of the console) its connection is used."""
    if "site" in args:
        target, run, by, cli = args["site"].target, str(args["run"]), "", ""
        work = (args["site"], run)
    else:
        target = str(args["host"])
        check(target)
        at = str(args.get("at") or "")
        if at and not is_address(at):
            raise InvalidInput(f"{clean(at, 60)} is not an address.", "For example: --at 10.4.1.8")
        connection = await connect(target, ctx, at)
        ctx.at_end(connection.aclose)
        pending = await _pending(connection, target, ctx.timeout)
        by, cli = f"The change is by {pending.who or 'somebody'}, {pending.left} s left.", verb.cli_line((), args)
        work = (connection, pending.run)
    return Plan(f"{title} {target}", tuple(filter(None, (by, what))), (target,), (), cli, None, work)


async def _connection(work: Any) -> Any:
    return await work.use() if hasattr(work, "use") else work


def _not_known(error: EdgewrightError, what: str, plan: Plan, args: Mapping[str, Any]) -> EdgewrightError:
    """Return the error of an answer that did not arrive, with where to look; nothing is sent without a connection."""
    if error.code != "NotConnected":
        command = f"edgewright site network {shlex.quote(plan.touches[0])} shows that."
        look = "the page shows that when it is connected again." if "site" in args else command
        error.hint = f"The host may have {what}: {look}"
    return error


class SiteNetworkConfirm(declared.SiteNetworkConfirm):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Look at the host. Raises `Conflict` where no change waits there."""
        what = "The new settings stay; the timer that would give the old ones back ends."
        return await _plan(declared.SiteNetworkConfirm, ctx, args, "Confirm the network settings of", what)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Confirm. Raises `Conflict` where the old settings returned meanwhile."""
        place, run = plan.payload
        try:
            await changing.confirm(await _connection(place), run, patience=ctx.timeout)
        except (Unreachable, TimedOut) as error:
            raise _not_known(error, "confirmed it", plan, args) from None
        return Outcome(plan.touches, (), "The new settings stay.")


class SiteNetworkUndo(declared.SiteNetworkUndo):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Look at the host. Raises `Conflict` where no change waits there."""
        what = "The host gives its old settings back in a second; this connection may be cut then."
        return await _plan(declared.SiteNetworkUndo, ctx, args, "Take back the network settings of", what)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Let the host go back. Raises `Conflict` where that happened meanwhile."""
        place, run = plan.payload
        try:
            await changing.give_back(await _connection(place), run, patience=ctx.timeout)
        except (Unreachable, TimedOut) as error:
            raise _not_known(error, "begun to give them back", plan, args) from None
        return Outcome(plan.touches, (), "The host gives its old settings back.")
