"""Real receivers of alerts on loopback: an HTTP server and an SMTP server, each in a thread, that can be down."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from edgewright.hub.security import pki


class Webhooks:
    """What a webhook receiver got: `got` are `(headers, body)` of the requests that it accepted."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.refused: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/secret-path"

    def documents(self, but: str = "") -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got if not but or json.loads(body)["event"] != but]

    def ids(self) -> list[str]:
        return [headers["edgewright-delivery"] for headers, _ in self.got]

    def start(self) -> None:
        """Listen; the port is the same each time."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = outer.status  # a test changes it once the message is in a list
                if 200 <= status < 300:
                    outer.got.append((headers, body))
                else:
                    outer.refused.append(headers["edgewright-delivery"])
                time.sleep(outer.delay)  # it has the message, and the sender does not know it yet
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextlib.contextmanager
def webhooks() -> Iterator[Webhooks]:
    """Run a webhook receiver."""
    receiver = Webhooks()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


@contextlib.contextmanager
def raw_answers(content: bytes) -> Iterator[str]:
    """Answer every request with these bytes, and leave the connection open; gives the URL."""
    connections: list[socket.socket] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connections.append(self.request.dup())
            self.request.recv(65_536)
            self.request.sendall(content)
            connections[-1].recv(1)  # until the other end has left

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        finally:
            server.shutdown()
            for connection in connections:
                connection.close()


class Mails:
    """What an SMTP server got; `tls` is starttls, tls or none. `user` and `password` are demanded when set."""

    def __init__(self, folder: Path, tls: str, user: str = "", password: str = "") -> None:
        self.tls, self.user, self.password = tls, user, password
        self.got: list[Message] = []
        self.secured: list[bool] = []
        self.port = 0
        self.hang = False
        pki.ensure_certificates(folder, ("127.0.0.1", "localhost"), None, None, first_start=True)
        self.ca = (folder / pki.CA_CERT).read_text()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / pki.SERVER_CERT, folder / pki.SERVER_KEY)
        self._server: socketserver.ThreadingTCPServer | None = None

    def ids(self) -> list[str]:
        return [str(mail["Edgewright-Delivery"]) for mail in self.got]

    def start(self) -> None:
        """Listen; the port is the same each time."""
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, EOFError):
                    _Dialogue(outer, self.request).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Dialogue:
    """One SMTP session (RFC 5321, 3207, 4954), as far as a client of the hub uses it."""

    def __init__(self, mails: Mails, sock: socket.socket) -> None:
        self._mails = mails
        self._sock: socket.socket = sock
        self._secured = mails.tls == "tls"
        if self._secured:
            self._sock = mails.context.wrap_socket(sock, server_side=True)
        self._file = self._sock.makefile("rb")

    def _say(self, *lines: str) -> None:
        self._sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _line(self) -> str:
        line = self._file.readline(10_000)
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n")

    def run(self) -> None:
        while self._mails.hang:
            time.sleep(0.05)
        self._say("220 test")
        authorized = not self._mails.user
        while True:
            line = self._line()
            word = line.split(" ")[0].split(":")[0].upper()
            if word == "EHLO":
                offers = ["AUTH PLAIN"] if self._secured and self._mails.user else []
                offers += ["STARTTLS"] if self._mails.tls == "starttls" and not self._secured else []
                names = ["test", *offers]
                self._say(*[f"250{'-' if name != names[-1] else ' '}{name}" for name in names])
            elif word == "STARTTLS" and self._mails.tls == "starttls":
                self._say("220 go")
                self._sock = self._mails.context.wrap_socket(self._sock, server_side=True)
                self._file, self._secured = self._sock.makefile("rb"), True
            elif word == "AUTH":
                given = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                authorized = given == [self._mails.user, self._mails.password]
                self._say("235 ok" if authorized else "535 wrong")
            elif word == "DATA":
                self._say("354 go")
                lines = []
                while (text := self._line()) != ".":
                    lines.append(text.removeprefix("."))
                mail = message_from_bytes("\r\n".join(lines).encode(), policy=policy.default)
                self._mails.got.append(cast(Message, mail))
                self._mails.secured.append(self._secured)
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok" if authorized else "530 log in first")


@contextlib.contextmanager
def mails(folder: Path, tls: str = "starttls", user: str = "", password: str = "") -> Iterator[Mails]:
    """Run an SMTP server with a certificate of an authority in `folder`."""
    server = Mails(folder, tls, user, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def until(true: Callable[[], Any], within: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
