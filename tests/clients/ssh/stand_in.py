"""A server of SSH for what sshd does not do without PAM: passwords, questions, old keys. A stand-in, by paramiko."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery


class Rules(paramiko.ServerInterface):
    """Accepts what its attributes name; `first`: methods after which others are wanted (a second factor)."""

    def __init__(
        self, methods: str, password: str, answers: Sequence[str], prompts: Sequence[tuple[str, bool]]
    ) -> None:
        self.methods, self.password, self.answers, self.prompts = methods, password, list(answers), list(prompts)
        self.second = ""
        self.banner = ""

    def get_allowed_auths(self, username: str) -> str:
        return self.methods

    def get_banner(self) -> tuple[str, str]:
        return self.banner, "en"

    def _done(self, method: str) -> int:
        if self.second and self.methods != self.second:
            self.methods = self.second
            return AUTH_PARTIALLY_SUCCESSFUL
        return AUTH_SUCCESSFUL

    def check_auth_password(self, username: str, password: str) -> int:
        return self._done("password") if self.password and password == self.password else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._done("publickey") if "publickey" in self.methods else AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        return InteractiveQuery("Site login", "Enter what you know.", *self.prompts)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return self._done("keyboard-interactive") if responses == self.answers else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
        return True

    @staticmethod
    def _answer(channel: paramiko.Channel) -> None:
        while channel.recv(1024):
            pass
        channel.sendall(b"stand-in\n")
        channel.send_exit_status(0)
        channel.close()


Prepare = Callable[[paramiko.Transport], None]


class StandIn:
    """Serves on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, key: Path, rules: Callable[[], Rules], prepare: Prepare | None = None) -> None:
        self._key = paramiko.PKey.from_path(key)
        self._rules, self._prepare = rules, prepare
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._key)
            if self._prepare is not None:
                self._prepare(transport)
            self._transports.append(transport)
            try:
                transport.start_server(threading.Event(), self._rules())
            except (paramiko.SSHException, OSError, EOFError):
                transport.close()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for transport in self._transports:
            transport.close()
