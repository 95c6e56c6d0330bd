"""The way to the first host: a TCP connection without Nagle's delay, or the ProxyCommand of the configuration.

Both become a `Link`, which paramiko takes for a socket: it can be closed from another thread at any time, and a peer
that sends without end before anybody is authenticated is cut off.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any, Protocol

from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.core.text import clean

MAX_BEFORE_AUTHENTICATION = 1 << 20
"""Bytes that a host may send until a user is authenticated: banner, key exchange, questions."""
BEGINNING = 32_768
"""Bytes of them that are remembered: the banner, which must begin in them, and the offer for the key exchange."""
SLICE = 0.2
"""Seconds after which a connection under way looks whether it was given up."""
UNACKNOWLEDGED = 30_000
"""Milliseconds after which the kernel ends a connection whose data is not acknowledged (TCP_USER_TIMEOUT)."""
_FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}


class Pipe(Protocol):
    """A socket or a channel of paramiko."""

    def recv(self, size: int, /) -> bytes: ...  # noqa: D102
    def send(self, data: bytes, /) -> int: ...  # noqa: D102
    def settimeout(self, timeout: float, /) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Link:
    """A connection as paramiko uses it. `also_close` ends what carries it (a ProxyCommand)."""

    def __init__(self, pipe: Pipe, also_close: Callable[[], None] | None = None) -> None:
        self._pipe = pipe
        self._also_close = also_close
        self._closed = False  # paramiko reads this name
        self._early = 0
        self.beginning = b""
        self.authenticated = False

    def recv(self, size: int) -> bytes:
        """Return what arrived, b"" at the end. Raises `OSError` for too much before authentication."""
        data = self._pipe.recv(size)
        if not self.authenticated:
            self._early += len(data)
            if len(self.beginning) < BEGINNING:
                self.beginning += data
            no_banner = self._early > BEGINNING and b"SSH-" not in self.beginning
            if no_banner or self._early > MAX_BEFORE_AUTHENTICATION:
                raise OSError(errno.EMSGSIZE, "it sends without end")
        return data

    def send(self, data: bytes) -> int:
        """Send some of the data; return how much."""
        return self._pipe.send(data)

    def settimeout(self, timeout: float) -> None:
        """Set after how many seconds `recv` and `send` give up."""
        self._pipe.settimeout(timeout)

    def close(self) -> None:
        """End the connection; does not wait."""
        if self._closed:
            return
        self._closed = True
        if isinstance(self._pipe, socket.socket):
            try:
                self._pipe.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._pipe.close()
        if self._also_close is not None:
            self._also_close()


class BadBindAddress(OSError):
    """`BindAddress` of the configuration is none of this machine, or of another family than the host's address."""


def dial(host: HostSettings, given_up: Callable[[], bool]) -> tuple[Link, str]:
    """Return a link to a host and the address behind it. Raises `OSError`, `socket.gaierror`, `BadBindAddress`."""
    family = _FAMILIES[host.address_family]
    try:
        candidates = socket.getaddrinfo(host.host, host.port, family, socket.SOCK_STREAM)
    except UnicodeError:  # a part of the name is empty, or longer than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    failures: list[OSError] = []
    for number, (kind, _, protocol, _, address) in enumerate(candidates):
        patience = 3.0 if number < len(candidates) - 1 else 3600.0  # whoever waits for the last ends it
        try:
            return Link(_connect(kind, protocol, address, host.bind_address, patience, given_up)), _text(address)
        except OSError as error:
            failures.append(error)
    raise next((failure for failure in failures if not isinstance(failure, BadBindAddress)), failures[0])


def _connect(
    family: int, protocol: int, address: Any, bind: str, patience: float, given_up: Callable[[], bool]
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)
        if bind:
            try:
                connection.bind((bind, 0))
            except (OSError, UnicodeError) as error:
                raise BadBindAddress(errno.EADDRNOTAVAIL, getattr(error, "strerror", "") or str(error)) from None
        connection.setblocking(False)
        code = connection.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        poll = select.poll()
        poll.register(connection, select.POLLOUT)
        while not poll.poll(SLICE * 1000):
            patience -= SLICE
            if given_up() or patience <= 0:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        connection.close()
        raise
    return connection


def _text(address: Any) -> str:
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ProxyProcess:
    """The ProxyCommand of a user's configuration, with a socket as its stdin and stdout (`exec` by a shell).

    The names in it were checked before (`target.py`): no character in them means anything to the shell.
    """

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._last = b""
        self._reader = threading.Thread(target=self._read, name="ssh-proxy-errors", daemon=True)
        self._reader.start()
        self.link = Link(ours, self._end)

    def _read(self) -> None:
        errors = self._process.stderr
        assert errors is not None
        with errors:
            while data := os.read(errors.fileno(), 4096):
                self._last = (self._last + data)[-2000:]
        self._process.wait()

    def _end(self) -> None:
        """End the command and what it started; a group of processes exists until its first one was waited for."""
        if self._reader.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def reason(self) -> str:
        """Return the last line that the command wrote to stderr, "" for none."""
        self._reader.join(0.2)
        lines = [line for line in self._last.decode("utf-8", "replace").splitlines() if line.strip()]
        return clean(lines[-1].strip(), 200) if lines else ""
