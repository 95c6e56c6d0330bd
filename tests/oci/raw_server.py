"""A server on loopback that answers each request with what a test gives: any bytes, at any pace, with TLS or not."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Handler = Callable[[socket.socket, bytes], None]
"""Gets the connection and the request (its head, and a body of known length); returning keeps the connection open."""


class RawServer:
    """Runs `handler` for each request. `requests` are the heads, `connections` counts those that spoke our protocol."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self.handler, self._context = handler, context
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = ("https" if context else "http") + f"://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # the thread in accept would take one more connection otherwise
        self._listener.close()

    def paths(self) -> list[str]:
        return [head.split(b" ")[1].decode() for head in self.requests]

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        try:
            if self._context is not None:
                link = self._context.wrap_socket(link, server_side=True)
            elif link.recv(1, socket.MSG_PEEK) == b"\x16":  # a TLS client: plain http is all there is
                link.recv(4096)
                link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            self.connections += 1
            with link.makefile("rb") as stream:
                while request := _request(stream):
                    self.requests.append(request)
                    self.handler(link, request)
        except (OSError, ValueError):
            pass  # the client went away, or the handler closed the connection
        finally:
            link.close()


def _request(stream: object) -> bytes:
    head, length = b"", 0
    while line := stream.readline():  # type: ignore[attr-defined]
        head += line
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        if line == b"\r\n":
            return head + stream.read(length)  # type: ignore[attr-defined, no-any-return]
    return b""


def reply(link: socket.socket, status: str, body: bytes = b"", **headers: str) -> None:
    """Send a complete response; underscores in names of headers become dashes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    link.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def give(status: str, body: bytes = b"", **headers: str) -> Handler:
    """Return a handler that always sends the same response."""
    return lambda link, request: reply(link, status, body, **headers)


def endless(link: socket.socket, head: bytes, piece: bytes, most: int) -> int:
    """Send `piece` again and again, `most` bytes at most; returns how many the client took before it went away."""
    sent = 0
    try:
        link.sendall(head)
        while sent < most:
            link.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


class Certificate(NamedTuple):
    """A server's TLS context for 127.0.0.1, and the file with its CA."""

    context: ssl.SSLContext
    ca: Path


def certificate(folder: Path) -> Certificate:
    """Make a self-signed certificate for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry of a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization
    ca, private = folder / "ca.crt", folder / "tls.key"
    ca.write_bytes(made.public_bytes(form.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, private)
    return Certificate(context, ca)
