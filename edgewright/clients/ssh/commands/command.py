"""One command on a session channel, given to the user's shell as ssh does; its stdin is empty."""

from __future__ import annotations

import select
import shlex
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from edgewright.clients.ssh.commands.bounded import ArrivingLines, BoundedOutput, Output
from edgewright.clients.ssh.scripts import begin

PIECE = 32_768
WAIT = 0.25
"""Seconds after which the thread looks whether it is to end."""
OPENING = 10.0
"""Seconds in which a host opens a session."""
GRACE = 2.0
"""Seconds that a command has after SIGTERM, and an exit status after both outputs have ended."""

SHOW_EVERY = 0.5
MOST_SHOWN = 262_144
"""Bytes of each output whose lines are given while it runs."""

Ending = Literal["exit", "signal", "late", "ended", "lost"]
"""`exit`: with a status; `signal`: the host names none; `late`: its time was over; `ended`: the user ended it; `lost`:
the connection broke while it ran."""


class CommandResult(NamedTuple):
    """What a command left. `status`: None without one; `has_ended`: whether that is known."""

    ending: Ending
    status: int | None
    output: Output
    errors: Output
    seconds: float
    has_ended: bool


def as_root(command: str) -> str:
    """Return the command for a shell of root; the text is one quoted word of the user's shell."""
    return f"exec sudo -n sh -c {shlex.quote(command)}"


class Arrived(NamedTuple):
    """What a command printed until now, and the lines that were complete since the last time."""

    output: Output
    errors: Output
    new: tuple[str, ...]
    new_errors: tuple[str, ...]


class CommandRun:
    """A command that runs once. `run` blocks; `end` may be called from another thread.

    `arrived` is called in the thread of `run` while the command prints, every `SHOW_EVERY` seconds at most.
    """

    def __init__(
        self, transport: paramiko.Transport, command: str, size: int, arrived: Callable[[Arrived], None] | None = None
    ) -> None:
        self._transport, self._command = transport, command
        self._outputs = (BoundedOutput(size), BoundedOutput(size))
        self._arrived, self._is_new, self._shown = arrived, False, 0.0
        self._lines = (ArrivingLines(MOST_SHOWN), ArrivingLines(MOST_SHOWN))
        self._why: Ending | None = None
        self._signalled: Ending | None = None

    def end(self, why: Ending) -> None:
        """Send the command the signal TERM, and leave it after a moment."""
        self._why = self._why or why

    def run(self) -> CommandResult:
        """Return what it left. Raises as paramiko does where it was not started."""
        began = time.monotonic()
        channel = self._transport.open_session(timeout=OPENING)
        try:
            begin(self._transport, channel, self._command)  # a host that never answers must not outlast the time limit
            channel.shutdown_write()
            complete = self._read(channel)
            self._show(ended=True)
            if complete and not channel.event_ready:
                raise paramiko.SSHException("the host does not execute it")
            status = self._status(channel) if complete else None
        finally:
            channel.close()
        how: Ending = "exit" if status is not None else "signal" if complete else "lost"
        ending = self._signalled or how
        output, errors = (each.output() for each in self._outputs)
        return CommandResult(ending, status, output, errors, time.monotonic() - began, complete)

    def _read(self, channel: paramiko.Channel) -> bool:
        """Read both outputs to their end; return whether it was reached."""
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        patience: float | None = None
        while True:
            while channel.recv_ready():
                self._take(0, channel.recv(PIECE))
            while channel.recv_stderr_ready():
                self._take(1, channel.recv_stderr(PIECE))
            self._show()
            ended = channel.eof_received or channel.closed  # before it is looked whether something is left to read
            if ended and not (channel.recv_ready() or channel.recv_stderr_ready()):
                return bool(channel.eof_received) or self._transport.is_active()
            if not self._transport.is_active():
                return False
            if self._why is not None:
                now = time.monotonic()
                if patience is None:
                    patience, self._signalled = now + GRACE, self._why
                    _terminate(self._transport, channel)
                elif now > patience:
                    return False
            poll.poll(WAIT * 1000)

    def _take(self, which: int, data: bytes) -> None:
        self._outputs[which].add(data)
        if self._arrived is not None:
            self._lines[which].add(data)
            self._is_new = True
            self._show()

    def _show(self, *, ended: bool = False) -> None:
        """Report what arrived, if any; at the end also a line without an end."""
        now = time.monotonic()
        if self._arrived is None or not (ended or (self._is_new and now - self._shown >= SHOW_EVERY)):
            return
        self._is_new, self._shown = False, now
        lines, errors = (each.take(ended=ended) for each in self._lines)
        self._arrived(Arrived(self._outputs[0].output(), self._outputs[1].output(), lines, errors))

    def _status(self, channel: paramiko.Channel) -> int | None:
        channel.status_event.wait(GRACE)
        return channel.exit_status if channel.exit_status >= 0 else None


def _terminate(transport: paramiko.Transport, channel: paramiko.Channel) -> None:
    """Send the signal TERM to the command (RFC 4254, 6.9); hosts may ignore it, OpenSSH does in sessions of root."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string("TERM")
    transport._send_user_message(message)  # type: ignore[attr-defined]
