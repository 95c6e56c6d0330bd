"""A host's side of the relay in this process, and a stand-in for what listens at its ports."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.tls import make_context
from edgewright.agent.relay import bring as opening
from edgewright.agent.relay.pump import Ready
from edgewright.agent.relay.service import Relay
from edgewright.clients.http.credential import Credential
from edgewright.clients.http.transport import Transport
from edgewright.core.text import integer
from edgewright.wire import protocol
from edgewright.wire.protocol import relay
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub


@contextlib.contextmanager
def echo(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a port of 127.0.0.1 that sends back what it gets; with `context` over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(link: socket.socket) -> None:
            with contextlib.suppress(OSError):
                if context is not None:
                    link = context.wrap_socket(link, server_side=True)
                while data := link.recv(65_536):
                    link.sendall(data)
            link.close()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    threading.Thread(target=serve, args=(link,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


class HostSide:
    """One host: waits for work on its idle connection and brings streams; `ports` maps ports to those of stand-ins."""

    def __init__(self, hub: RunningHub, uid: str, credential: str, ports: dict[int, int]) -> None:
        self.hub, self.uid, self.credential, self.ports = hub, uid, credential, ports
        self.log = io.StringIO()
        self.relay = Relay(self.bring, AgentLog(stream=self.log, console=""))
        self.asked: list[relay.Asked] = []
        self._stop = threading.Event()
        self._request, self._link = socket.socketpair()
        self._threads = [threading.Thread(target=self._serve), threading.Thread(target=self._wait)]

    def bring(self, asked: relay.Asked) -> Ready:
        """Open a stream as the relay of a host does, to a stand-in's port."""
        return opening.bring(asked, self.way, self._local)

    def way(self) -> opening.Way:
        """Return a fresh way to the hub."""
        client = Client(parse_endpoint(self.hub.url), make_context(str(self.hub.ca)), str(self.hub.ca))
        return opening.Way(client, self.uid, self.credential)

    def _local(self, port: int) -> tuple[socket.socket | None, str]:
        if opening.refusal(port):
            return None, opening.refusal(port)
        link, reason = socket.create_connection(("127.0.0.1", self.ports[port])), ""
        return link, reason

    def beat(self, seq: int, **link: object) -> None:
        """Send a heartbeat that names how the link is."""
        beat = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b", "wake": "on", **link}}
        agent = self.hub.client(Authorization=self.credential)
        answer = agent.patch(protocol.path(protocol.HOST_HEALTH, uid=self.uid), json=beat)
        assert answer.status_code == 204
        self._take(answer.headers.get(relay.HEADER, ""))

    def _take(self, header: str) -> None:
        for asked in relay.read_header(header):
            self.asked.append(asked)
            self.relay.take(asked)
            self.relay.pump.wake()

    def _serve(self) -> None:
        self.relay.run(self._link, 600.0, self._stop.is_set)

    def _wait(self) -> None:
        hub, agent = self.hub, self.hub.client(Authorization=self.credential)
        path, generation, lineage = protocol.path(protocol.HOST_WAKE, uid=self.uid), 1, ""
        while not self._stop.is_set():
            if hub is not self.hub:
                hub, agent = self.hub, self.hub.client(Authorization=self.credential)
            try:
                query: dict[str, str | int] = {"generation": generation, "lineage": lineage, "seconds": 2}
                answer = agent.get(path, params=query)
            except Exception:
                time.sleep(0.2)
                continue
            generation = integer(answer.headers.get(protocol.H_GENERATION, "")) or generation
            lineage = answer.headers.get(protocol.H_LINEAGE, lineage)
            self._take(answer.headers.get(relay.HEADER, ""))
            time.sleep(0.02)

    def __enter__(self) -> HostSide:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.relay.pump.wake()
        for thread in self._threads:
            thread.join(10)


def host_side(site: Site, uid: str, ports: dict[int, int]) -> HostSide:
    """Return the side of a host of a site, which has sent a heartbeat."""
    side = HostSide(site.hub, uid, site.agents[uid].headers["Authorization"], ports)
    side.beat(2)
    return side


def client_of(hub: RunningHub, key: str = "", project: str = "") -> Transport:
    """Return a client of the plane."""
    return Transport(hub.url, Credential(api_key=key or hub.admin_key), hub.ca, project or None)


def until(check: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.02)
