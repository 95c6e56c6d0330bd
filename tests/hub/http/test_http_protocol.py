"""The bounded protocol without a network: however the bytes are cut, the same requests reach the application."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from edgewright.hub.http import bounds
from edgewright.hub.http.protocol import BoundedProtocol


class Wire(asyncio.Transport):
    """A transport that stores what is written, and whether the protocol reads."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 2)})
        self.written = bytearray()
        self.paused = self.closed = False

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


class Rig:
    """A protocol whose application reads each body and answers with its own number."""

    def __init__(self, hold: asyncio.Event | None = None) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self._hold = hold

        async def app(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body, more = body + message["body"], message["more_body"]
            self.seen.append((scope["path"], body))
            if self._hold is not None:
                await self._hold.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

        config = uvicorn.Config(cast(Any, app), lifespan="off", log_config=None)
        config.load()
        own = {"budget": bounds.Budget(), "peers": type(BoundedProtocol.peers)()}
        kind = type("Own", (BoundedProtocol,), own)
        self.wire = Wire()
        self.protocol = kind(config=config, server_state=ServerState(), app_state={})
        self.protocol.connection_made(self.wire)

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            for _ in range(2000):
                if not self.wire.paused:
                    break
                await asyncio.sleep(0)
            if self.wire.closed:
                return
            self.protocol.data_received(piece)
            await asyncio.sleep(0)

    async def settle(self) -> None:
        for _ in range(300):
            await asyncio.sleep(0)

    def reads(self) -> tuple[bool, int]:
        """Return whether the socket is read, and the bytes that the budget is charged with."""
        return not self.wire.paused, self.protocol.budget.used

    def end(self) -> None:
        self.protocol.connection_lost(None)
        assert self.protocol.budget.used == 0 and not self.protocol.peers


_bodies = st.sampled_from(
    [b"", b"{}", b"\r\n\r\n", b"a\n\r\nb" * 50, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 9, b"x" * 70_000]
)


@st.composite
def _streams(draw: st.DrawFn) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    expected, raw = [], b""
    for number in range(draw(st.integers(1, 8))):
        body, chunked = draw(_bodies), draw(st.booleans())
        head = b"POST /r%d HTTP/1.1\r\nHost: h\r\n" % number
        if chunked:
            size = draw(st.integers(1, 40_000))
            parts = [body[at : at + size] for at in range(0, len(body), size)]
            raw += head + b"Transfer-Encoding: chunked\r\n\r\n"
            raw += b"".join(b"%x;e=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n"
            raw += draw(st.sampled_from([b"", b"T: 1\r\nU: 2\r\n"])) + b"\r\n"
        else:
            raw += head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        raw += draw(st.sampled_from([b"", b"\r\n"]))
        expected.append((f"/r{number}", body))
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    return expected, [piece for piece in pieces if piece]


@settings(max_examples=150, deadline=None)
@given(_streams())
def test_requests_do_not_depend_on_how_the_bytes_are_cut(stream: tuple[list[tuple[str, bytes]], list[bytes]]) -> None:
    expected, pieces = stream

    async def run() -> None:
        rig = Rig()
        await rig.send(*pieces)
        await rig.settle()
        assert rig.seen == expected
        assert rig.wire.written.count(b"HTTP/1.1 200") == len(expected)
        assert not rig.wire.paused and not rig.wire.closed
        rig.end()

    asyncio.run(run())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([b"GET / HTTP/1.1\r\n", b"Host: h\r\n", b"\r\n", b"a: b"]))
    )
)
def test_garbage_is_refused_or_waited_for(pieces: list[bytes]) -> None:
    async def run() -> None:
        rig = Rig()
        await rig.send(*[piece for piece in pieces if piece])
        await rig.settle()
        rig.end()

    asyncio.run(run())


async def test_one_request_is_parsed_ahead_and_no_more() -> None:
    hold = asyncio.Event()
    rig = Rig(hold)
    ping = b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n"
    await rig.send(ping * 5000)
    await rig.settle()
    assert len(rig.seen) == 1 and len(rig.protocol.pipeline) == 1
    assert rig.reads() == (False, len(ping) * 4998)
    hold.set()
    while len(rig.seen) < 5000:
        await asyncio.sleep(0)
    await rig.settle()
    assert rig.reads() == (True, 0)
    rig.end()


async def test_a_peer_that_is_gone_is_reported_to_the_request_that_runs() -> None:
    hold = asyncio.Event()
    rig = Rig(hold)
    await rig.send(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n" * 2)
    await rig.settle()
    running = rig.protocol._running
    assert running is not None and running is not rig.protocol.cycle
    rig.end()
    assert running.disconnected
    hold.set()
    await rig.settle()
    assert not rig.wire.written


async def test_empty_lines_do_not_keep_a_connection_open() -> None:
    rig = Rig()
    rig.protocol.head_seconds = 0.2
    await rig.send(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
    await rig.settle()
    assert rig.seen
    for _ in range(30):
        await rig.send(b"\r\n")
        await asyncio.sleep(0.02)
    assert rig.wire.closed
    rig.end()


async def test_the_rest_of_a_body_after_its_answer_is_bounded() -> None:
    rig = Rig()

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    rig.protocol.app = cast(Any, refuse)
    rig.protocol.head_seconds = 0.3
    await rig.send(b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    await rig.settle()
    assert rig.wire.written.count(b"HTTP/1.1 401") == 1
    for _ in range(100):
        await rig.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
    assert rig.wire.closed and rig.wire.written.count(b"HTTP/1.1") == 1
    rig.end()


def test_one_site_is_one_address() -> None:
    assert bounds.network("2001:db8:1:2:3::1") == bounds.network("2001:db8:1:2::ffff") == "2001:db8:1:2::/64"
    assert bounds.network("2001:db8:1:3::1") != bounds.network("2001:db8:1:2::1")
    assert bounds.network("::ffff:192.0.2.1") == bounds.network("192.0.2.1") == "192.0.2.1"
    assert (bounds.network("fe80::1%eth0"), bounds.network(""), bounds.network("x")) == ("fe80::/64", "", "x")


def test_the_budget_is_shared_and_given_back() -> None:
    budget = bounds.Budget(1000)
    assert budget.take("192.0.2.1", 250) and not budget.take("192.0.2.1", 1)
    assert budget.take("2001:db8::1", 200) and not budget.take("2001:db8::2", 51)
    assert budget.take("192.0.2.2", 250) and budget.take("192.0.2.3", 250) and not budget.take("192.0.2.4", 51)
    for address, size in (("192.0.2.1", 250), ("2001:db8::2", 200), ("192.0.2.2", 250), ("192.0.2.3", 250)):
        budget.give(address, size)
    assert budget.used == 0 and not budget._by_address
