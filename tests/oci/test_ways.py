"""Other ways to a registry: proxies of the environment, mirrors of registries.conf."""

from __future__ import annotations

import base64
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Unreachable
from edgewright.core.proxy import bypassed, from_environment
from edgewright.oci import mirrors, registries_conf
from edgewright.oci.access import Access
from edgewright.oci.registries_conf import Mirror
from edgewright.oci.registry import Registry
from edgewright.oci.work import Unwatched
from tests.oci.fake_registry import FakeRegistry, digest_of
from tests.oci.raw_server import Certificate, RawServer, give, reply

Serve = Callable[..., RawServer]
DATA = b"{}"
NAME = "registry.example:5000"


@pytest.fixture
def by_proxy(serve: Serve, certified: Certificate) -> Iterator[tuple[RawServer, RawServer, dict[str, str]]]:
    """A registry with TLS, a proxy that connects to it whatever it is asked for, and the environment that names it."""
    server = serve(give("200 OK", DATA), certified.context)

    def relay(link: socket.socket, request: bytes) -> None:
        link.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = server.host.partition(":")
        with socket.create_connection((host, int(port))) as onward:
            while True:
                for ready in select.select([link, onward], [], [], 5)[0]:
                    data = ready.recv(65536)
                    if not data:
                        raise OSError
                    (onward if ready is link else link).sendall(data)

    proxy = serve(relay)
    yield server, proxy, {"https_proxy": f"http://me:pa%40ss@{proxy.host}"}


def test_a_proxy_is_asked_to_connect(
    by_proxy: tuple[RawServer, RawServer, dict[str, str]], certified: Certificate
) -> None:
    server, proxy, environment = by_proxy
    with Registry(NAME, "a", Unwatched(), access=Access(ca=certified.ca, environment=environment)) as there:
        with pytest.raises(Unreachable) as caught:  # the certificate is for 127.0.0.1
            there.small_blob(digest_of(DATA), "x")
        assert caught.value.code == "CertificateRefused"
    access = Access(insecure=True, environment=environment)
    with Registry(NAME, "a", Unwatched(), access=access) as there:
        assert there.small_blob(digest_of(DATA), "x") == DATA
    head = proxy.requests[-1].decode()
    assert head.startswith(f"CONNECT {NAME} HTTP/1.")
    assert "Proxy-Authorization: Basic " + base64.b64encode(b"me:pa@ss").decode() in head
    assert not [request for request in server.requests if b"Proxy-Authorization" in request]


def test_a_proxy_that_refuses_is_named_without_its_password(serve: Serve) -> None:
    proxy = serve(give("403 Forbidden"))
    access = Access(environment={"HTTPS_PROXY": f"http://me:secret@{proxy.host}"})
    with Registry(NAME, "a", Unwatched(), access=access) as there, pytest.raises(Unreachable) as caught:
        there.manifest("t", "the base")
    assert caught.value.code == "ProxyRefused" and proxy.host in caught.value.message
    assert "403" in caught.value.message and "secret" not in caught.value.message


def test_a_proxy_that_is_not_there_is_named(serve: Serve) -> None:
    proxy = serve(give("200 OK"))
    proxy.close()
    access = Access(environment={"https_proxy": f"http://{proxy.host}"})
    with (
        Registry(NAME, "a", Unwatched(), access=access, sleep=lambda _: None) as there,
        pytest.raises(Unreachable) as caught,
    ):
        there.manifest("t", "the base")
    assert caught.value.code == "ProxyUnreachable" and proxy.host in caught.value.message


def test_this_machine_is_reached_without_a_proxy(registry: FakeRegistry) -> None:
    digest = registry.put_blob("a", DATA)
    environment = {"https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    with Registry(registry.host, "a", Unwatched(), access=Access(environment=environment)) as there:
        assert there.small_blob(digest, "x") == DATA


@pytest.mark.parametrize(
    ("host", "port", "no_proxy", "direct"),
    [
        ("127.0.0.1", 5000, "", True),
        ("localhost", 5000, "", True),
        ("::1", 443, "", True),
        ("r.example.com", 443, "example.com", True),
        ("r.example.com", 443, ".example.com", True),
        ("r.example.com", 443, "*.example.com", True),
        ("badexample.com", 443, "example.com", False),
        ("r.example.com", 443, "other, *", True),
        ("r.example.com", 5000, "r.example.com:5000", True),
        ("r.example.com", 443, "r.example.com:5000", False),
        ("10.1.2.3", 443, "10.0.0.0/8", True),
        ("11.1.2.3", 443, "10.0.0.0/8", False),
        ("fd00::1", 443, "fd00::/8", True),
        ("fd00::1", 443, "[fd00::1]:5000", False),
        ("fd00::1", 5000, "[fd00::1]:5000", True),
        ("r.example.com", 443, ",,", False),
    ],
)
def test_no_proxy(host: str, port: int, no_proxy: str, direct: bool) -> None:
    assert bypassed(host, no_proxy, port) is direct
    environment = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    assert (from_environment("https", host, port, environment) is None) is direct


def test_a_proxy_that_is_written_wrongly_names_its_variable() -> None:
    with pytest.raises(InvalidInput) as caught:
        from_environment("https", "r.example.com", 443, {"ALL_PROXY": "socks5://proxy:1080"})
    assert "ALL_PROXY" in caught.value.hint


MIRRORS = """
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "second.example"
pull-from-mirror = "digest-only"
"""


def test_mirrors_are_read_from_registries_conf(home: Path) -> None:
    (home / "registries.conf").write_text(MIRRORS)
    entry = registries_conf.find("docker.io", "library/debian")
    assert entry.mirrors == (
        Mirror("mirror.example:5000", "hub/library/debian", insecure=True),
        Mirror("second.example", "library/debian", tags=False),
    )
    assert not registries_conf.find("quay.io", "a").mirrors


@pytest.fixture
def second() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


def of(registry: FakeRegistry, mirror: FakeRegistry, **more: bool) -> mirrors.Source:
    access = Access(mirrors=(Mirror(mirror.host, "mirrored/a", **more),))
    there = Registry(registry.host, "a", Unwatched(), access=access, sleep=lambda seconds: None)
    return mirrors.source(there, Unwatched(), lambda mirror: Access())


def test_a_mirror_is_asked_first(registry: FakeRegistry, second: FakeRegistry) -> None:
    digest = second.put_blob("mirrored/a", DATA)
    with of(registry, second) as source:
        assert source.small_blob(digest, "x") == DATA
        assert b"".join(source.blob(digest, len(DATA), "x")) == DATA
    assert not [path for _, path in registry.requests if digest in path]


def test_a_mirror_without_it_or_that_fails_is_passed_over(registry: FakeRegistry, second: FakeRegistry) -> None:
    digest = registry.put_blob("a", DATA)
    with of(registry, second) as source:
        assert source.small_blob(digest, "x") == DATA
        assert b"".join(source.blob(digest, len(DATA), "x")) == DATA
        second.close()
        try:
            assert b"".join(source.blob(digest, len(DATA), "x")) == DATA
            with pytest.raises(NotFound, match=registry.host):
                source.manifest("t", "the base")
        finally:
            second.__init__()  # type: ignore[misc]  # the fixture closes it again


def test_a_mirror_for_digests_is_not_asked_for_tags(registry: FakeRegistry, second: FakeRegistry) -> None:
    registry.put_manifest("a", "t", {"mediaType": "application/vnd.oci.image.manifest.v1+json"})
    second.put_manifest("mirrored/a", "t", {"mediaType": "application/vnd.oci.image.index.v1+json"})
    with of(registry, second, tags=False) as source:
        assert source.manifest("t", "the base").media_type.endswith("manifest.v1+json")
    assert not second.count("GET /v2/mirrored/a/manifests")


def test_a_mirror_does_not_get_the_login_of_the_registry(serve: Serve, registry: FakeRegistry) -> None:
    from edgewright.oci.credentials import Login

    mirror = serve(give("401 Unauthorized", WWW_Authenticate='Basic realm="x"'))
    registry.auth = "basic"
    digest = registry.put_blob("a", DATA)
    access = Access(Login("user", "secret", "", "x"), mirrors=(Mirror(mirror.host, "a"),))
    there = Registry(registry.host, "a", Unwatched(), access=access)
    with mirrors.source(there, Unwatched()) as source:
        assert source.small_blob(digest, "x") == DATA
    assert mirror.requests and not [head for head in mirror.requests if b"Authorization" in head]


def test_other_content_of_a_mirror_is_never_taken(serve: Serve, registry: FakeRegistry) -> None:
    digest = registry.put_blob("a", DATA)
    mirror = serve(lambda link, request: reply(link, "200 OK", b"[]"))
    access = Access(mirrors=(Mirror(mirror.host, "a"),))
    there = Registry(registry.host, "a", Unwatched(), access=access)
    with mirrors.source(there, Unwatched()) as source:
        assert source.small_blob(digest, "x") == DATA
        with pytest.raises(EdgewrightError, match="digest"):
            list(source.blob(digest, len(DATA), "a layer"))
