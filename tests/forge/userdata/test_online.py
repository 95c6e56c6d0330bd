"""What the network says: a real hub over TLS, and stand-ins for registry, time server and proxy on this machine."""

from __future__ import annotations

import asyncio
import base64
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edgewright.core.cloudconfig.findings import ERROR, NOTE, UNKNOWN, WARNING, Finding
from edgewright.core.cloudconfig.registries import registries
from edgewright.forge.userdata.online import check_online, not_checked
from edgewright.forge.userdata.online_network import check_proxy, check_time
from edgewright.forge.userdata.online_plane import check_hosts, check_token
from edgewright.forge.userdata.online_registry import check_registry
from tests.hub_fixture import RunningHub, running_hub

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub() as running:
        yield running


def document(hub: RunningHub, **site: Any) -> dict[str, Any]:
    given = {"paletteEndpoint": hub.url, "edgeHostToken": "abc", "caCerts": [hub.ca.read_text()], **site}
    return {"stylus": {"site": {key: value for key, value in given.items() if value is not None}}}


def of(found: list[Finding], path: str) -> Finding:
    (one,) = [one for one in found if one.path == path]
    return one


ENDPOINT, TOKEN = "stylus.site.paletteEndpoint", "stylus.site.edgeHostToken"


async def test_a_plane_that_answers_by_its_ca_is_fine(hub: RunningHub) -> None:
    one = of(await check_online(document(hub)), ENDPOINT)
    assert (one.severity, one.code) == (NOTE, "Fine") and "a hub" in one.message


async def test_a_missing_ca_is_an_error_and_says_where_it_belongs(hub: RunningHub) -> None:
    one = of(await check_online(document(hub, caCerts=None)), ENDPOINT)
    assert (one.severity, one.code) == (ERROR, "UnknownCA") and "caCerts" in one.hint


async def test_a_wrong_ca_is_an_error_that_names_the_key_and_no_file(hub: RunningHub) -> None:
    from tests.forge.userdata.test_certificates import pem

    one = of(await check_online(document(hub, caCerts=[pem()])), ENDPOINT)
    assert (one.severity, one.code) == (ERROR, "UnknownCA") and "stylus.site.caCerts" in one.message
    assert "/" not in one.message.replace(hub.url, "")


async def test_nobody_there_is_not_known_and_no_error() -> None:
    site = {"paletteEndpoint": "https://127.0.0.1:1", "edgeHostToken": "x"}
    found = await check_online({"stylus": {"site": site}}, timeout=2)
    assert of(found, ENDPOINT).severity == UNKNOWN and of(found, TOKEN).severity == UNKNOWN


async def test_without_verification_only_tls_is_asked_for(hub: RunningHub) -> None:
    one = of(await check_online(document(hub, insecureSkipVerify=True, caCerts=None)), ENDPOINT)
    assert one.severity == NOTE and "not looked at" in one.message


def token(**changes: Any) -> dict[str, Any]:
    spec = {"token": "abc", "expiry": "2027-03-01T00:00:00.000Z", "defaultProject": {"uid": "p", "name": "Default"}}
    spec.update(changes.pop("spec", {}))
    return {"metadata": {"name": "t", "uid": "u"}, "spec": spec, "status": {"isActive": changes.get("active", True)}}


@pytest.mark.parametrize(
    ("tokens", "site", "severity", "code"),
    [
        ([token()], {}, NOTE, "Fine"),
        ([], {}, ERROR, "NoSuchToken"),
        (None, {}, UNKNOWN, "TokenUnknown"),
        ([token(active=False)], {}, ERROR, "TokenRevoked"),
        ([token(spec={"expiry": "2027-01-15T00:00:00.000Z"})], {}, ERROR, "TokenExpired"),
        ([token(spec={"expiry": "2027-01-16T08:00:00.000Z"})], {}, WARNING, "TokenEnds"),
        ([token(spec={"defaultProject": {}})], {}, ERROR, "NoProject"),
        ([token(spec={"defaultProject": {}})], {"projectName": "x"}, NOTE, "Fine"),
    ],
)
def test_what_the_plane_says_of_the_token(tokens: Any, site: dict[str, str], severity: str, code: str) -> None:
    (one,) = check_token({"stylus": {"site": {"edgeHostToken": "abc", **site}}}, tokens, "no reason", NOW)
    assert (one.severity, one.code) == (severity, code)
    assert "abc" not in one.message


def test_hosts_that_are_in_the_way_are_told() -> None:
    nic = {"type": "static", "ipAddress": "10.0.0.5/24"}
    site = {"name": "edge-1", "hostName": "box", "network": {"interfaces": {"eno1": nic}}}
    hosts: list[dict[str, Any]] = [
        {"metadata": {"uid": "edge-1"}},
        {"metadata": {"uid": "edge-2", "name": "box"}},
        {"metadata": {"uid": "edge-3"}, "spec": {"device": {"nics": [{"ip": "10.0.0.5"}]}}},
    ]
    found = check_hosts({"stylus": {"site": site}}, hosts)
    assert [one.code for one in found] == ["UidTaken", "NameTaken", "AddressTaken"]


class RegistryStandIn:
    """Speaks as much of a registry as a login needs."""

    def __init__(self, wants: str = "") -> None:
        self.wants = wants

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        if first == b"\x16":  # it is asked by TLS first
            writer.close()
            return
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        login = base64.b64encode(b"bob:secret").decode()
        good = not self.wants or f"Basic {login}" in head
        if "/v2/" not in head.split("\r\n")[0]:
            status, extra = "404 Not Found", ""
        else:
            status = "200 OK" if good else "401 Unauthorized"
            extra = "" if good else f"WWW-Authenticate: {self.wants}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{extra}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(serve: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("wants", "login", "severity", "code"),
    [
        ("", {}, NOTE, "Fine"),
        ('Basic realm="x"', {"username": "bob", "password": "secret"}, NOTE, "Fine"),
        ('Basic realm="x"', {"username": "bob", "password": "wrong"}, ERROR, "LoginRefused"),
        ('Basic realm="x"', {"username": "bob", "password": "c2VjcmV0", "encodedPassword": True}, NOTE, "Fine"),
        ('Basic realm="x"', {}, WARNING, "NoLogin"),
    ],
)
async def test_what_a_registry_says(wants: str, login: dict[str, Any], severity: str, code: str) -> None:
    async with listening(RegistryStandIn(wants).serve) as port:
        raw = {"domain": f"127.0.0.1:{port}", "insecure": True, **login}
        (registry,) = registries({"stylus": {"registryCredentials": raw}})
        (one,) = await check_registry(registry, 3)
    assert (one.severity, one.code) == (severity, code)
    assert "secret" not in one.message


async def test_a_registry_that_is_not_there_is_not_known() -> None:
    (registry,) = registries({"stylus": {"registryCredentials": {"domain": "127.0.0.1:1"}}})
    (one,) = await check_registry(registry, 2)
    assert one.severity == UNKNOWN


class ClockStandIn(asyncio.DatagramProtocol):
    """A time server whose clock is `apart` seconds from ours."""

    def __init__(self, apart: float, stratum: int = 2) -> None:
        self.apart, self.stratum = apart, stratum

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        now = struct.pack("!II", int(time.time() + self.apart + 2_208_988_800), 0)
        self.transport.sendto(bytes([0x24, self.stratum]) + bytes(22) + data[40:48] + now + now, addr)


@pytest.mark.parametrize(
    ("apart", "stratum", "severity", "code"),
    [(0, 2, NOTE, "Fine"), (3600, 2, WARNING, "ClocksDiffer"), (0, 16, WARNING, "Unsynchronised")],
)
async def test_what_a_time_server_says(apart: float, stratum: int, severity: str, code: str) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: ClockStandIn(apart, stratum), local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        (one,) = await check_time("p", "127.0.0.1", 3, port)
    finally:
        transport.close()
    assert (one.severity, one.code) == (severity, code)


async def test_a_time_server_that_is_silent_is_not_known() -> None:
    (one,) = await check_time("p", "127.0.0.1", 0.3, 1)
    assert one.severity == UNKNOWN


@pytest.mark.parametrize(
    ("answer", "severity", "code"),
    [(b"HTTP/1.1 200 OK\r\n", NOTE, "Fine"), (b"HTTP/1.1 407 No\r\n", ERROR, "ProxyLogin"),
     (b"HTTP/1.1 403 No\r\n", WARNING, "ProxyRefuses"), (b"SSH-2.0\r\n", UNKNOWN, "NoAnswer")],
)  # fmt: skip
async def test_what_a_proxy_says(answer: bytes, severity: str, code: str) -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(answer + b"\r\n")
        await writer.drain()
        writer.close()

    async with listening(serve) as port:
        (one,) = await check_proxy("p", f"http://127.0.0.1:{port}", "https://plane.example.com", 3)
    assert (one.severity, one.code) == (severity, code)
    assert seen == [b"CONNECT plane.example.com:443 HTTP/1.1\r\n"]


def test_what_was_left_out_offline_is_told() -> None:
    site = {"paletteEndpoint": "https://x.example.com", "ntpServers": ["a"], "network": {"httpProxy": "http://p:1"}}
    (one,) = not_checked({"stylus": {"site": site}})
    assert one.severity == UNKNOWN
    assert all(word in one.message for word in ("plane", "time servers", "proxy"))
    assert not_checked({"stylus": {"managementMode": "local"}}) == []
