"""uvicorn with the bounds that an open port needs: deadlines for handshake and headers, a cap on connections."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Protocol, cast

import uvicorn

from edgewright.core import times
from edgewright.core.errors import Conflict, Failed
from edgewright.hub.http.bounds import Budget, network
from edgewright.hub.http.protocol import BoundedProtocol
from edgewright.hub.http.tls_reads import BufferedReads
from edgewright.hub.http.upgrade import UpgradableProtocol
from edgewright.hub.process.gate import Gate, Report
from edgewright.hub.process.options import ServeOptions

IDLE_SECONDS = 90
"""Longer than a heartbeat interval, so that an agent reuses its connection."""
GOODBYE, PEERS, ANSWERS = 1.0, 5.0, 25.0
"""Seconds of a stop after which idle connections are cut, those whose peer does not read, and all others."""


class Stop(Protocol):
    """What the application does when the server stops."""

    def begin(self) -> None:
        """Take no more writes, and end what would never end by itself."""

    def give_up(self) -> None:
        """Refuse the requests that still wait."""


class Server(uvicorn.Server):
    """Listens on sockets that were opened before; uvicorn's own signal handling stays."""

    def __init__(self, config: uvicorn.Config, stop: Stop, report: Report, caps: tuple[int, int]) -> None:
        self._ends = False
        self._wake: Callable[[], object] = lambda: None
        super().__init__(config)
        self._stop = stop
        self._report = report
        self._cap, self._cap_of_address = caps

    @property
    def should_exit(self) -> bool:
        """Whether the server ends; a signal sets it, and a hub that starts again."""
        return self._ends

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._ends = ends
        if ends:
            self._wake()

    async def main_loop(self) -> None:
        """Renew the header `Date`, which has the clock of the plane (rule P5), each second until the server ends.

        uvicorn's own wakes ten times a second, so that an idle hub would cost twice as much.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(ended.set)
        while not self.should_exit:
            date = formatdate(times.now(), usegmt=True).encode()
            self.server_state.default_headers = [(b"date", date), *self.config.encoded_headers]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what may be answered, for as long as a stop may take, then end the application (rule P50).

        uvicorn's own would cancel requests that wait for the disk, and answer them with 500 and a traceback.
        """
        began = time.monotonic()
        self._stop.begin()
        for gate in self.servers:
            gate.close()
        for sock in sockets or []:
            sock.close()
        for connection in self._open():
            connection.shutdown()
        await self._quiet(began + GOODBYE)
        for connection in self._open():
            connection.drop_idle()
        await self._quiet(began + PEERS)
        for connection in self._open():
            connection.drop_unread()
        await self._quiet(began + ANSWERS)
        self._stop.give_up()
        await self._quiet(began + ANSWERS + GOODBYE)
        for connection in self._open():
            connection.transport.abort()
        await self.lifespan.shutdown()

    def _open(self) -> list[BoundedProtocol]:
        return cast(list[BoundedProtocol], list(self.server_state.connections))

    async def _quiet(self, end: float) -> None:
        """Wait until every connection and request has ended, at most until `end`, or until a second Ctrl-C."""
        while (self.server_state.connections or self.server_state.tasks) and not self.force_exit:
            if time.monotonic() >= end:
                return
            await asyncio.sleep(0.02)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start on the given sockets; each connection passes the gate, where a broken handshake gets an address."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise Failed("The hub could not start; see its log.")
        gates = [Gate(sock, self.config.ssl, self._protocol, self._report, self._no_room) for sock in sockets or []]
        self.servers = cast(Any, gates)
        self.started = True

    def _no_room(self, address: str, shaking: int, shaking_from: int) -> str:
        """Return why there is no room for a connection from an address; empty when there is (see `Gate`)."""
        if len(self.server_state.connections) + shaking >= self._cap:
            return "the limit of connections is reached; further ones are closed until some end"
        peers = cast(type[BoundedProtocol], self.config.http_protocol_class).peers
        if peers[network(address)] + shaking_from >= self._cap_of_address:
            return "the limit of connections from one address is reached; further ones are closed until some end"
        return ""

    def _protocol(self) -> asyncio.BaseProtocol:
        make = cast(Any, self.config.http_protocol_class)
        protocol = make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return protocol if self.config.ssl is None else BufferedReads(protocol)


def bind(options: ServeOptions) -> socket.socket:
    """Open the listening socket; raises `Conflict` for a port in use, `Failed` for an address that is not ours."""
    host, port = options.address()
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, number)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
        sock.setblocking(False)
    except OSError as error:
        if error.errno == 98:
            raise Conflict(
                f"Port {port} of {host} is in use by another program.",
                "Choose another with --listen, or stop what uses it: ss -ltnp shows it.",
                code="PortInUse",
            ) from None
        raise Failed(
            f"The hub cannot listen on {options.listen}: {error.strerror or error}.",
            "Give an address of this machine: edgewright hub configure --address IP, or once --listen HOST:PORT.",
            code="Listen",
        ) from None
    return sock


def connection_cap(asked: int) -> int:
    """Return how many connections to take: what was asked, else nine tenths of the file descriptors allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 200_000) if hard != resource.RLIM_INFINITY else 200_000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return asked or int(soft * 0.9)


def make_server(
    app: Any,
    options: ServeOptions,
    certificate: str,
    key: str,
    stop: Stop,
    report: Report,
    budget: Budget | None = None,
) -> Server:
    """Return a server for the application, with TLS 1.2 or newer; `report` receives broken handshakes, `stop` the end.

    `budget` bounds the memory that peers without a credential use.
    """
    own = {"head_seconds": options.request_timeout, "budget": budget or Budget(), "peers": Counter()}
    protocol = type("HubProtocol", (UpgradableProtocol,), own)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The peer itself counts, never X-Forwarded-For: the audit log and the brake on wrong credentials rest on it.
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=5,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    cap = connection_cap(options.max_connections)
    share = options.max_connections_per_address or max(1, cap * 3 // 4)
    return Server(config, stop, report, (cap, share))
