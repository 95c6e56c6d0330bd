"""Network settings changed on a booted host over real SSH by the product's command line, and given back by the host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fleet import Fleet, product, same, until
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
FAR = "10.99.77.1"
"""A console that is not in the host's subnet: what it gets back goes through the host's gateway."""
STATE = "/var/lib/edgewright-network"
LISTING = (
    "systemctl daemon-reload; uname -n; "
    "cat /etc/hostname /etc/hosts /etc/resolv.conf /etc/environment /etc/systemd/network/*; "
    "ip -o -4 addr show dev host0 | sed 's/valid_lft.*//'; ip -o link show dev host0 | sed 's/.*mtu/mtu/;s/qdisc.*//'; "
    "ip route; ip -o link | grep -c .; ls -A /etc/systemd/network /etc/systemd/system /etc/systemd/*.conf.d "
    "/etc/systemd/system/sysinit.target.wants 2>/dev/null; "
    "systemctl list-units --all --no-legend --no-pager 'edgewright-network*'"
)


class Site:
    """The host as a console sees it: `edge1` beside it, `far` through its gateway."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.address = str(fleet.status()["hosts"][0]["address"])
        self.net = self.address.rpartition(".")[0]
        self.link = f"{fleet.status()['name']}-0"
        ssh = fleet.home / ".ssh"
        ssh.mkdir(mode=0o700)
        kind, key = (fleet.disk("edge1") / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        (ssh / "known_hosts").write_text(f"{self.address} {kind} {key}\n")
        (ssh / "config").write_text(
            f"Host far\n  BindAddress {FAR}\nHost *\n  HostName {self.address}\n  User root\n  ConnectTimeout 4\n"
            f"  IdentityFile {fleet.folder / 'lab' / 'ssh' / 'id_ed25519'}\n"
        )
        (ssh / "config").chmod(0o600)
        self.within("cp /etc/systemd/network/10-host0.network /root/before")
        subprocess.run(["ip", "address", "add", f"{FAR}/32", "dev", self.link], check=True)

    def run(self, *words: str, code: int = 0, timeout: float = 120) -> str:
        """Run a verb of `site network`; return what it said."""
        done = product(self.fleet.env, "site", "network", *words, timeout=timeout)
        assert done.returncode == code, f"{words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def change(self, *words: str, code: int = 0, within: str = "20s", target: str = "edge1") -> str:
        """Run `site network set`."""
        return self.run("set", target, *words, "--confirm-within", within, "--yes", code=code)

    def read(self, *at: str) -> dict[str, Any]:
        """Return the settings as the product reads them."""
        shown: dict[str, Any] = json.loads(self.run(at[0] if at else "edge1", "-o", "json"))
        return shown

    def within(self, script: str, patience: float = 40) -> str:
        """Run a script in the host, without its network."""
        return self.fleet.within("edge1", "sh", "-c", script, timeout=patience, check=False)

    def power_cycle(self) -> None:
        """Take the power from the host without a warning, and give it back."""
        self.fleet.lab("fault", "power-cut", "edge1")
        self.fleet.lab("fault", "power-on", "edge1")

    def put_back(self) -> None:
        """Give the host the file that it had before the tests."""
        file = "/etc/systemd/network/10-host0.network"
        again = "networkctl reload; networkctl reconfigure host0; ip link set host0 mtu 1500"
        self.within(f"cp /root/before {file}; ip addr flush dev host0; {again}")
        until("the host is as before", 20, lambda: self.address in self.within("ip -o -4 addr show dev host0"))

    def listing(self) -> str:
        """Return everything that a change may touch."""
        return self.within(LISTING)

    def idle(self) -> bool:
        """Whether no change is under way on the host."""
        return self.within(f"[ -e {STATE}/change ] || echo idle").strip() == "idle"


@pytest.fixture(scope="module")
def site(make_fleet: Callable[..., Fleet]) -> Site:
    return Site(make_fleet("--hosts", "1"))


@pytest.fixture
def before(site: Site) -> Iterator[str]:
    """The host as it is; it must be the same after the test."""
    until("no change is under way", 60, site.idle)
    result = site.listing()
    assert site.address in result and "mtu 1500" in result
    yield result
    until("the change has ended", 60, site.idle)
    until("the host is as before", 20, lambda: same(result, site.listing()))


def test_a_wrong_gateway_cuts_the_console_off_and_the_host_comes_back_alone(site: Site, before: str) -> None:
    assert site.read("far")["connection"]["client"] == FAR
    plan = site.run("set", "far", "--adapter", "host0", "--gateway", f"{site.net}.77", "--plan")
    assert "THIS CONNECTION WILL BE CUT" in plan and f"{site.net}.1 -> {site.net}.77" in plan
    began = time.monotonic()
    said = site.change("--adapter", "host0", "--gateway", f"{site.net}.77", target="far", code=1)
    took = time.monotonic() - began
    print(f"wrong gateway: the console showed it after {took:.1f} s of 20 s: {said.strip().splitlines()[-2:]}")
    assert "The old settings of far are there again: the time was over" in said
    assert 19 <= took < 45


def test_a_new_address_is_followed_and_confirmed_and_stays_over_a_reboot(site: Site, before: str) -> None:
    new = f"{site.net}.99"
    said = site.change("--adapter", "host0", "--address", f"{new}/24", "--mtu", "1400", within="60s")
    assert f"{new}:22 answers a new connection" in said and f"site network confirm edge1 --at {new}" in said
    assert "The new settings stay." in site.run("confirm", "edge1", "--at", new, "--yes")
    site.power_cycle()
    until("the host answers at its new address", 60, lambda: "10-host0" in site.within("ls /etc/systemd/network"))
    until("its address is there", 60, lambda: f"{new}/24" in site.within("ip -o -4 addr show dev host0"))
    assert "mtu 1400" in site.within("ip -o link show dev host0")
    assert " confirmed" in site.within(f"cat {STATE}/last")
    site.put_back()


def test_a_power_cut_before_the_confirmation_gives_the_old_settings_back(site: Site, before: str) -> None:
    new = f"{site.net}.98"
    site.change("--adapter", "host0", "--address", f"{new}/24", "--hostname", "other", "--dns", "10.0.0.1", within="1h")
    assert "other" in site.within("cat /etc/hostname; uname -n")
    site.power_cycle()
    until("the host has started", 60, lambda: "edge1" in site.within("uname -n"))
    until("its old address is there", 60, lambda: site.address in site.within("ip -o -4 addr show dev host0"))
    until("it is read again", 60, lambda: product(site.fleet.env, "site", "network", "edge1").returncode == 0)
    assert "started again before it was confirmed" in site.read()["lastChange"]


def test_a_second_console_is_refused_and_may_take_the_change_back(site: Site, before: str) -> None:
    site.change("--hostname", "first", within="5m")
    assert "is not confirmed yet" in site.change("--hostname", "second", code=6)
    pending = site.read()["pending"]
    assert pending["applied"] and 200 < pending["secondsLeft"] <= 300 and " at " in pending["by"]
    assert "gives its old settings back" in site.run("undo", "edge1", "--yes")
    until("the change has ended", 20, site.idle)
    assert "taken back" in site.read()["lastChange"]
    assert "has no change that waits" in site.run("confirm", "edge1", "--yes", code=6)


def test_a_console_that_is_killed_leaves_a_host_that_comes_back(site: Site, before: str) -> None:
    words = ["set", "edge1", "--adapter", "host0", "--mtu", "1300", "--confirm-within", "20s", "--yes"]
    run = subprocess.Popen(
        [sys.executable, "-m", "edgewright", "site", "network", *words],
        env=site.fleet.env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until("the change has begun", 60, lambda: not site.idle())
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until("the change is applied", 60, lambda: "mtu 1300" in site.within("ip -o link show dev host0"))
    until("the host is as before", 40, lambda: site.idle() and "mtu 1500" in site.within("ip -o link show dev host0"))


def test_a_full_disk_while_the_old_settings_are_saved_changes_nothing(site: Site, before: str) -> None:
    site.within(f"mkdir -p {STATE}; mount -t tmpfs -o size=96k,mode=0700 none {STATE}")
    try:
        for size in (60_000, 80_000, 90_112, 98_304):
            site.within(f"head -c {size} /dev/zero >{STATE}/x")
            said = site.change("--hostname", "other", code=1)
            assert "Nothing was changed." in said, said
            assert site.within(f"ls -A {STATE}").split() == ["x"]
            assert site.within("uname -n; cat /etc/hostname").split() == ["edge1", "edge1"]
    finally:
        site.within(f"umount {STATE}")


def test_a_command_that_fails_gives_the_old_settings_back_at_once(site: Site, before: str) -> None:
    site.within("printf '#!/bin/sh\\necho no such thing >&2\\nexit 1\\n' >/usr/local/sbin/networkctl; "
                "chmod 755 /usr/local/sbin/networkctl")  # fmt: skip
    try:
        began = time.monotonic()
        said = site.change("--adapter", "host0", "--mtu", "1300", within="10m", code=1)
        assert "a command failed" in said and "no such thing" in said and time.monotonic() - began < 30
    finally:
        site.within("rm /usr/local/sbin/networkctl")


def test_a_vlan_that_the_kernel_or_the_switch_has_not_is_given_back(site: Site, before: str) -> None:
    said = site.change("--adapter", "host0", "--vlan", "100", within="40s", code=1)
    assert "the time was over" in said or ("a command failed" in said and "host0.100" in said), said


def test_dhcp_is_given_back_without_a_server_and_kept_with_one(site: Site, before: str, tmp_path: Path) -> None:
    assert "the time was over" in site.change("--adapter", "host0", "--method", "dhcp", code=1)
    (tmp_path / "leases").touch()
    (tmp_path / "conf").write_text(
        f"start {site.address}\nend {site.address}\ninterface {site.link}\nlease_file {tmp_path}/leases\n"
        f"pidfile {tmp_path}/pid\noption subnet 255.255.255.0\noption router {site.net}.1\n"
    )
    server = subprocess.Popen(["busybox", "udhcpd", "-f", str(tmp_path / "conf")], stderr=subprocess.DEVNULL)
    try:
        words = ["--adapter", "host0", "--method", "dhcp", "--confirm"]
        assert "The new settings stay" in site.change(*words, within="60s")
        shown = site.read()["adapters"][0]
        assert (shown["method"], shown["addresses"], shown["gateway"]) == (
            "dhcp", [f"{site.address}/24"], f"{site.net}.1",
        )  # fmt: skip
        words = ["--adapter", "host0", "--address", f"{site.address}/24", "--gateway", f"{site.net}.1", "--confirm"]
        assert "The new settings stay" in site.change(*words, within="60s")
        site.put_back()  # the address keeps the metric that DHCP gave it until it is set again
    finally:
        server.terminate()
        server.wait()


def test_kubernetes_on_the_host_keeps_its_addresses(site: Site, before: str) -> None:
    site.within("cp /bin/sleep /run/kubelet; setsid /run/kubelet 300 </dev/null >/dev/null 2>&1 & sleep 0.5")
    try:
        said = site.change("--adapter", "host0", "--address", f"{site.net}.50/24", code=7)
        assert "Kubernetes runs on this host (kubelet)" in said and "etcd" in said
        assert "node is called by" in site.change("--hostname", "other", code=7)
        site.change("--adapter", "host0", "--mtu", "1450")
        site.run("undo", "edge1", "--yes")
        until("the change has ended", 20, site.idle)
    finally:
        site.within("kill $(pidof kubelet); rm -f /run/kubelet")
