"""Keys of an SSH agent (draft-ietf-sshm-ssh-agent): listed, and asked for signatures.

paramiko's own client knows no `IdentityAgent`, waits without a limit, and offers an RSA certificate of an agent with
the bytes of its plain key.
"""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)

from edgewright.clients.ssh.hostkeys.keys import CERT, HostKey, key_of_blob
from edgewright.core.text import clean

LIST, LISTED, SIGN, SIGNED = 11, 12, 13, 14
MAX_MESSAGE = 262_144
"""Bytes of a message of the agent (AGENT_MAX_LEN of OpenSSH)."""
MAX_KEYS = 64
PATIENCE = 5.0
"""Seconds until an agent answers; a signature may wait for a touch of the key."""
TOUCH = 60.0
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


class AgentError(paramiko.SSHException):
    """The agent does not answer, or refuses."""


class Agent:
    """A connection to an agent. Its methods block: they belong into a thread.

    `waiting` is entered while it signs: the operator may have to confirm that, or to enter a PIN.
    """

    def __init__(self, path: str, waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext) -> None:
        self._waiting = waiting
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise AgentError(f"the agent at {clean(path, 200)} does not answer: {error.strerror or error}") from None

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def keys(self) -> list[AgentKey]:
        """Return its keys, `MAX_KEYS` at most. Raises `AgentError`."""
        message = self._ask(bytes([LIST]), LISTED, PATIENCE)
        keys = []
        for _ in range(min(message.get_int(), MAX_KEYS)):
            blob, comment = message.get_binary(), message.get_binary()
            with contextlib.suppress(ValueError):
                keys.append(AgentKey(self, key_of_blob(blob), clean(comment.decode("utf-8", "replace"), 120)))
        return keys

    def sign(self, blob: bytes, data: bytes, flags: int) -> bytes:
        """Return the signature of a key. Raises `AgentError` where the agent refuses."""
        request = paramiko.Message()
        request.add_byte(bytes([SIGN]))
        request.add_string(blob)
        request.add_string(data)
        request.add_int(flags)
        with self._waiting():
            return self._ask(request.asbytes(), SIGNED, TOUCH).get_binary()

    def _ask(self, request: bytes, answer: int, patience: float) -> paramiko.Message:
        try:
            self._socket.settimeout(patience)
            self._socket.sendall(len(request).to_bytes(4, "big") + request)
            size = int.from_bytes(self._receive(4), "big")
            if not 1 <= size <= MAX_MESSAGE:
                raise AgentError("the agent does not follow its protocol")
            data = self._receive(size)
        except OSError as error:
            raise AgentError(f"the agent does not answer: {error.strerror or error}") from None
        if data[0] != answer:
            raise AgentError("the agent refuses")
        return paramiko.Message(data[1:])

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise AgentError("the agent ended the connection")
            data += piece
        return data


class AgentKey(paramiko.PKey):
    """A key whose private part the agent has; with `certificate`, that is shown in place of the key."""

    def __init__(self, agent: Agent, key: HostKey, comment: str, certificate: HostKey | None = None) -> None:
        super().__init__()
        if key.kind.endswith(CERT):
            certificate, key = key, _plain(key)
        self._agent, self._key, self.comment = agent, key, comment
        self.public_blob = None if certificate is None else paramiko.pkey.PublicBlob(certificate.kind, certificate.blob)

    @property
    def key(self) -> HostKey:
        """The public key."""
        return self._key

    @property
    def _fields(self) -> tuple[str, bytes, bytes]:
        """What makes two keys the same for `==` and `hash`; the base class has none."""
        return self._key.kind, self._key.blob, b"" if self.public_blob is None else self.public_blob.key_blob

    def with_certificate(self, certificate: HostKey) -> AgentKey:
        """Return the key with a certificate from a file."""
        return AgentKey(self._agent, self._key, self.comment, certificate)

    def get_name(self) -> str:
        """Return the type of the key."""
        return self._key.kind

    def asbytes(self) -> bytes:
        """Return the bytes of the public key."""
        return self._key.blob

    def can_sign(self) -> bool:
        """Return True: the agent does."""
        return True

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> bytes:  # type: ignore[override]
        """Return the signature, as it is sent."""
        return self._agent.sign(self._key.blob, data, _FLAGS.get((algorithm or "").removesuffix(CERT), 0))


def _plain(certificate: HostKey) -> HostKey:
    """Return the key in a certificate; the certificate itself where its type is not known (security keys)."""
    text = f"{certificate.kind} {base64.b64encode(certificate.blob).decode()}".encode()
    try:
        identity = load_ssh_public_identity(text)
        if not isinstance(identity, SSHCertificate):
            return certificate
        line = identity.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return key_of_blob(base64.b64decode(line.split()[1]))
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):
        return certificate
