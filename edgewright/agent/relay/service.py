"""The relay's own process: takes requests of the link, opens streams in threads, moves their bytes, ends when idle."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import OrderedDict, deque
from typing import Any, Callable, Deque, Optional

from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.enrolment import IDENTITY, REGISTRATION
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.settings import Flags, load_settings
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.addresses import Addresses
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.floor import Floor
from edgewright.agent.plane.proxy import choose_proxy
from edgewright.agent.plane.tls import make_context
from edgewright.agent.relay import bring as opening
from edgewright.agent.relay.counted import Counter, path_of
from edgewright.agent.relay.notice import MAX_DATAGRAM, SOCKET, read_notice
from edgewright.agent.relay.pump import Pump, Ready, Stream
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.wire.protocol.relay import HOST_STREAMS, Asked

IDLE = 300.0
"""Seconds without a stream after which the process ends; systemd starts it again with the next request."""
AT_ONCE = 16
"""Streams that are opened at the same time, each in a thread; systemd allows the process 48 (`TasksMax`)."""
LOOK = 5.0
REMEMBERED = 2000
"""Streams whose id is remembered: a plane names one in several answers until it was brought."""
_FIRST_FD = 3


class Relay:
    """Brings streams. `bring` opens one (see `relay.bring`)."""

    def __init__(self, bring: Callable[[Asked], Ready], log: agent_log.AgentLog) -> None:
        self._bring = bring
        self._log = log
        self.pump = Pump(self._ended)
        self._seen: "OrderedDict[str, None]" = OrderedDict()
        self._waiting: Deque[Asked] = deque()
        self._opening = self._threads = 0
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Return how many streams there are or are being opened."""
        return len(self.pump) + self._opening

    def take(self, asked: Asked) -> None:
        """Open a stream, unless it was taken before."""
        if asked.id in self._seen:
            return
        self._seen[asked.id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if self.count >= HOST_STREAMS:
            self._log(agent_log.WARNING, f"{HOST_STREAMS} streams are open, which is the limit; one more is refused.")
            return
        with self._lock:
            self._opening += 1
            self._waiting.append(asked)
            if self._threads >= AT_ONCE:
                return
            self._threads += 1
        threading.Thread(target=self._open_all, daemon=True).start()

    def _open_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                asked = self._waiting.popleft()
            self._open(asked)

    def _open(self, asked: Asked) -> None:
        try:
            ready = self._bring(asked)
        except EdgewrightError as error:
            self._log(agent_log.WARNING, f"{error.message} {error.hint}".strip())
        except Exception as error:  # one stream never ends the others
            self._log(agent_log.ERROR, f"The stream {asked.id} failed: {type(error).__name__}: {error}.")
        else:
            self._log(agent_log.INFO, f"Stream {asked.id} to port {asked.port} is open.")
            self.pump.add(ready)
        finally:
            with self._lock:
                self._opening -= 1
            self.pump.wake()

    def _ended(self, stream: Stream, reason: str) -> None:
        text = f"Stream {stream.ready.id} to port {stream.ready.port}: {reason}; {stream.sent} bytes sent,"
        self._log(agent_log.INFO, f"{text} {stream.received} received.")

    def run(
        self,
        link: socket.socket,
        idle: float = IDLE,
        stopped: Callable[[], bool] = lambda: False,
        counter: Optional[Counter] = None,
    ) -> None:
        """Serve until there was no stream for `idle` seconds, or `stopped`; `counter` gets what the streams cost."""
        link.setblocking(False)
        self.pump.also(link)
        busy = looked = time.monotonic()
        while not stopped():
            if self.pump.turn(min(LOOK, idle)):
                self._requests(link)
            now = time.monotonic()
            if now - looked >= LOOK:
                looked = now
                self.pump.look()
                self._count(counter)
            if self.count:
                busy = now
            elif now - busy >= idle:
                break
        self.pump.close()
        self._count(counter)

    def _count(self, counter: Optional[Counter]) -> None:
        try:
            if counter is not None:
                counter.write(self.pump.cost)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._log(agent_log.WARNING, f"The bytes of streams are not in those of the month: {reason}.")

    def _requests(self, link: socket.socket) -> None:
        while True:
            try:
                data = link.recv(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            for asked in read_notice(data):
                self.take(asked)


def listening(path: str = SOCKET) -> socket.socket:
    """Return the socket that systemd opened, else one of its own at `path`. Raises `Failed`."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=_FIRST_FD)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        link.bind(path)
    except OSError as error:
        link.close()
        reason = (error.strerror or str(error)).lower()
        raise Failed(
            f"The relay cannot listen at {path}: {reason}.", "Run it as root, or give --socket PATH."
        ) from None
    finally:
        os.umask(before)
    return link


def way_of(flags: Flags, log: agent_log.AgentLog) -> Callable[[], opening.Way]:
    """Return what gives the way to the plane, read from the link's own files for each stream."""
    folder, addresses = StateFolder(flags.data, log), Addresses()
    known = Floor(folder, Root(flags.root))

    def way() -> opening.Way:
        settings = load_settings(flags)
        body = folder.load(REGISTRATION) or {}
        credential, endpoints = str(body.get("credential") or ""), str(body.get("endpoint") or "")
        uid = str((folder.load(IDENTITY) or {}).get("uid") or "")
        if not (credential and endpoints and uid):
            raise Failed("This host is not registered, so it can bring no stream.", "Look at: edgewright-agent status")
        endpoint = parse_endpoint(addresses.name([text.strip() for text in endpoints.split(",") if text.strip()]))
        floor = known if known.wrong else None
        context = make_context(flags.ca, settings.ca_pems(), floor is not None)
        proxy = choose_proxy(endpoint.host, settings.site.https_proxy, settings.site.no_proxy)
        client = Client(endpoint, context, flags.ca, proxy, opening.OPEN_WITHIN, addresses=addresses, floor=floor)
        return opening.Way(client, uid, credential)

    return way


def run(namespace: Any) -> int:
    """Run the verb `relay`; returns the exit code."""
    flags = Flags(
        endpoint=namespace.endpoint, ca=namespace.ca, data=namespace.data, user_data=namespace.user_data,
        root=namespace.root,
    )  # fmt: skip
    log = agent_log.AgentLog(console="")
    way = way_of(flags, log)
    relay = Relay(lambda asked: opening.bring(asked, way), log)
    ends = threading.Event()

    def stop(_number: int, _frame: Any) -> None:
        ends.set()
        relay.pump.wake()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with listening(namespace.socket) as link:
        relay.run(link, IDLE, ends.is_set, Counter(path_of(namespace.socket)))
    return 0
