"""Bodies over thin links pass, bodies that make no progress do not (P49)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.hub.http import bounds
from edgewright.hub.http.body_reader import Clock
from tests.hub.attack import memory, read_all, read_one, secure, watched
from tests.hub.thin_link import thin_link
from tests.hub_fixture import RunningHub, running_hub

REGISTER = b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningHub]:
    """A hub whose times are a fifteenth of the usual ones."""
    with running_hub("--request-timeout", "1") as hub:
        yield hub


def test_p49_a_large_registration_passes_a_thin_link(narrow: RunningHub) -> None:
    # As 28 KB over 9.6 kbit/s with 15 s and 20 s: longer than both in all, and than the first for one TLS record.
    disks = [{"name": f"d{number}", "vendor": "v" * 100} for number in range(170)]
    host = {"hostUid": "thin-1", "hostAuthToken": narrow.token()[1]}
    body = {"metadata": {"uid": "thin-1"}, "spec": {"host": host, "device": {"disks": disks}}}
    with thin_link(narrow, 13_000) as port:
        context = ssl.create_default_context(cafile=str(narrow.ca))
        agent = Client(parse_endpoint(f"https://localhost:{port}"), context, timeout=1.2)
        began = time.monotonic()
        assert agent.call("POST", "/v1/edgehosts/register", body).status == 200
        assert time.monotonic() - began > 1.5
        agent.close()


@pytest.mark.parametrize("pause", [0.3, 0.9])
def test_p49_a_dripped_body_is_given_up(narrow: RunningHub, pause: float) -> None:
    with secure(narrow) as link:
        link.sendall(REGISTER % 100)
        link.settimeout(pause)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 16:
            link.sendall(b"{")
            try:
                answer = link.recv(1000)
            except TimeoutError:
                continue
        link.settimeout(5)
        answer += read_all(link)
        assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive in time" in answer
        assert time.monotonic() - began < 15


def test_p49_a_tls_record_that_is_dripped_is_given_up(narrow: RunningHub) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(narrow.ca))
    link = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", int(narrow.url.rpartition(":")[2])), 5) as plain:
        while True:
            try:
                link.do_handshake()
                plain.sendall(outgoing.read())
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        link.write(REGISTER % 16_000)
        plain.sendall(outgoing.read())
        link.write(b" " * 16_000)
        record = outgoing.read()
        plain.settimeout(0.2)
        began, answer = time.monotonic(), b""
        for number in range(40):
            plain.sendall(record[number : number + 1])
            try:
                incoming.write(plain.recv(65536))
                answer = link.read(1000)
                break
            except (TimeoutError, ssl.SSLWantReadError):
                continue
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 7


class _Wire:
    """What TCP has received, and the time, as a test sets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.bytes = 100.0, 5_000
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def wait(self, seconds: float, received: int) -> None:
        self.now += seconds
        self.bytes += received


def test_p49_progress_on_the_wire_counts_before_a_record_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = _Wire(monkeypatch)
    clock = Clock(15, 1_048_576, lambda: wire.bytes)
    for _ in range(20):
        assert clock.seconds() == 15
        wire.wait(15, 15 * 960)
        assert not clock.is_late()
    wire.wait(15, 0)
    assert clock.is_late()


def test_p49_a_body_has_a_least_rate_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = _Wire(monkeypatch)
    clock = Clock(15, 1_000, lambda: wire.bytes)
    wire.wait(15.5, 100)
    assert clock.is_late(), "something came, but less than the least rate"
    clock = Clock(15, 1_000_000, lambda: wire.bytes)
    wire.wait(15, 100_000)
    assert not clock.is_late()
    wire.wait(15, 0)
    assert clock.is_late(), "nothing came for 15 s, whatever the rate was before"
    clock = Clock(15, 1_000, lambda: wire.bytes)
    for _ in range(1 + int(15 + 1_000 / bounds.SLOWEST)):
        wire.wait(1, 1_000)
    assert clock.is_late()


def test_unfinished_bodies_of_strangers_share_one_budget() -> None:
    with running_hub("--request-timeout", "4") as hub:  # on a busy machine a second is over before all are sent
        hub.anonymous().get("/v1/health/ping").raise_for_status()
        _fill_the_budget(hub)


def _fill_the_budget(hub: RunningHub) -> None:
    before = memory(hub)
    links = []
    try:
        with watched(hub) as waits:
            for _ in range(30):
                links.append(secure(hub))
                with contextlib.suppress(OSError):  # refused while it is sent
                    links[-1].sendall(REGISTER % 1_000_000 + b" " * 900_000)
            highest = memory(hub)
        answers = [read_one(link) for link in links]
        assert max(waits) < 5
        assert sum(answer.startswith(b"HTTP/1.1 503") for answer in answers) >= 10
        assert highest - before < 40_000  # kB; 16 MiB of bodies, and what connections and joining them cost
    finally:
        for link in links:
            link.close()
    large = {"metadata": {"name": "large", "annotations": {"a": "x" * 60_000}}}
    assert hub.client().post("/v1/edgehosts/tokens", json=large).status_code in (201, 413)
