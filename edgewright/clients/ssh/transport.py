"""paramiko's transport, with the algorithms for host keys that fit what is known, and silent."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable
from typing import Any, cast

import paramiko
from paramiko.compress import ZlibDecompressor
from paramiko.kex_curve25519 import KexCurve25519
from paramiko.packet import Packetizer

from edgewright.clients.ssh.auth.requests import Requests
from edgewright.clients.ssh.dial import Link
from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_blob

# Its messages name users and methods, and without a handler Python prints them over the console.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

MAX_PACKET = 262_144 + 64
"""Bytes of a packet (PACKET_MAX_SIZE of OpenSSH) with its MAC."""
MAX_EXTENSIONS = 128
"""Extensions that a host may name (RFC 8308); OpenSSH names three."""
FOREVER = 3600.0
"""Time-outs of paramiko: whoever waits ends the connection long before (`opening.py`)."""
HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Those of paramiko, without certificates."""
CURVE, OLD_CURVE = "curve25519-sha256", "curve25519-sha256@libssh.org"
"""One key exchange with two names: paramiko has the second alone, hosts that were hardened manually often the first."""


class BoundedPacketizer(Packetizer):
    """Reads packets of a length that OpenSSH accepts too; paramiko would collect 4 GB for one."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Return `n` bytes. Raises `SSHException` for more than a packet has."""
        if n > MAX_PACKET:
            raise paramiko.SSHException(f"a packet of {n} bytes")
        return super().read_all(n, check_rekey)


class Compressor:
    """Compresses with what was sent before, as OpenSSH does; paramiko forgets it with each packet."""

    def __init__(self) -> None:
        self.z = zlib.compressobj()

    def __call__(self, data: Any) -> bytes:
        """Return a packet compressed."""
        return self.z.compress(data) + self.z.flush(zlib.Z_PARTIAL_FLUSH)


class BoundedDecompressor(ZlibDecompressor):
    """Gives at most a packet that OpenSSH accepts; paramiko would make 260 MB of one."""

    def __call__(self, data: Any) -> bytes:
        """Return a packet without compression. Raises `SSHException` for one that is too long, or is none."""
        try:
            packet = self.z.decompress(data, MAX_PACKET)
        except zlib.error as error:
            raise paramiko.SSHException(f"no compressed packet: {error}") from None
        if self.z.unconsumed_tail:
            raise paramiko.SSHException("a compressed packet without end")
        return packet


class HostTransport(paramiko.Transport):
    """A connection to one host. `algorithms`: for its host key, most wanted first.

    Compression begins after the authentication only, as in OpenSSH since 7.4.
    """

    _compression_info = {"zlib@openssh.com": (Compressor, BoundedDecompressor), "none": (None, None)}
    _kex_info = {**vars(paramiko.Transport)["_kex_info"], CURVE: KexCurve25519}
    _preferred_kex = tuple(
        each
        for name in vars(paramiko.Transport)["_preferred_kex"]
        for each in ((CURVE, name) if name == OLD_CURVE else (name,))
    )

    def __init__(self, link: Link, algorithms: tuple[str, ...], *, compress: bool = False) -> None:
        super().__init__(cast("paramiko.Channel", link), packetizer_class=BoundedPacketizer)
        self._algorithms = algorithms
        self.service_accepted = False
        self.link = link
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = self.channel_timeout = FOREVER
        if compress:
            self._preferred_compression = ("zlib@openssh.com", "none")

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The algorithms for the host's key; paramiko would offer certificates last, and always."""
        return self._algorithms

    def _parse_ext_info(self, msg: paramiko.Message) -> None:
        """Take the extensions that a host names. Raises `SSHException` for more than `MAX_EXTENSIONS`."""
        if (count := paramiko.Message(msg.asbytes()).get_int()) > MAX_EXTENSIONS:
            raise paramiko.SSHException(f"{count} extensions")
        super()._parse_ext_info(msg)  # type: ignore[misc]

    def _attempt(self, send: Callable[[Requests, threading.Event], None]) -> list[str]:
        event = threading.Event()
        handler = self.auth_handler = Requests(self)
        send(handler, event)
        return list(handler.wait_for_response(event))

    def auth_none(self, username: str) -> list[str]:
        """Ask for the methods, as an authentication by none. Raises `BadAuthenticationType` with them."""
        return self._attempt(lambda handler, event: handler.auth_none(username, event))

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """Show a key; return the methods that are wanted further. Raises `AuthenticationException`."""
        return self._attempt(lambda handler, event: handler.auth_publickey(username, key, event))

    def auth_password(
        self, username: str, password: str, event: threading.Event | None = None, fallback: bool = False
    ) -> list[str]:
        """Send a password; return the methods that are wanted further. Raises `AuthenticationException`."""
        return self._attempt(lambda handler, event: handler.auth_password(username, password, event))

    def auth_interactive(self, username: str, handler: Any, submethods: str = "") -> list[str]:
        """Answer questions; return the methods that are wanted further. Raises `AuthenticationException`."""
        return self._attempt(lambda requests, event: requests.auth_interactive(username, handler, event, submethods))

    def wants_key(self, username: str, kind: str, blob: bytes) -> bool:
        """Return whether the host would take a key or certificate, which signs nothing yet."""
        event = threading.Event()
        handler = self.auth_handler = Requests(self)
        try:
            handler.ask(username, kind, blob, event)
            handler.wait_for_response(event)
        except paramiko.AuthenticationException:
            if not self.is_active():
                raise
        return handler.wanted

    def shown_key(self) -> HostKey:
        """Return the key, or the certificate, that the host has shown and signed with."""
        key = self.get_remote_server_key()
        blob = key.public_blob
        return key_of_blob(key.asbytes() if blob is None else blob.key_blob)

    def offered_by_host(self) -> tuple[str, ...]:
        """Return the algorithms for its key that the host offered: the second list of its first packet (RFC 4253, 7.1).

        paramiko forgets it where there is none in common. Empty where the packet did not arrive.
        """
        text = self.link.beginning
        start = text.find(b"\n", max(0, text.find(b"SSH-")))
        message = paramiko.Message(text[start + 1 :])
        message.get_bytes(4 + 1 + 1 + 16)  # length, padding, kind, cookie
        message.get_binary()
        names = message.get_binary().decode("ascii", "replace")
        return tuple(name for name in names.split(",") if name)

    def end(self) -> None:
        """Close it, and the timer of its handshake, whose thread would live on."""
        self.close()
        self.packetizer.complete_handshake()
        self.link.close()
