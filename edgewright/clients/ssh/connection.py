"""An open connection to a host: scripts, channels to its neighbours, keep-alive, and its end.

Reconnecting with back-off belongs to whoever shows the host (the console later): `lost` is called once, with the
reason, and a new connection is opened by `connect` with the same arguments.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import paramiko

from edgewright.clients.ssh import refusals
from edgewright.clients.ssh.auth.asking import Asker
from edgewright.clients.ssh.commands.command import Arrived, CommandResult, CommandRun, as_root
from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.hostkeys.trust import KnowsHosts
from edgewright.clients.ssh.opening import OpenedHop, open_route
from edgewright.clients.ssh.ports import EachPiece, ScriptResult
from edgewright.clients.ssh.script_stream import SshScript, start
from edgewright.clients.ssh.scripts import ScriptRun
from edgewright.clients.ssh.streams import HostStream, HostTerminal, open_shell
from edgewright.clients.ssh.threads import in_thread
from edgewright.core.errors import EdgewrightError, Refused, TimedOut, Unreachable
from edgewright.core.text import clean

OPEN = 10.0
"""Seconds in which a connection opens, unless the caller or the configuration (`ConnectTimeout`) gives it others."""
ALIVE_INTERVAL, SILENCE = 15, 20.0
"""Where the configuration names no keep-alive (`ServerAliveInterval`): seconds between two requests, and after which an
answer that is waited for is taken as missing."""
CHANNEL_ERRORS = (paramiko.SSHException, OSError, EOFError)


class ConnectionFacts(NamedTuple):
    """What is shown about a connection. `via`: the jump hosts; `known_by`: what knows the host's key."""

    user: str
    host: str
    address: str
    via: tuple[str, ...]
    key: HostKey
    known_by: str
    method: str
    server: str
    seconds: float
    warnings: tuple[str, ...]
    plane_uid: str = ""
    """The uid of the host on the management plane, where its host key proved that it is that one."""


class SshConnection:
    """A connection with any number of scripts and channels at the same time; see `connect`."""

    def __init__(self, hops: Sequence[OpenedHop], warnings: Sequence[str], seconds: float) -> None:
        self._hops = tuple(hops)
        last = self._hops[-1]
        self._settings, self._transport = last.settings, last.transport
        self.facts = ConnectionFacts(
            user=last.settings.user,
            host=str(last.settings),
            address=last.address,
            via=tuple(hop.settings.name for hop in self._hops[:-1]),
            key=last.key,
            known_by=last.known_by,
            method=last.method,
            server=clean(last.transport.remote_version, 120),
            seconds=seconds,
            warnings=tuple(warnings),
        )
        interval, count = last.settings.alive_interval, max(1, last.settings.alive_count)
        self.silence = float(interval * count) if interval else SILENCE
        """Seconds after which a host that does not answer is taken as lost, by the configuration where it has that."""
        self._closing: asyncio.Future[None] | None = None
        self._asked = asyncio.Lock()
        self._reason = ""
        self.lost: Callable[[str], None] = lambda reason: None
        """Called once when the connection ends and was not closed; the argument is a sentence."""
        self._watch = asyncio.get_running_loop().create_task(self._watch_host(), name="ssh-keep-alive")

    @property
    def place(self) -> tuple[str, ...]:
        """The way to the host and its address with its port: the same for two names of one host."""
        return (self._hops[0].settings.proxy_command, *self.facts.via, self.facts.address)

    @property
    def alive(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return self._closing is None and self._transport.is_active()

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: EachPiece | None = None
    ) -> ScriptResult:
        """Run a script; see `ports.CanRunScript`."""
        sudo = sudo and self.facts.user != "root"
        run = ScriptRun(self._transport, script, limit, sudo, each_piece)
        work = in_thread(run.run, "ssh-script")
        try:
            result = await asyncio.wait_for(work, timeout)
        except TimeoutError:
            in_thread(run.stop, "ssh-stop")
            raise TimedOut(
                f"A script on {self.facts.host} took longer than {timeout:g} s and was ended.",
                "Try again; the host may be busy or its disk slow.",
                "ScriptTimeout",
            ) from None
        except asyncio.CancelledError:
            in_thread(run.stop, "ssh-stop")
            raise
        except CHANNEL_ERRORS as error:
            raise await self._not_opened(error, self._no_session()) from None
        if sudo and (refused := sudo_refusal(result, self.facts.user, self.facts.host)) is not None:
            raise refused
        return result

    async def run_command(
        self,
        command: str,
        *,
        limit: float,
        size: int,
        sudo: bool = False,
        stop: asyncio.Event | None = None,
        arrived: Callable[[Arrived], None] | None = None,
    ) -> CommandResult:
        """Give a command to the user's shell, with `sudo` to one of root; what it left until `limit` seconds or `stop`.

        `size`: bytes of each output that remain; `arrived` is called with what it prints while it runs. A connection
        that breaks is in the result. Raises `Refused`, `Unreachable` where it was not started.
        """
        sudo = sudo and self.facts.user != "root"
        loop = asyncio.get_running_loop()

        def show(what: Arrived) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(arrived, what)  # type: ignore[arg-type]

        text = as_root(command) if sudo else command
        run = CommandRun(self._transport, text, size, None if arrived is None else show)
        work = in_thread(run.run, "ssh-command")
        stopped = asyncio.ensure_future((stop or asyncio.Event()).wait())
        both: tuple[asyncio.Future[Any], ...] = (work, stopped)
        try:
            await asyncio.wait(both, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                run.end("ended" if stopped.done() else "late")
            result = await work
        except asyncio.CancelledError:
            run.end("ended")
            raise
        except CHANNEL_ERRORS as error:
            raise await self._not_opened(error, self._no_session()) from None
        finally:
            stopped.cancel()
        if sudo and result.status is not None and not result.output.lines:
            answer = ScriptResult(result.status, b"", "\n".join(result.errors.lines).encode(), False, 0.0)
            if (refused := sudo_refusal(answer, self.facts.user, self.facts.host)) is not None:
                raise refused
        return result

    async def _has_ended(self) -> bool:
        """Return whether the connection ended; its channels see it some moments before its thread has ended."""
        for _ in range(10):
            if not self._transport.is_active():
                return True
            await asyncio.sleep(0.05)
        return False

    async def _not_opened(self, error: Exception, refused: EdgewrightError) -> EdgewrightError:
        """Return the error for a channel that failed: `refused`, or that the connection is lost."""
        by_host = isinstance(error, paramiko.ChannelException)
        return self._lost_error() if not by_host and await self._has_ended() else refused

    def _no_session(self) -> Refused:
        return Refused(
            f"{self.facts.host} opens no further session on this connection.",
            "Its SSH server allows few at the same time (MaxSessions), or none without a terminal.",
            "NoSession",
        )

    async def _open(
        self, channel: Callable[[], paramiko.Channel], name: str, late: str, refused: EdgewrightError
    ) -> paramiko.Channel:
        """Return a channel that a thread opens. Raises `refused`, `Unreachable`, `TimedOut` with `late`."""
        try:
            return await asyncio.wait_for(in_thread(channel, name), OPEN)
        except TimeoutError:
            raise TimedOut(late, "Check the link.") from None
        except CHANNEL_ERRORS as error:
            raise await self._not_opened(error, refused) from None

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> SshScript:
        """Start a script whose output is read while it runs; see `bundle.ports.CanStreamScript`."""
        sudo = sudo and self.facts.user != "root"
        channel = await self._open(
            lambda: start(self._transport, script, sudo, window),
            "ssh-script",
            f"{self.facts.host} starts no script within {OPEN:g} s.",
            self._no_session(),
        )
        return SshScript(channel, self.facts.host, window)

    async def round_trip(self, patience: float = OPEN) -> float:
        """Return the seconds until the host answers a request of SSH. Raises `TimedOut`, `Unreachable`."""
        async with self._asked:
            began = time.monotonic()
            work = in_thread(lambda: self._transport.global_request("keepalive@openssh.com", wait=True), "ssh-alive")
            try:
                await asyncio.wait_for(work, patience)
            except TimeoutError:
                raise TimedOut(f"{self.facts.host} has not answered for {patience:g} s.", "Check the link.") from None
            except CHANNEL_ERRORS:
                raise self._lost_error() from None
            if not self._transport.is_active():
                raise self._lost_error()
            return time.monotonic() - began

    async def open_stream(self, host: str, port: int) -> HostStream:
        """Return a connection from the host to `host:port`, as it sees them. Raises `Unreachable`, `TimedOut`."""
        channel = await self._open(
            lambda: self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0)),
            "ssh-stream",
            f"{self.facts.host} opens no connection to {host}:{port} within {OPEN:g} s.",
            Unreachable(
                f"{host}:{port} is not reached from {self.facts.host}.",
                "Check that it listens there, and AllowTcpForwarding of the host's SSH server.",
                "NotReachedFromHost",
            ),
        )
        return HostStream(channel, self.facts.host)

    async def open_terminal(self, kind: str, columns: int, rows: int) -> HostTerminal:
        """Return a terminal with the user's shell; `kind` is `TERM`. Raises `Refused`, `Unreachable`, `TimedOut`."""
        channel = await self._open(
            lambda: open_shell(self._transport, kind, columns, rows),
            "ssh-terminal",
            f"{self.facts.host} opens no terminal within {OPEN:g} s.",
            Refused(
                f"{self.facts.host} opens no terminal on this connection.",
                "Its SSH server may allow none (PermitTTY), or few sessions at a time (MaxSessions).",
                "NoTerminal",
            ),
        )
        return HostTerminal(channel, self.facts.host)

    async def aclose(self) -> None:
        """End the connection and all that runs on it, without waiting for the host."""
        if self._closing is None:
            self._watch.cancel()
            self._closing = in_thread(self._close, "ssh-close")
        with contextlib.suppress(Exception):
            await asyncio.shield(self._closing)

    def _close(self) -> None:
        """End the first link first, then everything that went through it, and wait for the threads of paramiko."""
        for hop in self._hops:
            hop.transport.end()
        for hop in self._hops:
            hop.transport.join(2.0)

    def _lost_error(self) -> EdgewrightError:
        error = refusals.lost(self.facts.host)
        return Unreachable(self._reason, error.hint, error.code) if self._reason else error

    async def _watch_host(self) -> None:
        """Ask the host now and then; end the connection when it does not answer."""
        interval = self._settings.alive_interval or ALIVE_INTERVAL
        patience = float(interval * max(1, self._settings.alive_count))
        while True:
            await asyncio.sleep(interval)
            try:
                await self.round_trip(patience)
            except EdgewrightError as error:
                self._reason = error.message
                self._closing = in_thread(self._close, "ssh-close")
                self.lost(error.message)
                return


def sudo_refusal(result: ScriptResult, user: str, host: str) -> Refused | None:
    """Return why `sudo -n` did not run a script, None where it did."""
    errors = result.errors.decode("utf-8", "replace").lower()
    if result.output or result.status == 0:
        return None
    if result.status == 1 and errors.startswith("sudo:"):
        return Refused(
            f"sudo on {host} asks {user} for a password, or does not allow this.",
            f"Connect as root, or allow it: `{user} ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d/{user}.",
            "SudoRefused",
        )
    if result.status == 127 and "sudo" in errors and "not found" in errors:
        return Refused(f"{host} has no sudo.", "Connect as root.", "NoSudo")
    return None


async def connect(
    route: Sequence[HostSettings], sources: KnowsHosts, asker: Asker, *, timeout: float = OPEN
) -> SshConnection:
    """Return an open connection to the last host of a route (`config.resolve.route_of`).

    `timeout`: seconds in total, without the time of the operator; a shorter `ConnectTimeout` counts.
    Raises `Refused` (host key, authentication), `Unreachable`, `TimedOut`.
    """
    wanted = [host.connect_timeout for host in route if host.connect_timeout]
    seconds = min([timeout, *map(float, wanted)]) if len(route) == 1 else timeout
    hops, warnings, used = await open_route(route, sources, asker, seconds)
    warnings = [*(line for host in route for line in host.warnings), *warnings]
    return SshConnection(hops, warnings, used)
