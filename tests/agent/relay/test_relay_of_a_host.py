"""The relay of a host: what a plane or a local port may do to it, and what that costs the other streams."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.traffic import Traffic
from edgewright.agent.relay import bring
from edgewright.agent.relay.counted import Counter, read
from edgewright.agent.relay.pump import CHUNK, Pump, Ready, Stream
from edgewright.agent.relay.service import AT_ONCE, Relay
from edgewright.core.errors import Failed
from edgewright.wire import websocket
from edgewright.wire.protocol import relay
from edgewright.wire.websocket import BINARY, PING


class Plain(socket.socket):
    """A connection to the plane without TLS."""

    def pending(self) -> int:
        return 0


def ends() -> tuple[Ready, socket.socket, socket.socket]:
    """Return a stream, the plane's end of it and that of the local port."""
    (plane, other), (local, port) = socket.socketpair(), socket.socketpair()
    for link in (plane, other, local, port):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    own = Plain(fileno=plane.detach())
    for link in (own, local, other):
        link.setblocking(False)
    return Ready("a" * relay.ID_LENGTH, 22, cast(ssl.SSLSocket, own), local), other, port


def send(link: socket.socket, data: bytes) -> int:
    try:
        return link.send(data)
    except BlockingIOError:
        return 0


def test_pings_of_a_plane_that_does_not_read_take_no_memory() -> None:
    ready, plane, port = ends()
    stream, pings, waits = Stream(ready, 0.0), websocket.frame(PING, b"", False) * (CHUNK // 2), 0
    rest = b""
    for _ in range(400):
        rest = rest or pings
        rest = rest[send(plane, rest) :]
        stream.work(0.0)
        waits = max(waits, len(stream._to_plane))
        assert waits < 3 * CHUNK
    stream.close()
    plane.close()
    port.close()
    assert waits > 2 * CHUNK, "the plane did not read"


def test_a_local_port_that_takes_nothing_does_not_occupy_its_stream_for_ever() -> None:
    """The plane is not read meanwhile, so its end would not be noticed."""
    ready, plane, port = ends()
    reasons: list[str] = []
    pump = Pump(lambda stream, reason: reasons.append(reason))
    pump.add(ready)
    pump.turn(0.1)
    (stream,) = pump._each()
    for _ in range(200):
        send(plane, websocket.frame(BINARY, b"x" * 1000, False))
        pump.turn(0)
    assert stream.stuck
    plane.close()
    pump.look()
    assert reasons == [] and len(pump) == 1
    stream.waits_since -= relay.IDLE + 1
    pump.look()
    assert len(pump) == 0 and "took nothing for 18" in reasons[0]
    port.close()


def test_many_streams_at_once_take_no_more_threads_than_the_process_may_have() -> None:
    go, brought = threading.Event(), list[str]()

    def slow(asked: relay.Asked) -> Ready:
        go.wait(10)
        brought.append(asked.id)
        raise Failed("Nothing answers there.")

    service, before = Relay(slow, AgentLog(stream=io.StringIO(), console="")), set(threading.enumerate())
    for number in range(relay.MAX_ASKED):
        service.take(relay.Asked(f"{number:024x}", 22))
    new = set(threading.enumerate()) - before  # those of tests before it may end meanwhile
    assert len(new) == AT_ONCE and service.count == relay.MAX_ASKED
    go.set()
    until = time.monotonic() + 5
    while service.count and time.monotonic() < until:
        time.sleep(0.01)
    assert service.count == 0 and len(set(brought)) == relay.MAX_ASKED


def test_an_answer_that_drips_does_not_occupy_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "OPEN_WITHIN", 0.1)

    class Dripping:
        left = 40

        def settimeout(self, seconds: float) -> None:
            assert 0 < seconds <= 0.1

        def recv(self, count: int) -> bytes:
            time.sleep(0.02)
            self.left -= 1
            return b"x" if self.left else b""

    with pytest.raises(TimeoutError):
        bring._head(cast(ssl.SSLSocket, Dripping()))


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]


def test_p78_what_streams_cost_is_in_the_bytes_of_the_month(tmp_path: Path) -> None:
    """Each byte once: over restarts of the relay and of the link, and over a boot, after which the counter is new."""
    (near, far), (local, port) = pair(), socket.socketpair()
    pump = Pump(lambda stream, reason: None)
    pump.add(Ready("a" * relay.ID_LENGTH, 22, cast(ssl.SSLSocket, Plain(fileno=near.detach())), local))
    pump.turn(0.1)
    port.send(b"x" * 10_000)
    pump.turn(0.5)
    until = time.monotonic() + 5
    while pump.cost < 10_000 and time.monotonic() < until:
        pump.turn(0.05)
    pump.close()
    assert 10_000 <= pump.cost < 12_000, "the bytes of a stream that ended stay"
    far.close()
    port.close()
    path = str(tmp_path / "relay" / "traffic.json")
    Counter(path).write(pump.cost)
    folder = StateFolder(str(tmp_path / "data"), lambda priority, text: None)
    link = Traffic(folder)

    def note(traffic: Traffic) -> int:
        counted = read(path)
        assert counted is not None
        traffic.note_relay(counted.id, counted.bytes)
        return traffic.month_bytes

    assert note(link) == note(link) == pump.cost
    Counter(path).write(500)
    assert note(link) == pump.cost + 500
    link.save(force=True)
    link = Traffic(folder)
    assert note(link) == pump.cost + 500
    Path(path).unlink()
    Counter(path).write(800)
    assert note(link) == pump.cost + 1300
