"""Each way to miss the plane has its own sentence, naming the thing and the next step."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.plane.client import Client, Endpoint, parse_endpoint
from edgewright.agent.plane.tls import make_context
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, TimedOut, Unreachable
from edgewright.core.proxy import Proxy
from tests.agent.conftest import DAY, TODAY, Authority, Pair, StubPlane


def call(url: str, ca: Path | str, **more: object) -> EdgewrightError:
    """Call and return the error that comes."""
    client = Client(parse_endpoint(url), make_context(str(ca)), str(ca), **more)  # type: ignore[arg-type]
    with pytest.raises(EdgewrightError) as caught:
        client.call("GET", "/x")
    assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")
    return caught.value


@contextmanager
def listener(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that does one thing with each caller."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller:
                handle(caller)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_a_wrong_ca_file_is_named(stub: StubPlane, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other ca")
    error = call(stub.url, other.file)
    assert error.code == "UnknownCa" and str(other.file) in error.message and "--ca" in error.hint


def test_the_systems_store_does_not_know_a_private_ca(stub: StubPlane) -> None:
    error = call(stub.url, "")
    assert error.code == "UnknownCa" and "system's certificate store" in error.message


def test_a_certificate_past_its_end_is_the_planes_where_both_clocks_agree(
    authority: Authority, start_stub: Callable[[Pair], StubPlane]
) -> None:
    plane = start_stub(authority.issue("old", first=-30, last=-2))
    error = call(plane.url, authority.file)
    assert error.code == "CertificateExpired" and f"this host, which shows {TODAY:%Y-%m-}" in error.message
    assert "the clock of 127.0.0.1 agrees" in error.message and error.hint.startswith("Have the certificate renewed")
    assert [(asked.path, asked.headers.get("authorization")) for asked in plane.requests] == [
        ("/v1/health/ping", None)  # the second look is unverified: no credential goes with it
    ]


def test_a_certificate_of_the_future_is_the_planes_where_both_clocks_agree(
    authority: Authority, start_stub: Callable[[Pair], StubPlane]
) -> None:
    plane = start_stub(authority.issue("young", first=3, last=30))
    error = call(plane.url, authority.file)
    assert error.code == "CertificateNotYetValid" and "is not valid yet (valid from " in error.message
    assert error.hint.startswith("Have the certificate renewed: it was issued by a clock that was ahead")


def test_a_clock_that_is_behind_the_planes_is_named(
    authority: Authority, start_stub: Callable[[Pair], StubPlane]
) -> None:
    plane = start_stub(authority.issue("right"))

    class Stopped(Client):
        """A host whose clock shows a time before the certificate, as its TLS library sees it."""

        def _connection(self) -> Any:
            error = ssl.SSLCertVerificationError("not yet")
            error.verify_code = 9
            raise error

    past = (TODAY - 10 * DAY).timestamp()
    client = Stopped(parse_endpoint(plane.url), make_context(str(authority.file)), now=lambda: past)
    with pytest.raises(Unreachable) as caught:
        client.call("GET", "/x")
    assert "that is 10 days behind the clock of 127.0.0.1" in caught.value.message
    assert caught.value.hint.startswith("Set the clock of this host")


def test_a_clock_fifty_years_back_is_called_wrong(
    authority: Authority, start_stub: Callable[[Pair], StubPlane]
) -> None:
    plane = start_stub(authority.issue("young2", first=3, last=30))
    past = (TODAY - 50 * 365 * DAY).timestamp()
    error = call(plane.url, authority.file, now=lambda: past)
    assert "that clock is wrong" in error.message and "valid from" in error.message
    assert "Set the clock" in error.hint


def test_a_name_that_is_not_in_the_certificate(authority: Authority, start_stub: Callable[[Pair], StubPlane]) -> None:
    for label, host in (("name", "plane.example"), ("address", "10.9.9.9")):
        error = call(start_stub(authority.issue(label, host)).url, authority.file)
        assert error.code == "WrongHostName" and "--advertise 127.0.0.1" in error.hint


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ca"
    with pytest.raises(Failed, match="Cannot read the CA file"):
        make_context(str(path))
    path.write_text("hello")
    with pytest.raises(Failed, match="contains no readable certificate"):
        make_context(str(path))
    with pytest.raises(Failed, match="caCerts"):
        make_context("", ["hello"])


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = call(f"https://127.0.0.1:{port}", "")
    assert error.code == "ConnectionRefused" and f"127.0.0.1:{port}" in error.message


def test_a_name_that_cannot_be_resolved() -> None:
    error = call("https://no-such-plane.invalid", "")
    assert error.code == "DnsFailed" and "no-such-plane.invalid" in error.message


def test_no_answer_in_time() -> None:
    release = threading.Event()
    with listener(lambda caller: [release.wait(5)].clear()) as port:
        error = call(f"https://127.0.0.1:{port}", "", timeout=0.2)
        release.set()
    assert isinstance(error, TimedOut)


def test_a_plane_that_hangs_up_in_the_handshake() -> None:
    with listener(lambda caller: [caller.recv(5000)].clear()) as port:
        error = call(f"https://127.0.0.1:{port}", "")
    assert error.code in ("BrokenAnswer", "NoRoute") and "ssl.c" not in error.message


def test_something_that_speaks_no_tls() -> None:
    with listener(lambda caller: caller.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")) as port:
        error = call(f"https://127.0.0.1:{port}", "")
    assert isinstance(error, Unreachable) and error.code in ("NoTls", "BrokenAnswer")


def test_a_proxy_that_does_not_listen_is_named_as_the_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = call("https://plane.example:8443", "", proxy=Proxy("127.0.0.1", port))
    assert error.code == "ProxyUnreachable" and f"The proxy 127.0.0.1:{port} cannot be reached" in error.message
    assert "httpsProxy" in error.hint and "plane" not in error.hint
    unknown = call("https://plane.example:8443", "", proxy=Proxy("proxy.invalid", 3128))
    assert unknown.code == "DnsFailed" and "proxy.invalid:3128" in unknown.message and "httpsProxy" in unknown.hint


def test_a_proxy_that_refuses() -> None:
    def refuse(caller: socket.socket) -> None:
        caller.recv(1000)
        caller.sendall(b"HTTP/1.1 403 Not for you\r\nContent-Length: 0\r\n\r\n")

    with listener(refuse) as port:
        error = call("https://plane.example:8443", "", proxy=Proxy("127.0.0.1", port))
    assert error.code == "ProxyRefused" and "403" in error.message and f"127.0.0.1:{port}" in error.message


def test_through_a_proxy_the_plane_is_still_verified(stub: StubPlane, authority: Authority) -> None:
    def connect(caller: socket.socket) -> None:
        assert caller.recv(1000).startswith(b"CONNECT 127.0.0.1")
        caller.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        with socket.create_connection(("127.0.0.1", stub.port)) as onward:
            threads = [threading.Thread(target=pump, args=pair) for pair in ((caller, onward), (onward, caller))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    with listener(connect) as port:
        client = Client(parse_endpoint(stub.url), make_context(str(authority.file)), proxy=Proxy("127.0.0.1", port))
        assert client.call("PATCH", "/v1/edgehosts/x/health", {}).status == 204
        client.close()


def test_a_kept_open_connection_that_was_closed_is_opened_again(stub: StubPlane, authority: Authority) -> None:
    client = Client(parse_endpoint(stub.url), make_context(str(authority.file)))
    assert client.call("PATCH", "/v1/edgehosts/x/health", {}).status == 204
    assert client._open is not None
    client._open.sock.shutdown(socket.SHUT_RDWR)
    assert client.call("PATCH", "/v1/edgehosts/x/health", {}).status == 204
    assert len(stub.requests) == 2
    client.close()


@pytest.mark.parametrize(
    "url", ["http://plane", "ftp://x", "https://", "https://a b", "https://x:99999", "https://[::1"]
)
def test_an_endpoint_that_is_none(url: str) -> None:
    with pytest.raises(InvalidInput):
        parse_endpoint(url)


def test_endpoints_are_taken_apart() -> None:
    assert parse_endpoint("plane.example") == Endpoint("plane.example", 443, "")
    assert parse_endpoint("https://[::1]:8443/base/") == Endpoint("::1", 8443, "/base")
    assert parse_endpoint("https://[::1]:8443").name == "[::1]:8443"
