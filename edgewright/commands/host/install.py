"""Action: put the agent on a host over SSH, wait for its registration, and take everything back when that fails."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ports import CanDeleteHosts, CanListHosts, CanManageTokens
from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.install.preflight import HostState, problem
from edgewright.clients.ssh.install.remote import Installation, read_host, undo
from edgewright.clients.ssh.install.scripts import STAGE
from edgewright.commands.host import install_verbs as declared
from edgewright.commands.host.install_input import Inputs, MadeToken, make_token, read_inputs
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost, host_of
from edgewright.commands.site.connecting import check, connect
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, NotFound, Refused, TimedOut, Unreachable
from edgewright.core.text import clean

EVERY = 2.0
"""Seconds between two looks at the host while it registers."""
HEALTHY = 30.0
"""Seconds that a registered host has to be called healthy, before the verb ends all the same."""
REFUSED_TWICE = 2
NOT_OURS = ("TakenOver", "BadStage")
"""Codes of errors where what is on the host is not of this run: nothing of it is taken back."""


class Work(NamedTuple):
    """The work that a plan names. `way` is `install`, `undo`, `complete` (cut after the registration), `nothing`."""

    way: str
    target: str
    host: str
    connection: SshConnection
    state: HostState | None = None
    inputs: Inputs | None = None
    uid: str = ""


class HostInstall(declared.HostInstall):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the host and return what would be done. Raises `EdgewrightError` where it cannot be."""
        for port in (CanListHosts, CanManageTokens):
            await ctx.port(port)
        target = str(args["host"])
        check(target)
        cli = self.cli_line(targets, args)
        inputs = None if args.get("undo") else await read_inputs(ctx, args, lambda line: None)
        connection = await connect(target, ctx)
        ctx.at_end(connection.aclose)
        host = connection.facts.host
        if inputs is None:
            state = await read_host(connection, "")
            lines = (
                f"What an installation that was cut has made on {host} is removed, as {STAGE} there lists it.",
                *_registered_lines(state),
            )
            return Plan(f"Undo the installation of {host}", lines, (target,), (), cli, None,
                        Work("undo", target, host, connection))  # fmt: skip
        state = await read_host(connection, inputs.planes)
        uid = clean(state.status.get("uid"), 128)
        if state.ours and state.status.get("registered"):
            await self._same_plane(ctx, uid, host)
            way = "complete" if state.stage else "nothing"
            word = "It was cut after the registration: what was needed for it is removed." if state.stage else ""
            lines = (f"The agent is there and registered as {uid}.", *([word] if word else ()))
            work = Work(way, target, host, connection, state, inputs, uid)
            title = f"Nothing to do on {host}" if way == "nothing" else f"Complete the installation of {host}"
            return Plan(title, lines, (target,), (), cli, None, work, {}, way == "nothing")
        if state.ours and state.stage != "began":
            paths = clean(", ".join(state.values["ours"]), 200)
            raise Conflict(
                f"{host} has an Edgewright agent that is not registered, or what is left of one: {paths}.",
                f"See why: edgewright site doctor {shlex.quote(target)} (or remove it there: "
                "edgewright-agent uninstall --purge)",
                "AgentPresent",
            )
        refused = problem(state, binary_arch=inputs.arch, host=host)
        if refused is not None:
            raise refused
        work = Work("install", target, host, connection, state, inputs)
        return Plan(f"Install the agent on {host}", _lines(work), (target,), (), cli, None, work)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Do it. Raises what failed, after everything was taken back."""
        work: Work = plan.payload
        if work.way == "undo":
            state = await read_host(work.connection, "")
            there = await undo(work.connection, work.host)
            message = f"Undone: {work.host} is as it was." if there else f"There is nothing to undo on {work.host}."
            if there and state.stage == "began" and state.status.get("registered"):
                uid = clean(state.status.get("uid"), 128)
                message += f" The plane still has the host {uid}: edgewright host delete {shlex.quote(uid)}"
            return Outcome((work.target,), (), message)
        if work.way != "install":
            if work.way == "complete":
                await Installation(work.connection, "", "", work.host).finish()
            return Outcome((work.uid,), (), f"{work.host} is installed and registered as {work.uid}.")
        span = args.get("wait")
        patience = float(span) if isinstance(span, (int, float)) else times.parse_span(str(span or "3m"))
        return await Attempt(ctx, work, report).run(patience)

    async def _same_plane(self, ctx: CommandContext, uid: str, host: str) -> None:
        try:
            await (await ctx.port(CanListHosts)).get(uid)
        except NotFound:
            raise Conflict(
                f"{host} is registered as {uid}, and this plane does not know it: it belongs to another plane.",
                "Take the context of its plane, or remove the agent there: edgewright-agent uninstall --purge",
                "OtherPlane",
            ) from None


def _registered_lines(state: HostState) -> tuple[str, ...]:
    """Return what an undo takes with it, where the host has registered since."""
    if state.stage != "began" or not state.status.get("registered"):
        return ()
    return (
        f"It is registered as {clean(state.status.get('uid'), 128)}, and may run a cluster since: agent, settings and",
        "the data of the agent are removed. To complete the installation instead, run this without --undo.",
    )


def _lines(work: Work) -> tuple[str, ...]:
    state, inputs = work.state, work.inputs
    assert state is not None and inputs is not None
    name = "edgewright-agent" if inputs.arch else "edgewright-agent.pyz"
    runs = "a binary" if inputs.arch else clean(state.python, 80)
    lines = [
        f"Host: {clean(state.first('name'), 80)}, {state.arch}, runs the agent by {runs}; preflight passed.",
        f"Plane: {inputs.endpoint}, token: {inputs.token_from}",
        f"Written: /usr/local/lib/edgewright/{name} ({len(inputs.program)} bytes)",
        "Written: /etc/edgewright (token and user-data with mode 0600, CA), units edgewright-* in /etc/systemd/system",
        "Started: edgewright-agent, edgewright-reconciler, edgewright-relay; then the registration is waited for.",
        "A failure or Ctrl-C takes all of it back.",
    ]
    if state.stage == "began":
        lines.insert(0, "An installation of this host was cut: what it made is taken back first.")
    elif state.stage:
        lines.insert(0, "An installation of this host was cut while it was sent: it continues there.")
    return tuple(lines)


class Attempt:
    """One try: forward step by step, and back."""

    def __init__(self, ctx: CommandContext, work: Work, report: Callable[[str], None]) -> None:
        assert work.state is not None and work.inputs is not None
        self._ctx, self._work, self._report = ctx, work, report
        self._inputs, self._state = work.inputs, work.state
        self._run = secrets.token_hex(8)
        self._began = times.now()
        self._made: MadeToken | None = None
        self._uid, self._registered = "", False

    async def run(self, patience: float) -> Outcome:
        """Return the outcome; raises what failed, with what became of the host."""
        try:
            registered_host = await self._forward(patience)
        except EdgewrightError as error:
            left = await asyncio.shield(self._back(error))
            raise type(error)(error.message, f"{error.hint} {left}".strip(), error.code) from None
        except BaseException as error:
            self._report(await asyncio.shield(self._back(error)))
            raise
        finally:
            await self._forget_token()
        health = registered_host.row.health
        now = (
            "and healthy"
            if health == "healthy"
            else f"and {health} until now: edgewright host show {shlex.quote(registered_host.uid)}"
        )
        return Outcome(
            (registered_host.uid,), (), f"{self._work.host} is installed, registered as {registered_host.uid} {now}."
        )

    async def _forward(self, patience: float) -> FoundHost:
        inputs, work = self._inputs, self._work
        if self._state.stage == "began":
            await undo(work.connection, work.host)
            self._report("what the installation that was cut had made is taken back")
        text = inputs.token
        if not text and not inputs.own_token:
            self._made = await make_token(self._ctx, work.host)
            text = self._made.text
        files = {"user-data": inputs.user_data}
        if text:
            files["token"] = text.encode() + b"\n"
        if inputs.ca:
            files["ca.crt"] = inputs.ca
        python = "" if inputs.arch else self._state.python
        remote = Installation(work.connection, self._run, python, work.host)
        await remote.send(inputs.program, files, self._report)
        self._report("run the agent's installation")
        await remote.install(inputs.endpoint, text)
        registered_host = await self._registration(remote, patience)
        await remote.finish()
        return registered_host

    async def _registration(self, remote: Installation, patience: float) -> FoundHost:
        """Return the host as the plane knows it. Raises `Refused`, `TimedOut`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        hosts = await self._ctx.port(CanListHosts)
        refusals, message, since = 0, "", 0.0
        while True:
            status = await remote.status()
            self._uid = clean(status.get("uid"), 128) or self._uid
            self._registered = bool(status.get("registered"))
            message = clean(status.get("message"), 300)
            refusals = refusals + 1 if status.get("phase") in ("refused", "faulty") else 0
            if refusals >= REFUSED_TWICE:
                raise Refused(message or "The plane refuses the host.", clean(status.get("hint"), 300), "NotRegistered")
            if self._registered:
                since = since or loop.time()
                registered_host = None
                with contextlib.suppress(NotFound):
                    registered_host = host_of(await hosts.get(self._uid))
                if registered_host is not None and (
                    registered_host.row.health == "healthy" or loop.time() - since > HEALTHY
                ):
                    return registered_host
            left = end - loop.time()
            if left <= 0:
                raise TimedOut(
                    f"{self._work.host} has not registered within {patience:g} s"
                    f"{': ' + message if message else ''}.".replace("..", "."),
                    "Give it longer with --wait.",
                    "NotRegistered",
                )
            word = "registered; waiting for its health" if self._registered else "waiting for the registration"
            self._report(f"{word}, {left:.0f} s left")
            await asyncio.sleep(min(EVERY, max(left, 0.1)))

    async def _back(self, error: BaseException) -> str:
        """Take everything back; return a sentence about the host, or what is left on it."""
        work = self._work
        if isinstance(error, EdgewrightError) and error.code in NOT_OURS:
            return f"Nothing more was done on {work.host}."
        try:
            await self._undo_there()
        except (EdgewrightError, OSError) as failed:
            if isinstance(failed, EdgewrightError) and failed.code in NOT_OURS:
                return f"Nothing more was done on {work.host}."
            return (
                f"It could not be undone ({clean(str(failed), 200).rstrip('.')}): run the command again to continue, "
                f"or undo it: edgewright host install {shlex.quote(work.target)} --undo"
            )
        return f"Undone: {work.host} is as it was.{await self._leave_plane()}"

    async def _undo_there(self) -> None:
        """Undo on this connection, or on a new one where it ended."""
        if self._work.connection.alive:
            try:
                await undo(self._work.connection, self._work.host, self._run)
                return
            except (Unreachable, TimedOut, Refused):
                pass  # a connection that ends is noticed late
        again = await connect(self._work.target, self._ctx)
        try:
            await undo(again, self._work.host, self._run)
        finally:
            await again.aclose()

    async def _leave_plane(self) -> str:
        """Delete the host's record where this try made it; return what is left of it."""
        if not self._uid or not self._registered:
            return ""
        since = self._began - 5 if self._made is None or self._made.created is None else self._made.created
        try:
            registered_host = host_of(await (await self._ctx.port(CanListHosts)).get(self._uid))
            if (
                registered_host is not None
                and registered_host.row.created is not None
                and registered_host.row.created >= since
            ):
                await (await self._ctx.port(CanDeleteHosts)).delete(self._uid)
                return " Its record on the plane is deleted."
        except NotFound:
            return ""
        except EdgewrightError:
            pass
        return f" The plane still has the host {self._uid}: edgewright host delete {shlex.quote(self._uid)}"

    async def _forget_token(self) -> None:
        """Delete the token that was made; hosts that registered with it are not affected."""
        made, self._made = self._made, None
        if made is None:
            return
        try:
            await asyncio.shield((await self._ctx.port(CanManageTokens)).delete(made.uid))
        except EdgewrightError as error:
            self._report(f"The token {made.uid} is not deleted ({error.message}); it ends within an hour.")
