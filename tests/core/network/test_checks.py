"""Every field is checked before anything is sent; the reason names the value and what is right."""

from __future__ import annotations

import pytest

from edgewright.clients.ssh.network.reading import parse
from edgewright.core.network import checks
from edgewright.core.network.settings import Wanted
from tests.clients.ssh.network.samples import NETWORKD

HOST = parse(NETWORKD)
GOOD = [
    (checks.host_name, ("edge-7f3a", "a", "a.b-c.example", "x" * 63)),
    (checks.address, ("10.4.1.7/24", "10.4.1.7/255.255.255.0", "10.4.1.7/32", "10.4.1.0/31")),
    (checks.vlan, ("", "0", "1", "4094")),
    (checks.mtu, ("576", "1500", "9216")),
    (checks.dns, ("", "10.0.0.1", "10.0.0.1, fd00::1")),
    (checks.search, ("", "example.com", "_tcp.local lan")),
    (checks.ntp, ("", "pool.ntp.org 10.0.0.1")),
    (checks.proxy, ("", "http://10.4.1.1:3128", "https://user:pass@proxy.local:8080/", "http://[fd00::1]:3128")),
    (checks.no_proxy, ("", "localhost,.svc,10.0.0.0/8,host:8080,*.local,*")),
]
BAD = [
    (checks.host_name, ("", "-a", "a-", "A", "a_b", "a..b", "1.2", "x" * 64, "a;b", "a b")),
    (checks.address, ("", "10.4.1.7", "10.4.1.0/24", "10.4.1.255/24", "10.4.1.7/33", "127.0.0.1/8", "224.0.0.1/4",
                      "fd00::1/64", "10.4.1.7/0", "10.4.1.7/24;id", "0.0.0.0/8")),
    (checks.vlan, ("4095", "-1", "1x", "99999", "\u0661")),
    (checks.mtu, ("", "575", "9217", "1e3", "1500 ")),
    (checks.dns, ("10.0.0", "dns.local", "0.0.0.0", "fe80::1%eth0", " ".join(f"10.0.0.{n}" for n in range(1, 10)))),
    (checks.search, ("a;b", "-a.b", "$(id)")),
    (checks.ntp, ("a b;c", "pool,`id`", "1.2.3")),
    (checks.proxy, ("10.4.1.1:3128", "ftp://a:21", "http://a", "http://a:0", "http://a:99999", "http://a:1/x",
                    "http://a:1\nX=1", 'http://a"b:1', "http://$(id):1")),
    (checks.no_proxy, ("a;b", "10.0.0.0/99", "`id`", 'a"b')),
]  # fmt: skip


@pytest.mark.parametrize(("check", "values"), GOOD, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_right(check: object, values: tuple[str, ...]) -> None:
    assert [value for value in values if check(value)] == []  # type: ignore[operator]


@pytest.mark.parametrize(("check", "values"), BAD, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_wrong(check: object, values: tuple[str, ...]) -> None:
    for value in values:
        said = check(value)  # type: ignore[operator]
        assert said.endswith((".", ")")) and "\n" not in said, value


def test_a_gateway_is_on_the_link() -> None:
    assert checks.gateway("10.4.1.1", "10.4.1.7/24") == "" == checks.gateway("", "10.4.1.7/24")
    assert "cannot be reached on the link" in checks.gateway("10.4.2.1", "10.4.1.7/24")
    assert "own address" in checks.gateway("10.4.1.7", "10.4.1.7/24")
    assert "network or broadcast" in checks.gateway("10.4.1.255", "10.4.1.7/24")


def test_what_a_host_does_not_allow() -> None:
    def said(wanted: Wanted, host: object = HOST) -> str:
        return " ".join(checks.problems(host, wanted))  # type: ignore[arg-type]

    assert said(Wanted(adapter="host0", mtu=1400)) == ""
    assert "has no adapter eth9; it has host0" in said(Wanted(adapter="eth9", mtu=1400))
    assert "Name the adapter" in said(Wanted(mtu=1400))
    assert "leave both empty" in said(Wanted(adapter="host0", method="dhcp", address="10.0.0.1/8"))
    assert "No time service runs" in said(Wanted(ntp=("pool.ntp.org",)))
    assert "longer than 15" in said(Wanted(adapter="long-name-0", vlan=1000), HOST._replace(
        adapters=(HOST.adapters[0]._replace(name="long-name-0"),)))  # fmt: skip
    cluster = HOST._replace(kubernetes="kubelet, etcd")
    for wanted in (Wanted(adapter="host0", address="10.66.133.9/24"), Wanted(adapter="host0", method="dhcp"),
                   Wanted(adapter="host0", vlan=7)):  # fmt: skip
        assert "Kubernetes runs on this host (kubelet, etcd): its certificates" in said(wanted, cluster)
    assert said(Wanted(adapter="host0", mtu=1400, dns=("10.0.0.1",)), cluster) == ""
