"""Action: change network settings of a host; the host goes back by itself unless the change is confirmed in time."""

from __future__ import annotations

import asyncio
import getpass
import platform
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.network import changing
from edgewright.clients.ssh.network.reading import read_network
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.network import verbs as declared
from edgewright.commands.site.network.document import plan_lines
from edgewright.commands.site.network.wanted import PROXIES, wanted_of
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, Refused, TimedOut, Unreachable
from edgewright.core.network.change import Change
from edgewright.core.network.plan import change_of
from edgewright.core.network.settings import HostNetwork, Wanted
from edgewright.core.slow_files import read_in_time
from edgewright.core.small_file import PATIENCE

ATTEMPT = 10.0
"""Seconds of one connection at least: one that began before the change may get no answer, and others follow."""
EVERY = 1.0
"""Seconds between two tries to reach the host again."""


class Work(NamedTuple):
    """What a plan names: the change, its host, and the connection that it begins on."""

    change: Change
    host: HostNetwork
    connection: Any
    within: int


def who() -> str:
    """Return who changes a host, as the host shows it to others."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "user"
    return f"{user} at {platform.node() or 'a console'}"


def within_of(args: Mapping[str, Any]) -> int:
    """Return the seconds of `--confirm-within`. Raises `InvalidInput`."""
    span = args.get("within")
    seconds = float(span) if isinstance(span, (int, float)) else times.parse_span(str(span or "2m"))
    if not 20 <= seconds <= 3600:
        raise InvalidInput(f"A change is confirmed within 20 s to 1 h, not {seconds:g} s.", "", "Within")
    return int(seconds)


async def _wanted(args: Mapping[str, Any]) -> Wanted:
    """Return what the options name; a file that does not answer ends the wait. Raises `EdgewrightError`."""
    files = [str(args[f"{name}_file"]) for name in PROXIES if args.get(f"{name}_file")]
    return await read_in_time(lambda: wanted_of(args), "-" if "-" in files else " or ".join(files), PATIENCE)


def plan_of(target: str, host: HostNetwork, wanted: Wanted, within: int, connection: Any, cli: str) -> Plan:
    """Return the plan of a change. Raises `InvalidInput` for values, `Conflict` where another change is there."""
    if host.pending is not None:
        by = f" by {host.pending.who}" if host.pending.who else ""
        raise Conflict(
            f"A change of this host{by} is not confirmed yet ({host.pending.left} s left).",
            f"Confirm it, or take it back: edgewright site network undo {shlex.quote(target)}",
            "ChangePending",
        )
    change = change_of(host, wanted)
    title = "Change the network settings of" if not change.nothing else "Nothing to change on"
    lines = plan_lines(change, within) if not change.nothing else ("All is set so already.",)
    work = Work(change, host, connection, within)
    return Plan(f"{title} {target}", lines, (target,), (), cli, None, work, {}, change.nothing)


class SiteNetworkSet(declared.SiteNetworkSet):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the host and return what would be done. Raises `EdgewrightError`.

        `site` and `network` of the arguments are those of the console, which has read them already.
        """
        wanted = args["wanted"] if "wanted" in args else await _wanted(args)
        within = within_of(args)
        if "site" in args:
            site = args["site"]
            return plan_of(site.target, args["network"], wanted, within, site, "")
        target = str(args["host"])
        check(target)
        connection = await connect(target, ctx)
        ctx.at_end(connection.aclose)
        host = await read_network(connection, patience=ctx.timeout)
        return plan_of(target, host, wanted, within, connection, self.cli_line(targets, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Begin the change; on the command line wait until the host answers a new connection. Raises what failed."""
        work: Work = plan.payload
        target = plan.touches[0]
        if plan.nothing:
            return Outcome(plan.touches, (), "All is set so already.")
        run = str(args.get("run") or "") or changing.new_run()
        connection = await args["site"].use() if "site" in args else work.connection
        report("save the old settings on the host, and start its timer")
        try:
            await changing.begin(connection, work.change, run, who(), work.within, patience=ctx.timeout)
        except (Unreachable, TimedOut) as error:
            error.hint = f"If the host has begun the change, it gives the old settings back in {work.within} s unless "
            look = f"it is confirmed: edgewright site network {shlex.quote(target)} shows that."
            error.hint += "it is confirmed; the page prompts for that." if "site" in args else look
            raise
        if "site" in args:
            return Outcome(plan.touches, (), "The host is applying the change.", run)
        report(f"begun; the host gives the old settings back in {work.within} s unless the change is confirmed")
        attempt = Attempt(ctx, target, work, run, report)
        return await attempt.follow(bool(args.get("confirm")))


class Attempt:
    """A change that was begun: the host is reached again, and the change confirmed where that was asked for."""

    def __init__(self, ctx: CommandContext, target: str, work: Work, run: str, report: Callable[[str], None]) -> None:
        self._ctx, self._target, self._work, self._run, self._report = ctx, target, work, run, report
        self._end = time.monotonic() + work.within

    async def follow(self, confirm: bool) -> Outcome:
        """Return how it went. Raises `Failed` where the host went back, `Unreachable` where it is not reached."""
        await self._work.connection.aclose()
        connection, state = await self._reach()
        try:
            if confirm and not self._confirmed(state):
                try:
                    await changing.confirm(connection, self._run, patience=self._ctx.timeout)
                except (Unreachable, TimedOut) as error:  # the host may have done it all the same
                    self._report(f"whether the host has confirmed it is looked up: {error.message}")
                    await connection.aclose()
                    connection, state = await self._reach()
                    if not self._confirmed(state):
                        await changing.confirm(connection, self._run, patience=self._ctx.timeout)
            if confirm or self._confirmed(state):
                return Outcome((self._target,), (), f"The new settings stay: {connection.facts.address} answers.")
        finally:
            await connection.aclose()
        left = state.pending.left if state.pending else 0
        at = self._work.change.address
        command = ["edgewright", "site", "network", "confirm", self._target, *(["--at", at] if at else [])]
        return Outcome(
            (self._target,),
            (),
            f"Applied, and {connection.facts.address} answers a new connection. The old settings return in {left} s "
            f"unless you confirm: {shlex.join(command)}",
        )

    def _confirmed(self, state: changing.HostChange) -> bool:
        """Return whether the change is confirmed: by an answer that was lost on its way, or by another console."""
        return state.ended(self._run) == "confirmed"

    async def _reach(self) -> tuple[SshConnection, changing.HostChange]:
        """Return a new connection to the host that has applied the change, or has confirmed it."""
        address = self._work.change.address
        turns = [address, ""] if address else [""]
        number, problem = 0, "no connection"
        while True:
            left = self._end - time.monotonic()
            if left < -15:
                raise Unreachable(
                    f"{self._target} is not reached: {problem}",
                    "Its time is over, so it has given its old settings back: try it at its old address.",
                    "NotReachedAgain",
                )
            await asyncio.sleep(EVERY)
            most = max(ATTEMPT, left / 4)
            try:
                connection = await connect(self._target, self._ctx, turns[number % len(turns)], most)
            except (Unreachable, TimedOut, Refused) as error:
                number += 1
                problem = error.message
                self._report(f"not reached yet, {max(left, 0):.0f} s left: {error.message}")
                continue
            try:
                state = await changing.look(connection, patience=self._ctx.timeout)
            except EdgewrightError as error:
                problem = error.message
                await connection.aclose()
                continue
            if self._confirmed(state):
                return connection, state
            if how := state.ended(self._run):
                await connection.aclose()
                raise Failed(
                    f"The old settings of {self._target} are there again: {changing.ENDS.get(how, how)}.",
                    f"The reason on the host: {state.reason}" if state.reason else "",
                    "GivenBack",
                )
            if state.pending is not None and state.pending.run == self._run and state.pending.applied:
                return connection, state
            await connection.aclose()
            self._report(f"the host applies the change, {max(left, 0):.0f} s left")
