"""A plane, or what stands in its place, that answers with garbage: the agent neither hangs nor keeps it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edgewright.agent.plane.client import Client, Reply, parse_endpoint
from edgewright.agent.plane.http_response import Answer
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.tls import make_context
from edgewright.agent.simulate import link as simulated_link
from edgewright.core.errors import Failed, TimedOut
from edgewright.wire.protocol.generations import Position
from tests.agent.conftest import Authority


@contextmanager
def trickle(authority: Authority, head: bytes, seconds: float) -> Iterator[int]:
    """A TLS server that sends `head`, then one byte after the other for some seconds, then hangs up."""
    pair = authority.issue("trickle")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = server.accept()
            with context.wrap_socket(caller, server_side=True) as link:
                link.recv(4096)
                link.sendall(head)
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    link.sendall(b"x")
                    time.sleep(0.05)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.close()
    thread.join(seconds + 5)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_p4_an_answer_that_trickles_counts_as_lost(
    authority: Authority, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answer, "max_seconds", 0.5)
    with trickle(authority, head, 20.0) as port:
        client = Client(parse_endpoint(f"https://127.0.0.1:{port}"), make_context(str(authority.file)))
        began = time.monotonic()
        with pytest.raises(TimedOut):
            client.call("GET", "/x")
        assert time.monotonic() - began < 15, "it does not wait for the end"


def test_p4_a_slow_answer_that_keeps_its_pace_is_taken_and_a_slower_one_is_lost(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answer, "grace", 0.3)
    monkeypatch.setattr("edgewright.agent.plane.http_response.LEAST_RATE", 1.0)
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"  # 20 bytes a second at most, as `trickle` sends them
    with trickle(authority, whole, 20.0) as port:
        client = Client(parse_endpoint(f"https://127.0.0.1:{port}"), make_context(str(authority.file)))
        assert client.call("GET", "/x").body == b"x" * 20
        client.close()
    monkeypatch.setattr("edgewright.agent.plane.http_response.LEAST_RATE", 100.0)
    with trickle(authority, whole, 20.0) as port:
        client = Client(parse_endpoint(f"https://127.0.0.1:{port}"), make_context(str(authority.file)))
        began = time.monotonic()
        with pytest.raises(TimedOut):
            client.call("GET", "/x")
        assert time.monotonic() - began < 15, "it does not wait for the end"


def test_p4_a_head_without_end_is_refused_soon(authority: Authority) -> None:
    with trickle(authority, b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, 20.0) as port:
        client = Client(parse_endpoint(f"https://127.0.0.1:{port}"), make_context(str(authority.file)))
        began = time.monotonic()
        with pytest.raises(Failed, match="head is too long"):
            client.call("GET", "/x")
        assert time.monotonic() - began < 15


FLOOD = 64 * 1024
"""Bytes that a reply may have in the tests of `MAX_REPLY`."""


@contextmanager
def flood(authority: Authority, head: bytes, piece: bytes) -> Iterator[tuple[int, list[int]]]:
    """A TLS server that sends `head`, then the same piece until nobody reads; yields its port and the bytes taken."""
    pair = authority.issue("flood")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    server = socket.create_server(("127.0.0.1", 0))
    sent = [0]

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = server.accept()
            caller.settimeout(20)
            with context.wrap_socket(caller, server_side=True) as link:
                link.recv(4096)
                link.sendall(head)
                while sent[0] < 256 * FLOOD:
                    link.sendall(piece)
                    sent[0] += len(piece)
                link.unwrap()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1], sent
    server.close()
    thread.join(30)


OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "no length": (OK + b"Connection: close\r\n\r\n", b"x" * 8192),
    "chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2000\r\n" + b"x" * 8192 + b"\r\n"),
    "a length of gigabytes": (OK + b"Content-Length: 9999999999\r\n\r\n", b"x" * 8192),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_reply_without_end_is_given_up_at_its_limit(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("edgewright.agent.plane.client.MAX_REPLY", FLOOD)
    with flood(authority, *ENDLESS[kind]) as (port, sent):
        client = Client(parse_endpoint(f"https://127.0.0.1:{port}"), make_context(str(authority.file)))
        with pytest.raises(Failed, match="too long"):
            client.call("GET", "/x")
        client.close()
    assert sent[0] < 200 * FLOOD, "the agent read on"


@pytest.mark.parametrize("kind", ["chunked", "a length of gigabytes"])
async def test_a_simulated_host_gives_up_a_reply_without_end_too(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(simulated_link, "MAX_REPLY", FLOOD)
    head, piece = ENDLESS[kind]
    reader = asyncio.StreamReader()
    reader.feed_data(head + piece * (3 * FLOOD // len(piece)))
    with pytest.raises(ValueError, match="too long"):
        await asyncio.wait_for(simulated_link._read_reply(reader), 5)


@pytest.mark.parametrize("body", [b"<html><body>Log in</body></html>", b"ok", b"[1"])
def test_p17_a_page_with_status_200_is_no_acknowledgement_of_a_heartbeat(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(parse_endpoint("https://plane"), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    plane = Plane(client, "h")
    plane.credential = "ewh_x"
    monkeypatch.setattr(client, "call", lambda *words: Reply(200, {}, body))
    with pytest.raises(Failed, match="not understood"):
        plane.heartbeat({"state": "healthy"})
    with pytest.raises(Failed, match="not understood"):
        plane.config(Position("", 0))
    for good in (b"", b"{}", b'{"a": [1]}'):
        monkeypatch.setattr(client, "call", lambda *words, good=good: Reply(200, {}, good))
        plane.heartbeat({"state": "healthy"})


@pytest.mark.parametrize("text", ["ewh_a\r\nX-Evil: 1", "ewh_\u00e9\u20ac", "ewh_ a", "ewh_" + "a" * 5000, ""])
def test_p10_a_credential_that_no_header_can_carry_is_not_kept(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    body = json.dumps({"status": {"serviceAuthToken": text}}).encode()
    client = Client(parse_endpoint("https://plane"), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    monkeypatch.setattr(client, "call", lambda *words: Reply(200, {}, body))
    with pytest.raises(Failed):
        Plane(client, "h").register({})
