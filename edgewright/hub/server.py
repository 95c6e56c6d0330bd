"""uvicorn with the bounds that an open port needs: deadlines for handshake and headers, a cap on connections."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import uvicorn

from edgewright.core.errors import Conflict, Failed
from edgewright.hub.gate import Gate, Report
from edgewright.hub.http_bounds import Budget
from edgewright.hub.http_protocol import BoundedProtocol
from edgewright.hub.options import ServeOptions

KEEP_ALIVE_SECONDS = 90
"""Longer than a heartbeat interval, so that an agent keeps its connection."""


class Server(uvicorn.Server):
    """Listens on sockets that were opened before; uvicorn's own signal handling is kept."""

    def __init__(
        self, config: uvicorn.Config, on_shutdown: Callable[[], None], report: Report, caps: tuple[int, int]
    ) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown
        self._report = report
        self._cap, self._cap_of_address = caps

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, then close as uvicorn does."""
        self._on_shutdown()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start on the given sockets; each connection passes the gate, where a broken handshake gets an address."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise Failed("The hub could not start; its log tells why.")
        gates = [Gate(sock, self.config.ssl, self._protocol, self._report, self._no_room) for sock in sockets or []]
        self.servers = cast(Any, gates)
        self.started = True

    def _no_room(self, address: str, shaking: int, shaking_from: int) -> str:
        """Return why there is no room for a connection from an address; empty when there is (see `Gate`)."""
        if len(self.server_state.connections) + shaking >= self._cap:
            return "the limit of connections is reached; further ones are closed until some end"
        peers = cast(type[BoundedProtocol], self.config.http_protocol_class).peers
        if peers[address] + shaking_from >= self._cap_of_address:
            return "the limit of connections from one address is reached; further ones are closed until some end"
        return ""

    def _protocol(self) -> asyncio.Protocol:
        make = cast(Any, self.config.http_protocol_class)
        return cast(
            asyncio.Protocol,
            make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state),
        )


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
            "Give an address of this machine with --listen.",
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
    on_shutdown: Callable[[], None],
    report: Report,
    budget: Budget | None = None,
) -> Server:
    """Return a server for the application, with TLS 1.2 or newer; `report` receives broken handshakes.

    `budget` bounds the memory that peers without a credential use.
    """
    own = {"head_seconds": options.request_timeout, "budget": budget or Budget(), "peers": Counter()}
    protocol = type("HubProtocol", (BoundedProtocol,), own)
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
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    cap = connection_cap(options.max_connections)
    share = options.max_connections_per_address or max(1, cap * 3 // 4)
    return Server(config, on_shutdown, report, (cap, share))
