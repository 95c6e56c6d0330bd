"""What peers may send before anybody knows them: bounds on heads, trailers and pipelines (P48); rules of HTTP."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import pytest

from tests.hub.attack import PING, exchange, memory, read_all, read_one, secure, send_until_closed, together, watched
from tests.hub_fixture import RunningHub, running_hub

LARGE = 600_000_000
"""Bytes that an attacker would send; the hub closes long before."""
GROWTH = 1.25
"""Resident memory afterwards, as a multiple of that at the start."""


def use(hub: RunningHub) -> None:
    for _ in range(5):
        hub.anonymous().get("/v1/health/ping").raise_for_status()


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """One hub that has done a little work, so that its memory is what it is in daily use."""
    with running_hub() as started:
        together(10, lambda _: use(started))
        yield started


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def wait_until_small(hub: RunningHub, before: int) -> None:
    """Wait until the memory is near to what it was; free pages are given back every few seconds."""
    end = time.monotonic() + 30
    while memory(hub) >= GROWTH * before:
        assert time.monotonic() < end, f"{memory(hub)} kB, {before} kB before"
        time.sleep(0.2)


def talk(hub: RunningHub, request: bytes) -> bytes:
    """Send a request and return all that comes until the hub closes."""
    with secure(hub, 5) as link:
        link.sendall(request)
        return read_all(link)


HEADS = {
    "many lines": (b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n", b"X-Fill: " + b"a" * 3000 + b"\r\n"),
    "short lines": (b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n", b"a: b\r\n" * 500),
    "one line": (b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\nX-Fill: ", b"a" * 16_000),
    "one name": (b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n", b"a" * 16_000),
    "request line": (b"GET /", b"a" * 16_000),
    "trailers": (
        b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        b"X-Fill: " + b"a" * 3000 + b"\r\n",
    ),
    "one trailer": (
        b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nT: ",
        b"a" * 16_000,
    ),
    "chunk extension": (
        b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=",
        b"a" * 16_000,
    ),
}


@pytest.mark.parametrize("kind", HEADS)
def test_p48_a_head_without_end_is_refused_early(hub: RunningHub, kind: str) -> None:
    begin, more = HEADS[kind]
    before = memory(hub)
    sent: list[int] = []
    answers: list[bytes] = []

    def attack(_: int) -> None:
        with secure(hub) as link:
            link.sendall(begin)
            sent.append(send_until_closed(link, more, LARGE))
            answers.append(read_all(link))

    with watched(hub) as waits:
        together(10, attack)
        time.sleep(0.3)
    wait_until_small(hub, before)
    assert max(sent) < 20_000_000  # what the sockets hold, and what is read before the connection is cut
    assert max(waits) < 5
    heard = [answer for answer in answers if answer]
    assert all(status_of(answer) == 431 for answer in heard)


@pytest.mark.parametrize("kind", HEADS)
def test_p48_the_sender_of_a_large_head_reads_why(hub: RunningHub, kind: str) -> None:
    begin, more = HEADS[kind]
    with secure(hub) as link:
        link.sendall(begin + more * (120_000 // len(more)))
        answer = read_one(link)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 431
    assert b"connection: close" in head
    assert json.loads(body)["code"] == 431 and "65536 bytes" in json.loads(body)["message"]


def test_p48_a_dripped_head_is_refused_as_well(hub: RunningHub) -> None:
    with secure(hub) as link:
        link.sendall(b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n")
        for number in range(120):
            link.sendall(b"X-%d: a\r\n" % number)
            time.sleep(0.002)
        assert status_of(read_one(link)) == 431


def test_p48_what_is_within_the_bounds_is_answered(hub: RunningHub) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 640) for number in range(98))
    end = b"Connection: close\r\n\r\n"
    assert status_of(talk(hub, b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\n" + lines + end)) == 200
    assert status_of(talk(hub, b"GET /v1/health/ping?q=" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: h\r\n" + end)) == 200
    trailers = b"".join(b"T-%d: b\r\n" % number for number in range(90))
    chunked = (
        b"Host: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;a=b\r\n{}\r\n0\r\n" + trailers + b"\r\n"
    )
    assert status_of(talk(hub, b"POST /v1/edgehosts/register HTTP/1.1\r\n" + chunked)) == 422


def test_p48_a_trailer_is_no_header(hub: RunningHub) -> None:
    body = b'{"metadata":{"name":"by-trailer"}}'
    request = (
        b"POST /v1/edgehosts/tokens HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    request += b"%x\r\n%s\r\n0\r\nApiKey: %s\r\n\r\n" % (len(body), body, hub.admin_key.encode())
    assert status_of(talk(hub, request)) == 401


def test_p48_pipelined_requests_that_nobody_reads_are_not_parsed(hub: RunningHub) -> None:
    before = memory(hub)
    highest = [0]

    def attack(number: int) -> None:
        with secure(hub, 3) as link:
            send_until_closed(link, PING * 100, 200_000 * len(PING))
            highest[0] = max(highest[0], memory(hub))

    with watched(hub) as waits:
        together(4, attack)
        time.sleep(0.3)
    assert max(waits) < 5
    assert highest[0] < 1.5 * before
    wait_until_small(hub, before)


def test_p48_pipelined_requests_behind_a_slow_one_are_not_parsed(hub: RunningHub) -> None:
    before = memory(hub)
    stream = b"GET /edgewright/v1/changes HTTP/1.1\r\nHost: h\r\nApiKey: %s\r\n\r\n" % hub.admin_key.encode()
    with secure(hub, 2) as link:
        link.sendall(stream)
        send_until_closed(link, PING * 100, 200_000 * len(PING))
        assert memory(hub) < GROWTH * before
        assert hub.anonymous().get("/v1/health/ping").status_code == 200


async def test_pipelined_requests_are_answered_in_order(hub: RunningHub) -> None:
    bodies = [b"", b'{"a":"' + b"x" * 200_000 + b'"}', b"{}\r\n\r\n{}"]
    requests = b""
    for number in range(30):
        body = bodies[number % 3]
        requests += b"GET /v1/nothing-%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (number, len(body)) + body
        requests += b"POST /v1/chunked-%d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" % number
        requests += b"3\r\nabc\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"
    requests += b"GET /v1/last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = await exchange(hub, requests)
    paths = [part.split(b" was", 1)[0] for part in answer.split(b"path ")[1:]]
    expected = [path for number in range(30) for path in (b"/v1/nothing-%d" % number, b"/v1/chunked-%d" % number)]
    assert paths == [*expected, b"/v1/last"]


def test_many_unfinished_heads_share_one_budget(hub: RunningHub) -> None:
    before = memory(hub)
    links = []
    try:
        with watched(hub) as waits:
            for _ in range(400):
                links.append(secure(hub))
                with contextlib.suppress(OSError):  # refused while it is sent
                    links[-1].sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 60_000)
            time.sleep(0.5)
            during = memory(hub)
        assert max(waits) < 5
        assert during < 3 * before
        # An answer is lost when the connection is reset while more is sent: one of the last that were refused has it.
        refused = next(answer for link in reversed(links[-100:]) if (answer := read_one(link)))
        assert status_of(refused) == 503 and b"retry-after" in refused
    finally:
        for link in links:
            link.close()
    wait_until_small(hub, before)
    assert hub.anonymous().get("/v1/health/ping").status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/health/ping HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/health/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /v1/health/ping HTTP/1.0\r\n\r\n", 200),
        (b"GET /v1/health/ping HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"GET /v1/health/ping\r\n\r\n", 505),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"\x16\x03\x01", 400),
    ],
)
def test_what_is_no_request_is_refused(hub: RunningHub, head: bytes, status: int) -> None:
    with secure(hub, 5) as link:
        link.sendall(head)
        answer = read_one(link)
    assert status_of(answer) == status
    assert b"connection: close" in answer


def test_an_upgrade_is_ignored_and_the_next_request_answered(hub: RunningHub) -> None:
    upgrade = b"GET /v1/health/ping HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    last = b"GET /v1/last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = talk(hub, upgrade + last)
    assert answer.count(b"HTTP/1.1 200") == 1 and b"path /v1/last was not found" in answer


def test_bad_requests_do_not_disturb_an_earlier_answer(hub: RunningHub) -> None:
    answer = talk(hub, PING + b"no such request\r\n\r\n")
    assert answer.count(b"HTTP/1.1") == 1 and b"pong" in answer


def test_head_is_answered_as_get_without_a_body(hub: RunningHub) -> None:
    admin = hub.client()
    for path in ("/v1/health/ping", "/v1/users/info", "/edgewright/v1/features"):
        got, head = admin.get(path), admin.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
    assert hub.anonymous().head("/v1/users/info").status_code == 401
    assert admin.head("/v1/nothing").status_code == 404
    stream = admin.head("/edgewright/v1/changes")
    assert stream.status_code == 200 and stream.headers["content-type"].startswith("text/event-stream")
    refused = admin.head("/v1/edgehosts/register")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert admin.post("/v1/users/info").headers["allow"] == "GET, HEAD"


def test_a_byte_order_mark_before_json_is_ignored(hub: RunningHub) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps({"metadata": {"name": "marked"}}).encode()
    assert hub.client().post("/v1/edgehosts/tokens", content=marked).status_code == 201
    assert hub.client().post("/v1/edgehosts/tokens", content=b"\xef\xbb\xbf").status_code == 422
    assert hub.client().post("/v1/edgehosts/tokens", content=marked[1:]).status_code == 400
