"""Security keys (FIDO) through an agent: a stand-in for agent and token, and a real sshd that checks the signature."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edgewright.core.errors import Refused
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import Sshd

KIND, APPLICATION = b"sk-ssh-ed25519@openssh.com", b"ssh:"


def text(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class TokenAgent:
    """Answers as an agent with one security key does (PROTOCOL.u2f): the signature has flags and a counter."""

    def __init__(self, path: Path) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = text(KIND) + text(public) + text(APPLICATION)
        self.signatures, self.thinks = 0, 0.0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def line(self) -> str:
        return f"{KIND.decode()} {base64.b64encode(self.blob).decode()} token"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while header := connection.recv(4, socket.MSG_WAITALL):
                    request = connection.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)
                    connection.sendall(text(self._answer(request)))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == 11:
            return bytes([12]) + (1).to_bytes(4, "big") + text(self.blob) + text(b"token")
        blob, rest = request[5 : 5 + len(self.blob)], request[5 + len(self.blob) :]
        assert blob == self.blob
        data = rest[4 : 4 + int.from_bytes(rest[:4], "big")]
        self.signatures += 1
        time.sleep(self.thinks)
        flags, counter = bytes([1]), (7).to_bytes(4, "big")
        message = hashlib.sha256(APPLICATION).digest() + flags + counter + hashlib.sha256(data).digest()
        return bytes([14]) + text(text(KIND) + text(self._key.sign(message)) + flags + counter)


async def test_a_security_key_of_an_agent(key_files: dict[str, Path], tmp_path: Path) -> None:
    token = TokenAgent(tmp_path / "agent.sock")
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as server:
        server.authorized.write_text(token.line() + "\n")
        laptop = Laptop(tmp_path, agent=str(tmp_path / "agent.sock"))
        laptop.block("edge1", server.port, "/absent/key")
        laptop.knows(server, key_files["host-ed25519"])
        asker = Answers()
        connection = await laptop.open("edge1", asker)
        await connection.aclose()
        assert token.signatures == 1
        server.authorized.write_text("")
        with pytest.raises(Refused):  # no touch where the host does not want the key
            await laptop.open("edge1", Answers())
        assert token.signatures == 1
    token.close()
    assert connection.facts.method == "publickey sk-ssh-ed25519@openssh.com token (agent)"
    assert asker.notices == ["Confirm on the security key: sk-ssh-ed25519@openssh.com token (agent)."]


async def test_the_time_until_a_touch_is_that_of_the_operator(key_files: dict[str, Path], tmp_path: Path) -> None:
    token = TokenAgent(tmp_path / "agent.sock")
    token.thinks = 2.5
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as server:
        server.authorized.write_text(token.line() + "\n")
        laptop = Laptop(tmp_path, agent=str(tmp_path / "agent.sock"))
        laptop.block("edge1", server.port, "/absent/key")
        laptop.knows(server, key_files["host-ed25519"])
        connection = await laptop.open("edge1", Answers(), timeout=2.0)
        await connection.aclose()
        assert connection.facts.seconds < 2.0
    token.close()
