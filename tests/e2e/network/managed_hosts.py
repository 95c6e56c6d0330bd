"""Booted hosts whose adapter is set by netplan, ifupdown or NetworkManager: real packages of Debian, real restarts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.fleet import Fleet, product, until

PACKAGES = ("netplan.io", "ifupdown", "network-manager", "isc-dhcp-client", "systemd-resolved")
UP = """
import functools, sys
from edgewright.lab import base, fleet
packages = (*base.PACKAGES, *sys.argv.pop(1).split(","))
fleet.ensure_base = functools.partial(base.ensure_base, packages=packages)
from edgewright.main import main
sys.exit(main())
"""
"""`edgewright lab ...` whose hosts have further packages."""
STATE = "/var/lib/edgewright-network"
SETTINGS = {
    "systemd-networkd": """
rm -f /etc/resolv.conf; ln -s /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
""",
    "netplan": """
rm /etc/systemd/network/10-host0.network
umask 077; mkdir -p /etc/netplan; cat >/etc/netplan/50-shop.yaml <<END
network:
  version: 2
  ethernets:
    host0:
      addresses: [ADDRESS/24]
      routes: [{to: default, via: GATEWAY}]  # the shop's router
END
""",
    "ifupdown": """
rm /etc/systemd/network/10-host0.network
systemctl disable -q systemd-networkd.service systemd-networkd.socket; systemctl enable -q networking
cat >/etc/network/interfaces.d/shop <<END
auto host0
iface host0 inet static
    address ADDRESS/24
    gateway GATEWAY
END
""",
    "NetworkManager": """
rm /etc/systemd/network/10-host0.network
systemctl disable -q systemd-networkd.service systemd-networkd.socket; systemctl enable -q NetworkManager
umask 077; cat >/etc/NetworkManager/system-connections/shop.nmconnection <<END
[connection]
id=the shop
type=ethernet
interface-name=host0

[ipv4]
address1=ADDRESS/24,GATEWAY
method=manual

[ipv6]
method=disabled
END
""",
}
"""What makes a host of the lab one of each manager, at its next start."""
LISTING = (
    "systemctl daemon-reload; cat /etc/systemd/network/* /etc/netplan/* /etc/network/interfaces.d/* /etc/resolv.conf "
    "/etc/NetworkManager/system-connections/* 2>/dev/null; stat -c '%n %a %U' /etc/netplan/* "
    "/etc/NetworkManager/system-connections/* 2>/dev/null; ip -o -4 addr show dev host0 | sed 's/valid_lft.*//'; "
    "ip -o link show dev host0 | sed 's/.*mtu/mtu/;s/qdisc.*//'; ip route; "
    "systemctl list-units --all --no-legend --no-pager 'edgewright-network*'"
)
"""Everything that a change may touch."""


_FOLDERS = "systemd/network netplan network NetworkManager/system-connections"
PACK = f"mkdir -p {_FOLDERS}; tar -cf /root/before.tar {_FOLDERS}"
UNPACK = f"cd /etc && rm -rf {_FOLDERS} && tar -xpf /root/before.tar; sync"


class ManagedHost:
    """One host of the lab, as a console reaches it and from within."""

    def __init__(self, fleet: Fleet, name: str, manager: str) -> None:
        self.fleet, self.name, self.manager = fleet, name, manager
        self.address = str(next(host["address"] for host in fleet.shown["hosts"] if host["name"] == name))
        self.net = self.address.rpartition(".")[0]
        self.new = f"{self.net}.{int(self.address.rpartition('.')[2]) + 80}"
        script = SETTINGS[manager].replace("ADDRESS", self.address).replace("GATEWAY", f"{self.net}.1")
        self.within(f"systemctl disable -q NetworkManager networking; {script}\ncd /etc; {PACK}; sync")
        self.power_cycle()

    def run(self, *words: str, code: int = 0) -> str:
        """Run a verb of `site network`; return what it said."""
        done = product(self.fleet.env, "site", "network", *words, timeout=120)
        assert done.returncode == code, f"{words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def change(self, *words: str, within: str = "20s", code: int = 0) -> str:
        """Run `site network set` for the adapter."""
        words = ("set", self.name, "--adapter", "host0", *words, "--confirm-within", within, "--yes")
        return self.run(*words, code=code)

    def read(self) -> dict[str, Any]:
        """Return the settings as the product reads them."""
        done = product(self.fleet.env, "site", "network", self.name, "-o", "json")
        assert done.returncode == 0, done.stderr
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def within(self, script: str) -> str:
        """Run a script in the host, without its network."""
        return self.fleet.within(self.name, "sh", "-c", script, timeout=40, check=False)

    def has(self, address: str, mtu: int) -> bool:
        """Whether the adapter has this address and this MTU now."""
        shown = self.within("ip -o -4 addr show dev host0; ip -o link show dev host0")
        return f" {address}/24 " in shown and f"mtu {mtu} " in shown

    def power_cycle(self) -> None:
        """Take the power from the host without a warning, and give it back."""
        self.fleet.lab("fault", "power-cut", self.name)
        self.fleet.lab("fault", "power-on", self.name)
        # netplan asks udev to look again, which the file systems of a container allow for no device otherwise
        self.within("mount -o remount,rw /sys/devices")

    def put_files_back(self) -> None:
        """Give the host the files from before the tests: a confirmed change writes them in its own way."""
        assert self.has(self.address, 1500)
        self.within(UNPACK)
        self.power_cycle()
        until("its address is there", 30, lambda: self.has(self.address, 1500))

    def idle(self) -> bool:
        """Whether no change is under way on the host."""
        return self.within(f"[ -e {STATE}/change ] || echo idle").strip() == "idle"

    def as_before(self, listing: str) -> None:
        """Wait until everything is as it was."""
        until("the change has ended", 60, self.idle)
        until(f"{self.name} is as before", 20, lambda: self.within(LISTING) == listing)


def lab_of_managers(folder: Path) -> Fleet:
    """Bring up a lab with a host for each manager; `managed` makes them so."""
    fleet = Fleet(folder)
    words = ["lab", "up", "--bare", "--hosts", str(len(SETTINGS)), "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-c", UP, ",".join(PACKAGES), *words],
        capture_output=True, text=True, env=fleet.env, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    fleet.shown = json.loads(done.stdout)
    ssh = fleet.home / ".ssh"
    ssh.mkdir(mode=0o700)
    text, known = "", ""
    for host in fleet.shown["hosts"]:
        kind, key = (fleet.disk(host["name"]) / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        known += f"{host['address']} {kind} {key}\n"
        text += f"Host {host['name']}\n  HostName {host['address']}\n"
    text += f"Host *\n  User root\n  ConnectTimeout 4\n  IdentityFile {fleet.folder / 'lab' / 'ssh' / 'id_ed25519'}\n"
    (ssh / "known_hosts").write_text(known)
    (ssh / "config").write_text(text)
    (ssh / "config").chmod(0o600)
    return fleet
