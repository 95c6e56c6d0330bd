"""One try on one host over SSH: forward step by step until it has registered, and back when that fails."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from edgewright.clients.ports import CanDeleteHosts, CanListHosts
from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.install.preflight import HostState
from edgewright.clients.ssh.install.remote import Installation, undo
from edgewright.commands.host.install_input import Inputs, MadeToken, to_the_end
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost, host_of
from edgewright.commands.site.connecting import connect
from edgewright.commands.site.sizes import progress_text
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, NotFound, Refused, TimedOut, Unreachable
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


class Done(NamedTuple):
    """What was done: `installed`, `registered` (it was), `completed`, `undone` or `nothing-to-undo`, and a sentence."""

    result: str
    message: str
    uid: str = ""
    health: str = ""


async def carry_out(
    ctx: CommandContext, work: Work, token: MadeToken | None, patience: float, report: Callable[[str], None]
) -> Done:
    """Do the work of one host. Raises what failed, after everything was taken back."""
    if work.way == "undo":
        return await _undone(work)
    if work.way != "install":
        if work.way == "complete":
            await Installation(work.connection, "", "", work.host).finish()
        sentence = f"{work.host} is installed and registered as {work.uid}."
        return Done("completed" if work.way == "complete" else "registered", sentence, work.uid)
    return await Attempt(ctx, work, token, report).run(patience)


async def _undone(work: Work) -> Done:
    status = await undo(work.connection, work.host)
    if status is None:
        return Done("nothing-to-undo", f"There is nothing to undo on {work.host}.")
    message = f"Undone: {work.host} is as it was."
    if status.get("registered"):
        uid = clean(status.get("uid"), 128)
        message += f" The plane still has the host {uid}: edgewright host delete {shlex.quote(uid)}"
    return Done("undone", message)


class Attempt:
    """One try: forward step by step, and back. `token` is one that was made for this run, None for another."""

    def __init__(self, ctx: CommandContext, work: Work, token: MadeToken | None, report: Callable[[str], None]) -> None:
        assert work.state is not None and work.inputs is not None
        self._ctx, self._work, self._report = ctx, work, report
        self._inputs, self._state = work.inputs, work.state
        self._run = secrets.token_hex(8)
        self._began = times.now()
        self._made = token
        self._uid, self._registered = "", False

    async def run(self, patience: float) -> Done:
        """Return what was done; raises what failed, with what became of the host."""
        try:
            registered_host = await self._forward(patience)
        except EdgewrightError as error:
            left = await self._taken_back(error)
            known = error.code == "ConnectionLost" and left.startswith("Undone")  # what was done there before it broke
            raise type(error)(error.message, left if known else f"{error.hint} {left}".strip(), error.code) from None
        except BaseException as error:
            left = await self._taken_back(error)
            self._report(left)
            error.add_note(left)
            raise
        uid, health = registered_host.uid, registered_host.row.health
        now = "healthy" if health == "healthy" else f"{health} until now: edgewright host show {shlex.quote(uid)}"
        return Done("installed", f"{self._work.host} is installed, registered as {uid} and {now}.", uid, health)

    async def _forward(self, patience: float) -> FoundHost:
        inputs, work = self._inputs, self._work
        if self._state.stage == "began":
            await undo(work.connection, work.host)
            self._report("what the installation that was cut had made is taken back")
        text = inputs.token or (self._made.text if self._made is not None else "")
        files = {"user-data": inputs.user_data}
        if text:
            files["token"] = text.encode() + b"\n"
        if inputs.ca:
            files["ca.crt"] = inputs.ca
        python = "" if inputs.arch else self._state.python
        remote = Installation(work.connection, self._run, python, work.host)
        await remote.send(
            inputs.program, files, self._report, lambda progress: self._report(f"sent {progress_text(progress)}")
        )
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
            status = await self._look(remote)
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

    async def _look(self, remote: Installation) -> dict[str, Any]:
        """Return the agent's status, and remember it."""
        status = await remote.status()
        self._registered = False
        self._remember(status)
        return status

    def _remember(self, status: Mapping[str, Any]) -> None:
        """Remember by which UID the agent registers, and whether it has."""
        self._uid = clean(status.get("uid"), 128) or self._uid
        self._registered = self._registered or bool(status.get("registered"))

    async def _taken_back(self, error: BaseException) -> str:
        """Take everything back, whoever cancels; an end of the program (a further Ctrl-C) is reported."""
        try:
            return await to_the_end(self._back(error))
        except asyncio.CancelledError:
            return self._not_undone("the program was ended before")

    def _not_undone(self, reason: str) -> str:
        return (
            f"It could not be undone ({reason}): run the command again to continue, "
            f"or undo it: edgewright host install {shlex.quote(self._work.target)} --undo"
        )

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
            return self._not_undone(clean(str(failed), 200).rstrip("."))
        return f"Undone: {work.host} is as it was.{await self._leave_plane()}"

    async def _undo_there(self) -> None:
        """Undo on this connection, or on a new one where it ended."""
        if self._work.connection.alive:
            try:
                await self._undo_by(self._work.connection)
                return
            except (Unreachable, TimedOut, Refused):
                pass  # a connection that ends is noticed late
        again = await connect(self._work.target, self._ctx)
        try:
            await self._undo_by(again)
        finally:
            await again.aclose()

    async def _undo_by(self, connection: SshConnection) -> None:
        """Undo; the agent may have registered since the last look."""
        self._remember(await undo(connection, self._work.host, self._run) or {})

    async def _leave_plane(self) -> str:
        """Delete the host's record where this try made it; return what is left of it.

        The plane may have registered a host whose agent was stopped before it knew.
        """
        if not self._uid:
            return ""
        since = self._began - 5 if self._made is None or self._made.created is None else self._made.created
        uid = shlex.quote(self._uid)
        try:
            registered_host = host_of(await (await self._ctx.port(CanListHosts)).get(self._uid))
            created = None if registered_host is None else registered_host.row.created
            if created is not None and created >= since:
                await (await self._ctx.port(CanDeleteHosts)).delete(self._uid)
                return " Its record on the plane is deleted."
            if not self._registered:  # the plane knew it before
                return ""
        except NotFound:
            return ""
        except EdgewrightError as error:
            if not self._registered:
                reason = error.message.rstrip(".")
                return f" Whether it has registered is not known ({reason}): edgewright host show {uid}"
        return f" The plane still has the host {self._uid}: edgewright host delete {uid}"
