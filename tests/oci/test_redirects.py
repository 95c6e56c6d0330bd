"""Where a login may go: to the registry and its token service, never to where they redirect, never without TLS."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable

import pytest

from edgewright.core.errors import EdgewrightError, Refused, Unreachable
from edgewright.oci.access import Access
from edgewright.oci.auth import challenge
from edgewright.oci.credentials import Login
from edgewright.oci.push import small
from edgewright.oci.registry import Registry
from edgewright.oci.work import Unwatched
from tests.oci.fake_registry import digest_of
from tests.oci.raw_server import Certificate, RawServer, give, reply

Serve = Callable[..., RawServer]
LOGIN = Login("user", "secret", "", "a test")
BASIC = b"Authorization: Basic"
DATA = b"{}"


def opened(server: RawServer, certified: Certificate | None = None, login: Login | None = LOGIN) -> Registry:
    access = Access(login, certified.ca if certified else None)
    return Registry(server.host, "a", Unwatched(), write=True, access=access, sleep=lambda seconds: None)


def wants_basic(then: Callable[[socket.socket, bytes], None]) -> Callable[[socket.socket, bytes], None]:
    """Ask for a basic login first."""

    def handler(link: socket.socket, request: bytes) -> None:
        if BASIC not in request:
            return reply(link, "401 Unauthorized", WWW_Authenticate='Basic realm="x"')
        then(link, request)

    return handler


def with_login(server: RawServer) -> list[bytes]:
    return [head for head in server.requests if b"Authorization" in head or b"secret" in head]


def test_a_registry_is_verified_by_its_own_ca(serve: Serve, certified: Certificate) -> None:
    server = serve(give("200 OK", DATA), certified.context)
    with opened(server, certified) as there:
        assert there.small_blob(digest_of(DATA), "x") == DATA
    with opened(server) as there, pytest.raises(Unreachable) as caught:
        there.small_blob(digest_of(DATA), "x")
    assert caught.value.code == "CertificateRefused"


def test_an_insecure_registry_is_not_verified_and_others_are(serve: Serve, certified: Certificate) -> None:
    server = serve(give("200 OK", DATA), certified.context)
    access = Access(insecure=True)
    with Registry(server.host, "a", Unwatched(), access=access) as there:
        assert there.small_blob(digest_of(DATA), "x") == DATA
    assert access.context(server.host, "storage.example").check_hostname


def test_a_redirect_to_another_host_does_not_carry_the_login(serve: Serve) -> None:
    storage = serve(give("200 OK", DATA))
    server = serve(wants_basic(give("307 Temporary Redirect", Location=f"{storage.url}/stored?signature=x")))
    with opened(server) as there:
        assert there.small_blob(digest_of(DATA), "x") == DATA
    assert with_login(server) and storage.paths() == ["/stored?signature=x"]
    assert not with_login(storage)


def test_a_redirect_away_and_back_does_not_carry_the_login(serve: Serve) -> None:
    back: list[str] = []
    away = serve(lambda link, request: reply(link, "302 Found", Location=back[0]))

    def handler(link: socket.socket, request: bytes) -> None:
        if b"/loop" in request.split(b"\r\n")[0]:
            return reply(link, "200 OK", DATA)
        reply(link, "302 Found", Location=away.url)

    server = serve(wants_basic(handler))
    back.append(f"{server.url}/loop")
    with opened(server) as there, pytest.raises(EdgewrightError):
        there.small_blob(digest_of(DATA), "x")
    assert not [head for head in with_login(server) if b"/loop" in head]


def test_a_redirect_to_http_is_refused(serve: Serve, certified: Certificate) -> None:
    storage = serve(give("200 OK", DATA))
    server = serve(wants_basic(give("302 Found", Location=f"{storage.url}/stored")), certified.context)
    with opened(server, certified) as there, pytest.raises(Refused, match="which has no TLS") as caught:
        there.small_blob(digest_of(DATA), "x")
    assert caught.value.code == "BadRedirect" and not storage.requests


def test_a_redirect_from_loopback_to_http_elsewhere_is_refused(serve: Serve) -> None:
    server = serve(give("302 Found", Location="http://192.0.2.1/stored"))
    with opened(server) as there, pytest.raises(Refused, match="which has no TLS"):
        there.small_blob(digest_of(DATA), "x")


def test_a_circle_of_redirects_ends(serve: Serve) -> None:
    server = serve(lambda link, request: reply(link, "307 Temporary Redirect", Location="/v2/again"))
    with opened(server) as there, pytest.raises(Refused, match="in a circle"):
        there.small_blob(digest_of(DATA), "x")
    assert len(server.requests) < 10


@pytest.mark.parametrize("location", ["http://[no", "file:///etc/passwd", "https://", "http://a b/", "http://x:99999/"])
def test_a_redirect_to_no_address_is_refused(serve: Serve, location: str) -> None:
    server = serve(give("307 Temporary Redirect", Location=location))
    with opened(server) as there, pytest.raises(EdgewrightError, match=server.host):
        there.small_blob(digest_of(DATA), "x")


def test_a_challenge_of_another_host_gets_no_login(serve: Serve) -> None:
    tokens = serve(give("200 OK", b'{"token": "t"}'))
    storage = serve(give("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{tokens.url}/token",service="s"'))
    server = serve(give("307 Temporary Redirect", Location=f"{storage.url}/stored"))
    with opened(server) as there, pytest.raises(Refused):
        there.small_blob(digest_of(DATA), "x")
    assert not tokens.requests


@pytest.mark.parametrize("realm", ["http://192.0.2.1/token", "file:///token", "ftp://127.0.0.1/token", "//x", "x"])
def test_a_token_service_without_tls_gets_no_login(serve: Serve, realm: str) -> None:
    server = serve(give("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{realm}",service="s"'))
    with opened(server) as there, pytest.raises(Refused, match="which has no TLS") as caught:
        there.small_blob(digest_of(DATA), "x")
    assert caught.value.code == "InsecureRealm" and not with_login(server)


def test_a_registry_with_tls_does_not_send_the_login_to_loopback(serve: Serve, certified: Certificate) -> None:
    tokens = serve(give("200 OK", b'{"token": "t"}'))
    server = serve(give("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{tokens.url}/t"'), certified.context)
    access = Access(LOGIN, certified.ca)
    with Registry(server.host, "a", Unwatched(), access=access) as there:
        there.access = access._replace(insecure=False)
        there._base = server.url
        there.host = "registry.example"  # as if it were not on this machine
        with pytest.raises(Refused, match="which has no TLS"):
            there.small_blob(digest_of(DATA), "x")
    assert not tokens.requests


def test_a_token_service_that_redirects_gets_no_login_elsewhere(serve: Serve) -> None:
    other = serve(give("200 OK", b'{"token": "t"}'))
    tokens = serve(give("307 Temporary Redirect", Location=f"{other.url}/token"))
    server = serve(give("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{tokens.url}/token",service="s"'))
    with opened(server) as there, pytest.raises(Refused):
        there.small_blob(digest_of(DATA), "x")
    assert with_login(tokens) and not with_login(other)
    with opened(server, login=Login("", "", "secret-identity", "x")) as there, pytest.raises(EdgewrightError):
        there.small_blob(digest_of(DATA), "x")
    assert b"secret-identity" in tokens.requests[-1], "an identity token is in the body of a POST"
    assert not with_login(other)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "", 5, "\u00fc", None])
def test_a_token_that_is_none_is_refused(serve: Serve, token: object) -> None:
    tokens = serve(give("200 OK", json.dumps({"token": token}).encode()))
    server = serve(give("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{tokens.url}/token"'))
    with opened(server) as there, pytest.raises(Refused, match="gave no token"):
        there.small_blob(digest_of(DATA), "x")


def test_an_upload_is_not_sent_to_a_place_without_tls(serve: Serve, certified: Certificate) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        if request.startswith(b"POST"):
            return reply(link, "202 Accepted", Location=f"http://{server.host}/v2/a/blobs/uploads/u")
        reply(link, "404 Not Found")

    server = serve(handler, certified.context)
    with opened(server, certified) as there, pytest.raises(Refused, match="which has no TLS"):
        small(there, DATA, "pushing a layer")
    assert not [head for head in server.requests if head.startswith(b"PUT")]


def test_a_challenge_without_end_is_read_quickly() -> None:
    began = time.process_time()
    assert challenge("Bearer " + "a" * 60_000 + ',realm="https://r/\\"t",service=s') == (
        "bearer",
        {"realm": 'https://r/\\"t', "service": "s"},
    )
    assert time.process_time() - began < 0.2


def test_a_password_is_in_no_message(serve: Serve) -> None:
    server = serve(give("401 Unauthorized", WWW_Authenticate='Basic realm="x"'))
    with opened(server) as there, pytest.raises(Refused) as caught:
        there.small_blob(digest_of(DATA), "x")
    assert caught.value.code == "WrongLogin" and "secret" not in caught.value.message + caught.value.hint
