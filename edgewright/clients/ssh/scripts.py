"""One script on a session channel: sent to the stdin of a shell, its outputs read until they end or are too long."""

from __future__ import annotations

import select
import time

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from edgewright.clients.ssh.ports import EachPiece, ScriptResult

COMMAND = "exec sh -s"
SUDO_COMMAND = "exec sudo -n sh -s"
"""What a host executes; nothing else ever is."""
PIECE = 32_768
WAIT = 0.5
"""Seconds after which the thread looks whether it was stopped."""
GRACE = 5.0
"""Seconds until the exit status arrives after both outputs have ended."""


def begin(transport: paramiko.Transport, channel: paramiko.Channel, command: str) -> None:
    """Ask for a command without waiting for the answer, a round trip: `channel.event_ready` is set once it is taken.

    A host that refuses it closes the channel. Raises as paramiko does.
    """
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_REQUEST)
    request.add_int(channel.remote_chanid)
    request.add_string("exec")
    request.add_boolean(True)
    request.add_string(command)
    channel._event_pending()  # type: ignore[attr-defined]
    transport._send_user_message(request)  # type: ignore[attr-defined]


class ScriptRun:
    """A script that runs once. `run` blocks, `stop` may be called from another thread."""

    def __init__(
        self, transport: paramiko.Transport, script: bytes, limit: int, sudo: bool, each_piece: EachPiece | None = None
    ) -> None:
        self._transport, self._script, self._limit, self._sudo = transport, script, limit, sudo
        self._each_piece = each_piece
        self._channel: paramiko.Channel | None = None
        self._stopped = False

    def stop(self) -> None:
        """End it: the host closes the shell's stdin and outputs."""
        self._stopped = True
        if self._channel is not None:
            self._channel.close()

    def run(self) -> ScriptResult:
        """Return what it left. Raises `paramiko.SSHException`, `OSError`, `EOFError` where the connection ends."""
        began = time.monotonic()
        self._channel = channel = self._transport.open_session()
        try:
            if self._stopped:
                raise EOFError
            begin(self._transport, channel, SUDO_COMMAND if self._sudo else COMMAND)
            outputs = (bytearray(), bytearray())
            cut = self._exchange(channel, outputs)
            if not channel.event_ready:
                raise paramiko.SSHException("the host does not execute it")
            status = -1 if cut else self._status(channel)
        finally:
            channel.close()
        stdout, stderr = (bytes(output[: self._limit]) for output in outputs)
        return ScriptResult(status, stdout, stderr, cut, time.monotonic() - began)

    def _exchange(self, channel: paramiko.Channel, outputs: tuple[bytearray, bytearray]) -> bool:
        """Send the script and read both outputs; return whether one was longer than the limit."""
        rest = memoryview(self._script)
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        open_ = True
        while True:
            while channel.recv_ready() and len(outputs[0]) <= self._limit:
                outputs[0].extend(piece := channel.recv(PIECE))
                if self._each_piece is not None:
                    self._each_piece(piece)
            while channel.recv_stderr_ready() and len(outputs[1]) <= self._limit:
                outputs[1].extend(channel.recv_stderr(PIECE))
            if max(len(outputs[0]), len(outputs[1])) > self._limit:
                return True
            if self._stopped or not self._transport.is_active():
                raise EOFError
            if (channel.eof_received or channel.closed) and not (channel.recv_ready() or channel.recv_stderr_ready()):
                return False
            if rest and channel.send_ready():
                rest = rest[channel.send(bytes(rest[:PIECE])) :]
                continue
            if open_ and not rest:
                channel.shutdown_write()
                open_ = False
            poll.poll(20 if rest else WAIT * 1000)

    def _status(self, channel: paramiko.Channel) -> int:
        """Return the exit status, -1 where the host reported none (a signal ended the script)."""
        channel.status_event.wait(GRACE)
        if channel.exit_status == -1 and not self._transport.is_active():
            raise EOFError
        return channel.exit_status
