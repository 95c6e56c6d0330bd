"""Replies without end, without pace or with something else in them: each is given up within its bounds.

`tests/mutations.toml` names the line that each test protects.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Cancelled, EdgewrightError, Failed, Refused, TimedOut, Unreachable
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.pace import Limits, Pace, TooSlow
from edgewright.oci.pull import blob
from edgewright.oci.push import upload
from edgewright.oci.registry import MAX_MANIFEST, TRIES, Registry
from edgewright.oci.work import Unwatched
from tests.oci.fake_registry import FakeRegistry, digest_of
from tests.oci.raw_server import RawServer, endless, reply

Serve = Callable[..., RawServer]
DATA = os.urandom(300_000)
LIMITS = Limits(connect=2.0, wait=0.3, window=0.4, least=20_000, small=0.6)
MANIFEST = b'{"schemaVersion":2,"config":{},"layers":[]}'


def opened(server: RawServer, limits: Limits = LIMITS, **more: Any) -> Registry:
    return Registry(server.host, "a", Unwatched(), access=Access(), sleep=lambda seconds: None, limits=limits, **more)


def base(link: socket.socket, request: bytes) -> bool:
    """Answer the question whether this is a registry; returns whether it was that."""
    if request.startswith(b"GET /v2/ "):
        reply(link, "200 OK")
        return True
    return False


@pytest.mark.parametrize("framing", ["no length", "chunked"])
def test_a_manifest_without_end_is_given_up(serve: Serve, framing: str) -> None:
    taken: list[int] = []

    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        piece = bytes(65_536)
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        if framing == "chunked":
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            piece = b"10000\r\n" + piece + b"\r\n"
        taken.append(endless(link, head, piece, 4 * MAX_MANIFEST))
        raise OSError

    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="more than it may") as caught:
        there.manifest("t", "the base")
    assert caught.value.code == "ReplyTooLong"


def test_a_manifest_whose_length_is_too_large_is_not_read(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            time.sleep(1)

    began = time.monotonic()
    with opened(serve(handler)) as there, pytest.raises(Failed, match="more than it may"):
        there.manifest("t", "the base")
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("framing", ["no length", "chunked"])
def test_a_blob_without_end_is_given_up_at_its_size(serve: Serve, framing: str) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        piece = bytes(65_536)
        if framing == "chunked":
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            piece = b"10000\r\n" + piece + b"\r\n"
        endless(link, head, piece, 64 << 20)
        raise OSError

    received = 0
    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="longer than its manifest"):
        for piece in blob(there, digest_of(DATA), len(DATA), "a layer"):
            received += len(piece)
    assert received <= len(DATA)


def test_trailers_without_end_are_given_up(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        endless(link, head, b"X-More: yes\r\n" * 5000, 16 * MAX_MANIFEST)
        raise OSError

    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="more than it may"):
        there.manifest("t", "the base")


@pytest.mark.parametrize(
    "piece", [b"HTTP/1.1 100 Continue\r\n\r\n" * 100, b"X-More: yes\r\n" * 100], ids=["100 Continue", "headers"]
)
def test_a_head_without_end_is_given_up(serve: Serve, piece: bytes) -> None:
    sent: list[int] = []

    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        head = b"" if piece.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
        sent.append(endless(link, head, piece, 64 << 20))
        raise OSError

    with opened(serve(handler), Limits()) as there, pytest.raises(EdgewrightError, match="registry"):
        there.manifest("t", "the base")
    time.sleep(0.05)
    assert sent and max(sent) < 32 << 20


def drip(link: socket.socket, head: bytes) -> None:
    """Send one byte every 50 ms, for two seconds at most, and end the connection."""
    link.sendall(head)
    for _ in range(40):
        time.sleep(0.05)
        link.sendall(b"x")
    raise OSError


@pytest.mark.timeout(20)  # without its protection it never ends
def test_a_body_that_drips_is_given_up(serve: Serve, quick: None) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            drip(link, b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")

    server = serve(handler)
    with opened(server, LIMITS._replace(window=0.15)) as there, pytest.raises(TimedOut, match="too slow"):
        list(blob(there, digest_of(DATA), len(DATA), "a layer"))
    assert len(server.requests) == TRIES


def test_a_small_reply_that_drips_is_given_up_in_its_time(serve: Serve, quick: None) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            drip(link, b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n")

    limits = Limits(connect=2.0, wait=5.0, window=60.0, least=1, small=0.3)
    with opened(serve(handler), limits) as there, pytest.raises(TimedOut):
        there.send("GET", there.url("manifests/t"), "the base", tries=1)


def test_a_head_that_drips_is_given_up(serve: Serve, quick: None) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            drip(link, b"HTTP/1.1 200 OK\r\nX-Slow: ")

    with opened(serve(handler), LIMITS._replace(small=60.0)) as there, pytest.raises(TimedOut):
        there.send("GET", there.url("manifests/t"), "the base", tries=1)


def test_a_thin_link_that_delivers_is_given_its_time() -> None:
    pace = Pace(Limits())
    for _ in range(3600):  # an hour of 300 bytes a second
        pace.waited(1)
        pace.moved(300)


def test_a_byte_a_minute_is_not_delivering() -> None:
    pace = Pace(Limits())
    with pytest.raises(TooSlow):
        for _ in range(3):
            pace.waited(59)
            pace.moved(1)


def test_cancelling_does_not_wait_for_a_silent_registry(serve: Serve, quick: None) -> None:
    stop = threading.Event()

    class Job(Unwatched):
        def check(self) -> None:
            if stop.is_set():
                raise Cancelled

    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\nx")
            stop.set()
            time.sleep(5)

    began = time.monotonic()
    with Registry(serve(handler).host, "a", Job(), access=Access()) as there, pytest.raises(Cancelled):
        list(blob(there, digest_of(DATA), len(DATA), "a layer"))
    assert time.monotonic() - began < 2


def test_a_body_that_ends_early_without_a_length_is_continued(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        if b"Range: bytes=100000-" in request:
            return reply(link, "206 Partial Content", DATA[100_000:], Content_Range="bytes 100000-299999/300000")
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + DATA[:100_000])
        raise OSError

    with opened(serve(handler), Limits()) as there:
        assert b"".join(blob(there, digest_of(DATA), len(DATA), "a layer")) == DATA


def test_a_continuation_at_another_place_is_refused(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        if b"Range:" in request:
            return reply(link, "206 Partial Content", DATA[:200_000], Content_Range="bytes 0-199999/300000")
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + DATA[:100_000])
        raise OSError

    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="another place"):
        list(blob(there, digest_of(DATA), len(DATA), "a layer"))


def test_a_blob_that_is_shorter_than_its_manifest_states_is_no_broken_connection(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if base(link, request):
            return
        if b"Range:" in request:
            return reply(link, "416 Range Not Satisfiable")
        reply(link, "200 OK", DATA[:-1])

    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="shorter than its manifest"):
        list(blob(there, digest_of(DATA), len(DATA), "a layer"))


def test_something_else_than_the_digest_is_refused(serve: Serve) -> None:
    wrong = "sha256:" + "0" * 64

    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            reply(link, "200 OK", MANIFEST, Docker_Content_Digest=wrong)

    with opened(serve(handler), Limits()) as there:
        for ask in (
            lambda: there.manifest(wrong, "the base"),
            lambda: there.manifest("tag", "the base"),
            lambda: there.small_blob(wrong, "the configuration"),
            lambda: list(blob(there, wrong, len(MANIFEST), "a layer")),
        ):
            with pytest.raises(Failed) as caught:
                ask()
            assert caught.value.code == "DigestMismatch"


@pytest.mark.parametrize("header", ["999999999", "Thu, 01 Jan 2099 00:00:00 GMT", "0", "-5", "\u00b2"])
def test_a_storm_of_429_ends(serve: Serve, header: str) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if not base(link, request):
            reply(link, "429 Too Many Requests", Retry_After=header)

    waited: list[float] = []
    server = serve(handler)
    with (
        Registry(server.host, "a", Unwatched(), access=Access(), sleep=waited.append) as there,
        pytest.raises(TimedOut) as caught,
    ):
        list(blob(there, digest_of(DATA), len(DATA), "a layer"))
    assert caught.value.code == "TooManyRequests"
    assert len(server.requests) == TRIES
    assert sum(waited) <= (TRIES - 1) * 120


def last(link: socket.socket, request: bytes) -> None:
    reply(link, "200 OK", MANIFEST)
    link.shutdown(socket.SHUT_RDWR)


def test_one_connection_serves_many_requests_and_is_replaced_when_it_was_closed(serve: Serve) -> None:
    server = serve(lambda link, request: reply(link, "200 OK", MANIFEST))
    with opened(server, Limits()) as there:
        for _ in range(5):
            there.manifest("t", "the base")
        assert server.connections == 1
        server.handler = last
        there.manifest("t", "the base")
        server.handler = lambda link, request: reply(link, "200 OK", MANIFEST)
        there.manifest("t", "the base")
        assert server.connections == 2


def test_a_body_that_is_refused_before_its_end_has_its_reason(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if request.startswith(b"PUT"):
            reply(link, "413 Payload Too Large")
            raise OSError
        base(link, request)

    with opened(serve(handler), Limits()) as there, pytest.raises(Failed, match="nothing of this size"):
        there.put_manifest("t", bytes(100), "x", "pushing")


def test_a_push_that_stalls_goes_on_where_it_stalled(serve: Serve, quick: None, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    received = bytearray()
    stalls = [True]

    def handler(link: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        if request.startswith(b"HEAD"):
            return reply(link, "404 Not Found")
        if request.startswith(b"PATCH") and stalls:
            stalls.clear()
            received.extend(body[:50_000])
            time.sleep(1.2)
            raise OSError
        received.extend(body)
        there = f"0-{len(received) - 1}"
        reply(link, "201 Created" if head.startswith(b"PUT") else "202 Accepted", Location="/v2/a/u", Range=there)

    with opened(serve(handler), Limits(store=0.5)) as there:
        upload(there, digest_of(DATA), path, "a layer", piece=100_000)
    assert bytes(received) == DATA


def test_a_long_page_with_an_error_does_not_hide_its_status(serve: Serve) -> None:
    server = serve(lambda link, request: reply(link, "403 Forbidden", b"<html>" * 100_000))
    with opened(server, Limits()) as there:
        with pytest.raises(Refused, match="does not allow"):
            there.manifest("t", "the base")
        with pytest.raises(Refused, match="does not allow"):
            list(blob(there, digest_of(DATA), len(DATA), "a layer"))


def test_several_threads_share_a_registry(registry: FakeRegistry) -> None:
    registry.auth = "bearer"
    digest = registry.put_blob("a", DATA)
    access = Access(Login(registry.user, registry.password, "", "a test"))
    lengths: list[int] = []
    with Registry(registry.host, "a", Unwatched(), access=access) as there:

        def read() -> None:
            lengths.append(sum(map(len, blob(there, digest, len(DATA), "a layer"))))

        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert lengths == [len(DATA)] * 6
    assert registry.count("GET /token") == 1


def test_nobody_there(serve: Serve) -> None:
    server = serve(reply)
    server.close()
    with opened(server) as there, pytest.raises(Unreachable, match="cannot be reached: Connection refused"):
        there.manifest("t", "x")
