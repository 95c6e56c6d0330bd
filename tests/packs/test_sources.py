"""Helm repositories and registries as sources of packs: what is fetched, and how their failures read."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Refused, TimedOut, Unreachable
from edgewright.oci import media
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.pace import Limits
from edgewright.packs import archive, fetching, helm, registry
from edgewright.packs.files import digest
from tests.oci.fake_registry import FakeRegistry
from tests.oci.raw_server import Certificate, RawServer, give, reply
from tests.packs.samples import chart_archive, pack_files

Serve = Callable[..., RawServer]
LOGIN = Access(Login("me", "s3cret-word", "", "the hub"))


def index(url: str = "charts/demo-1.2.3.tgz", sha: str = "") -> bytes:
    sha = sha or digest(chart_archive()).removeprefix("sha256:")
    entry = {"name": "demo", "version": "1.2.3", "appVersion": 7, "urls": [url], "digest": sha}
    older = {**entry, "version": "1.2.0"}
    newer = {**entry, "version": "1.3.0-rc.1"}
    return json.dumps(
        {"apiVersion": "v1", "entries": {"demo": [older, newer, entry, {"version": 3}], "x": "y"}}
    ).encode()


def helm_server(serve: Serve, text: bytes, chart: bytes = b"") -> RawServer:
    def handler(link: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /repo/index.yaml "):
            return reply(link, "200 OK", text)
        if request.startswith(b"GET /repo/charts/"):
            return reply(link, "200 OK", chart or chart_archive())
        return reply(link, "404 Not Found")

    return serve(handler)


@pytest.mark.parametrize("endpoint", ["https://me:s3cret@x.example/c", "oci://me:s3cret@x.example", "s3cret@x.example"])
def test_an_address_has_no_login_in_it(endpoint: str) -> None:
    """Addresses are listed and logged; the sentence does not repeat it either."""
    with pytest.raises(InvalidInput, match="it contains a login") as wrong:
        registry.place_of(endpoint)
    assert "s3cret" not in wrong.value.message
    with pytest.raises(InvalidInput) as wrong:
        fetching.web_address(endpoint, "The registry")
    assert "s3cret" not in wrong.value.message


def test_a_chart_from_a_repository(serve: Serve) -> None:
    server = helm_server(serve, index())
    endpoint = f"http://{server.host}/repo"
    found = helm.fetch_index(endpoint, Access())
    assert [entry.version for entry in found["demo"]] == ["1.3.0-rc.1", "1.2.3", "1.2.0"]
    entry = helm.find(found, "demo", "", endpoint)
    assert entry.version == "1.2.3" and entry.app_version == "7"
    assert helm.fetch_chart(endpoint, entry, Access()).chart.digest == digest(chart_archive())
    assert helm.find(found, "demo", "v1.2.0", endpoint).version == "1.2.0"
    for name, version in (("demo", "9.9.9"), ("other", "")):
        with pytest.raises(NotFound):
            helm.find(found, name, version, endpoint)


def test_a_chart_that_has_not_its_digest_is_refused(serve: Serve) -> None:
    server = helm_server(serve, index(sha="0" * 64))
    endpoint = f"http://{server.host}/repo"
    entry = helm.find(helm.fetch_index(endpoint, Access()), "demo", "1.2.3", endpoint)
    with pytest.raises(Failed) as refused:
        helm.fetch_chart(endpoint, entry, Access())
    assert refused.value.code == "DigestMismatch"


def test_a_login_reaches_its_own_host_only(serve: Serve) -> None:
    other = serve(give("200 OK", chart_archive()))
    server = helm_server(serve, index(f"http://{other.host}/demo.tgz"))
    endpoint = f"http://{server.host}/repo"
    entry = helm.find(helm.fetch_index(endpoint, LOGIN), "demo", "1.2.3", endpoint)
    helm.fetch_chart(endpoint, entry, LOGIN)
    assert b"Authorization: Basic " in server.requests[0] and b"Authorization" not in other.requests[0]


def test_an_index_that_is_none() -> None:
    for text in (b"a: 1\n", b"entries: []\n", b"<html>", b"\xff\xfe", b"entries: {a: [", b"- 1\n- 2\n"):
        with pytest.raises(InvalidInput):
            helm.parse_index(text, "https://charts.example")
    with pytest.raises(InvalidInput, match="at a registry"):
        helm.fetch_chart("https://a.example", helm.HelmEntry("a", "1", url="oci://b.example/a"), Access())


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(Refused) as refused:
        helm.fetch_index("http://charts.example/repo", Access())
    assert refused.value.code == "NoTLS"
    for place in ("http://registry.example/packs", "ftp://x", "registry", "a b/c", ""):
        with pytest.raises((InvalidInput, Refused)):
            registry.place_of(place)
    assert registry.place_of("oci://registry.example:5000/a/b", "c") == ("registry.example:5000", "a/b/c")


@pytest.mark.parametrize(
    "answer, kind, code",
    [
        (give("401 Unauthorized"), Refused, "WrongLogin"),
        (give("403 Forbidden"), Refused, "Denied"),
        (give("404 Not Found"), NotFound, None),
        (give("503 Busy"), Unreachable, "RegistryError"),
        (give("302 Found", Location="ftp://x/y"), Failed, "BadAddress"),
        (lambda link, request: link.shutdown(socket.SHUT_RDWR), Unreachable, "ConnectionLost"),
    ],
)
def test_a_repository_that_does_not_serve(
    serve: Serve, answer: Any, kind: type[EdgewrightError], code: str | None
) -> None:
    server = serve(answer)
    with pytest.raises(kind) as failed:
        helm.fetch_index(f"http://{server.host}", LOGIN)
    assert code in (None, failed.value.code)
    assert "s3cret-word" not in failed.value.message + failed.value.hint and server.host in failed.value.message


def test_a_repository_that_is_down_or_has_another_ca(serve: Serve, certified: Certificate) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Unreachable) as down:
        helm.fetch_index(f"https://127.0.0.1:{port}", Access())
    assert down.value.exit_code == 5 and "Connection refused" in down.value.message
    server = serve(give("200 OK", index()), certified.context)
    with pytest.raises(Unreachable) as other:
        helm.fetch_index(f"https://{server.host}", Access())
    assert other.value.code == "CertificateRefused" and other.value.exit_code == 5
    assert helm.fetch_index(f"https://{server.host}", Access(ca_pem=certified.ca.read_text()))["demo"]


def test_a_repository_that_is_slow_ends_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(link: socket.socket, request: bytes) -> None:
        time.sleep(0.5)

    monkeypatch.setattr("edgewright.oci.link.SLICE", 0.05)
    monkeypatch.setattr("edgewright.oci.reply.SLICE", 0.05)
    monkeypatch.setattr(fetching, "LIMITS", Limits(connect=1.0, wait=0.2, window=0.2))
    with pytest.raises(TimedOut):
        helm.fetch_index(f"http://{serve(silent).host}", Access())

    def drip(link: socket.socket, request: bytes) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(40):
            link.sendall(b"x" * 10)
            time.sleep(0.02)

    monkeypatch.setattr(fetching, "LIMITS", Limits())
    began = time.monotonic()
    with pytest.raises(TimedOut, match="takes longer than 0 s"):
        helm.fetch_index(f"http://{serve(drip).host}", Access(), fetching.Deadline("Fetching", 0.2))
    assert time.monotonic() - began < 2


def test_an_index_without_end_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_INDEX", 1000)
    with pytest.raises(Failed) as refused:
        helm.fetch_index(f"http://{serve(give('200 OK', b'x' * 2000)).host}", Access())
    assert refused.value.code == "ReplyTooLong"


def push(fake: FakeRegistry, name: str, data: bytes, kind: str, config: str, title: str = "") -> str:
    layer = {"mediaType": kind, "digest": fake.put_blob(name, data), "size": len(data)}
    if title:
        layer["annotations"] = {"org.opencontainers.image.title": title}
    document = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "config": {"mediaType": config, "digest": fake.put_blob(name, b"{}"), "size": 2},
        "layers": [layer],
    }
    return fake.put_manifest(name, "2.0.0", document)


def test_packs_and_charts_at_a_registry(registry: FakeRegistry) -> None:
    from edgewright.packs import registry as packs

    place = packs.place_of(registry.host, "team")
    pushed = push(
        registry, "team/demo-pack", archive.pack(pack_files()), "application/x-tar", "application/x", "d.tar.gz"
    )
    loaded, fetched = packs.fetch(place, "demo-pack", "2.0.0", Access())
    assert loaded.pack.name == "demo-pack" and fetched == pushed and len(loaded.blobs) == 2
    push(registry, "team/demo", chart_archive(), packs.HELM_CHART, packs.HELM_CONFIG)
    chart, _ = packs.fetch(place, "demo", "2.0.0", Access())
    assert (chart.pack.kind, chart.pack.version) == ("oci", "1.2.3")
    push(registry, "team/image", b"x", media.OCI_LAYER + "+zstd", media.OCI_CONFIG)
    with pytest.raises(InvalidInput):
        packs.fetch(place, "image", "2.0.0", Access())
    with pytest.raises(NotFound):
        packs.fetch(place, "demo-pack", "9.9.9", Access())
    packs.check(place, Access())
    registry.auth = "basic"
    with pytest.raises(Refused):
        packs.check(place, Access())
    packs.check(place, Access(Login(registry.user, registry.password, "", "the hub")))


def test_names_and_tags_are_listed_in_pages(serve: Serve) -> None:
    def handler(link: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1].decode()
        if path.startswith("/v2/_catalog"):
            if "last" in path:
                return reply(link, "200 OK", b'{"repositories": ["team/b", "other/c", 7]}')
            return reply(link, "200 OK", b'{"repositories": ["team/a"]}', Link='</v2/_catalog?last=x>; rel="next"')
        if path.startswith("/v2/team/a/tags"):
            return reply(link, "200 OK", b'{"tags": ["1.9.0", "1.10.0", "bad tag", null]}')
        return reply(link, "200 OK", b"{}")

    place = registry.place_of(serve(handler).host, "team")
    assert registry.names(place, Access()) == ["a", "b"]
    assert registry.tags(place, "a", Access()) == ["1.10.0", "1.9.0"]
