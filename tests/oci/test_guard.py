"""Addresses that connections may go to: judged when they are connected to, whatever the name resolved to before."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.core.errors import Refused
from edgewright.oci.access import Access
from edgewright.oci.guard import AddressRefused, check_literal, public_only, with_private
from edgewright.oci.registry import Registry
from edgewright.oci.work import Unwatched
from tests.oci.raw_server import RawServer, give

Serve = Callable[..., RawServer]
ALWAYS = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "0.0.0.0",
    "64:ff9b:1::a9fe:a9fe", "::169.254.169.254",
    "::", "224.0.0.1", "ff02::1", "x",
]  # fmt: skip
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "127.0.0.1", "::1", "::ffff:10.0.0.1"]


@pytest.mark.parametrize("address", ALWAYS)
def test_what_is_never_allowed(address: str) -> None:
    assert public_only(address) and with_private(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_an_admin_may_allow(address: str) -> None:
    assert public_only(address) and not with_private(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert not public_only(address) and not with_private(address)


def test_the_reason_is_the_right_one() -> None:
    assert with_private("169.254.169.254") == "169.254.169.254 is link-local"
    assert with_private("168.63.129.16") == "168.63.129.16 is where a cloud serves credentials"


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.43518", "0251.254.169.254."])
def test_a_proxy_is_not_asked_for_an_address_in_any_notation(host: str) -> None:
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254 is link-local"):
        check_literal(with_private, host)
    check_literal(public_only, "registry.example")


def opened(server: RawServer, guard: Any, host: str = "") -> Registry:
    return Registry(host or server.host, "a", Unwatched(), access=Access(guard=guard), sleep=lambda _: None)


def test_a_refused_address_is_not_connected_to(serve: Serve) -> None:
    server = serve(give("200 OK", b"{}"))
    with opened(server, public_only) as there, pytest.raises(Refused) as refused:
        there.has_blob("sha256:" + "0" * 64, "x")
    assert refused.value.code == "AddressRefused" and "127.0.0.1 is this machine" in refused.value.message
    assert server.requests == []
    with opened(server, with_private) as there:
        assert there.has_blob("sha256:" + "0" * 64, "x")


def test_a_name_that_resolves_to_another_address_each_time_gains_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(give("200 OK", b"{}"))
    port = int(server.host.partition(":")[2])
    answers = ["93.184.216.34", "127.0.0.1"]
    asked: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = answers[min(len(asked) - 1, 1)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def refuse_public(address: str) -> str:
        return "it was only looked at" if address == "93.184.216.34" else public_only(address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(2):  # the first look sees one address, the second the other: neither is connected to
        with opened(server, refuse_public, f"rebind.example:{port}") as there, pytest.raises(Refused):
            there.has_blob("sha256:" + "0" * 64, "x")
    assert len(asked) == 2 and server.requests == []


def test_a_redirect_to_a_refused_address_is_not_followed(serve: Serve) -> None:
    target = serve(give("200 OK", b"{}"))
    server = serve(give("302 Found", Location=f"http://{target.host}/x"))
    allowed = int(server.host.partition(":")[2])
    seen: list[str] = []

    def only_first(address: str) -> str:
        seen.append(address)
        return "" if len(seen) == 1 else "refused in the test"

    with opened(server, only_first) as there, pytest.raises(Refused) as refused:
        there.has_blob("sha256:" + "0" * 64, "x")
    assert refused.value.code == "AddressRefused" and target.requests == [] and allowed
