"""Requests of authentication: one request for the service in a connection, and the question whether a key is wanted.

paramiko's handler asks for the service before every attempt, a round trip each, and signs with every key at once. With
the question (RFC 4252, section 7), a passphrase or a touch of a security key is asked for only where it helps.
paramiko's `ServiceRequestingTransport` is not used: its request is sent before there is an event for the answer.
"""

from __future__ import annotations

import threading
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_USERAUTH_REQUEST

SERVICE, PROTOCOL = "ssh-userauth", "ssh-connection"
MAX_QUESTIONS = 16
"""Questions of a server in one round."""


class Requests(AuthHandler):
    """The handler of one attempt. `wanted` is set when the host answers that it would take the key of `ask`."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(transport)
        self.wanted = False
        self._question: tuple[str, str, bytes] | None = None

    def ask(self, username: str, kind: str, blob: bytes, event: threading.Event) -> None:
        """Ask whether a key may be shown; `blob`: the key or certificate."""
        with self.transport.lock:
            self.auth_event, self.auth_method, self.username = event, "publickey", username
            self._question = username, self._finalize_pubkey_algorithm(kind), blob  # type: ignore[attr-defined]
            self._request_auth()

    def _request_auth(self) -> None:
        if not getattr(self.transport, "service_accepted", False):
            super()._request_auth()  # type: ignore[misc]
            return
        message = paramiko.Message()
        message.add_string(SERVICE)
        message.rewind()
        self._parse_service_accept(message)

    def _parse_service_accept(self, message: Any) -> None:
        self.transport.service_accepted = True  # type: ignore[attr-defined]
        if self._question is None:
            super()._parse_service_accept(message)  # type: ignore[misc]
            return
        username, algorithm, blob = self._question
        request = paramiko.Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (username, PROTOCOL, "publickey"):
            request.add_string(text)
        request.add_boolean(False)
        request.add_string(algorithm)
        request.add_string(blob)
        self.transport._send_message(request)  # type: ignore[attr-defined]

    def _parse_userauth_info_request(self, message: Any) -> None:
        """Take message 60: it means that a key is wanted, or, for keyboard-interactive, questions.

        Raises `SSHException` for more questions than `MAX_QUESTIONS`; paramiko would collect 4 billion of them.
        """
        if self._question is None or self.auth_event is None:
            copy = paramiko.Message(message.asbytes())
            for _ in range(3):  # title, instructions, language
                copy.get_binary()
            if (count := copy.get_int()) > MAX_QUESTIONS:
                raise paramiko.SSHException(f"{count} questions at once")
            super()._parse_userauth_info_request(message)  # type: ignore[misc]
            return
        self.wanted = True
        self.auth_event.set()
