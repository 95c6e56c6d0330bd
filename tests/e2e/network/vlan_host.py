"""A booted host with a kernel that knows VLANs, on a trunk: Debian's systemd and its kernel in an emulated machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.e2e.boot.machine import Machine, patience
from tests.e2e.fleet import same, until
from tests.e2e.forge.guest import Guest, free_port
from tests.e2e.forge.proof_rig import Rig
from tests.e2e.network.vlan_switch import TUN, VlanSwitch

NAME = "edge-7"
PROGRAMS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "ip", "nsenter", "setpriv", "ssh", "ssh-keygen")
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "openssh-server", "iproute2", "procps", "initramfs-tools"),
    *("linux-image-cloud-amd64", "zstd", "netplan.io", "ifupdown"),
    "network-manager",
)
PATIENCE = patience(300)
"""Seconds for a start of the emulated machine."""
WITHIN = f"{PATIENCE / 3:.0f}s"
"""Within which a change is confirmed."""
VLANS = {0: "10.55.0.1/24", 30: "10.55.30.1/24", 100: "10.55.100.1/24"}
"""The switch: its own addresses by VLAN."""
OWN = "/etc/systemd/network/10-own.network"
FILES = {
    "etc/hostname": f"{NAME}\n",
    "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {NAME}\n",
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
    "etc/resolv.conf": "nameserver 10.55.0.1\n",
    # the adapter that the test looks through; it is not on the switch
    "etc/systemd/network/90-look.network": "[Match]\nName=eth1\n\n[Network]\nAddress=10.0.2.15/24\n",
    OWN[1:]: "[Match]\nName=eth0\n\n[Network]\nAddress=10.55.0.15/24\nGateway=10.55.0.1\nVLAN=eth0.30\n",
    "etc/systemd/network/20-voice.netdev": "[NetDev]\nName=eth0.30\nKind=vlan\n\n[VLAN]\nId=30\n",
    "etc/systemd/network/20-voice.network": "[Match]\nName=eth0.30\n\n[Network]\nAddress=10.55.30.15/24\n",
    "etc/ssh/sshd_config.d/quick.conf": (
        "UsePAM no\nUseDNS no\nPermitRootLogin prohibit-password\nKexAlgorithms curve25519-sha256@libssh.org\n"
    ),
    "etc/systemd/system/up.service": (
        "[Unit]\nAfter=ssh.service systemd-networkd.service networking.service\n\n[Service]\nType=oneshot\n"
        "ExecStart=/bin/sh -c 'until ip route | grep -q ^default; do sleep 1; done; echo; echo guest is up'\n"
        "StandardOutput=file:/dev/ttyS0\n"
    ),
}
OTHERS = {
    "netplan": """umask 077; cat >/etc/netplan/50-shop.yaml <<END
network:
  version: 2
  ethernets:
    eth0:
      addresses: [10.55.0.15/24]
      routes: [{to: default, via: 10.55.0.1}]
  vlans:
    eth0.30: {id: 30, link: eth0, addresses: [10.55.30.15/24]}
END
""",
    "ifupdown": """cat >/etc/network/interfaces.d/shop <<END
auto eth0
iface eth0 inet static
    address 10.55.0.15/24
    gateway 10.55.0.1
auto eth0.30
iface eth0.30 inet static
    address 10.55.30.15/24
END
""",
}
"""What makes it a host of another manager, at its next start."""
NETWORKMANAGER = """umask 077; cd /etc/NetworkManager/system-connections
connection() { # NAME TYPE ADDRESS REST
  printf '[connection]\\nid=%s\\ntype=%s\\ninterface-name=%s\\n\\n[ipv4]\\nmethod=manual\\naddress1=%s\\n%b' \\
    "$1" "$2" "$1" "$3" "$4" >"$1.nmconnection"
}
connection eth0 ethernet 10.55.0.15/24,10.55.0.1
connection eth0.30 vlan 10.55.30.15/24 '\\n[vlan]\\nid=30\\nparent=eth0\\n'
connection eth1 ethernet 10.0.2.15/24
rm -f /etc/systemd/network/90-look.network
systemctl disable systemd-networkd.service systemd-networkd.socket
systemctl enable NetworkManager.service
"""
MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service"),
    *("dpkg-db-backup.timer", "systemd-networkd-wait-online.service", "serial-getty@ttyS0.service"),
    *("getty@tty1.service", "systemd-logind.service", "systemd-pstore.service", "systemd-random-seed.service"),
)
LISTING = (
    "cat /etc/systemd/network/* /etc/netplan/* /etc/network/interfaces.d/* 2>/dev/null; ls /etc/systemd/network; "
    "ip -o -4 addr show | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort; "
    "ip -d -o link show | sed -n 's/.*vlan protocol/vlan/p' | cut -c1-40 | sort; "
    "ip -o link show | sed 's/^[0-9]*: //; s/qdisc.*//' | sort; ip route | sort; ls /etc/systemd/system; "
    "systemctl list-units --no-legend --no-pager 'edgewright-network*'"
)
"""Everything that a change may touch. Not units that ran and ended at this start, which systemd remembers, and not the
kernel's numbers of adapters: ifupdown makes a VLAN again."""


class Disk(Guest):
    """The host's disk, with the kernel and the initrd beside it."""

    packages = PACKAGES

    def __init__(self, folder: Path, key: str) -> None:
        super().__init__(folder)
        self.key = key

    def fill(self, merged: Path) -> None:
        """Give the host its network, its sshd and nothing that it does not need."""
        for name, text in FILES.items():
            (merged / name).parent.mkdir(parents=True, exist_ok=True)
            (merged / name).unlink(missing_ok=True)
            (merged / name).write_text(text)
        ssh = merged / "root/.ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(self.key)
        units = merged / "etc/systemd/system"
        wants = units / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        for name in ("systemd-networkd.service", "ssh.service"):
            (wants / name).unlink(missing_ok=True)
            (wants / name).symlink_to(f"/lib/systemd/system/{name}")
        (wants / "up.service").symlink_to("/etc/systemd/system/up.service")
        (wants / "NetworkManager.service").unlink(missing_ok=True)
        for name in MASKED:
            (units / name).unlink(missing_ok=True)
            (units / name).symlink_to("/dev/null")
        for path in (merged / "etc/ssh").glob("ssh_host_*"):
            path.unlink()
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(merged / "etc/ssh/ssh_host_ed25519_key")]
        subprocess.run(words, check=True)
        (merged / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")


class TrunkHost:
    """A host on a trunk, and a console that is on the switch; the test looks into it by an adapter of its own."""

    name = NAME
    user = "root"
    up = "guest is up"
    """What the host prints once it has started."""
    patience = PATIENCE
    state = "/var/lib/edgewright-network"
    """Where the host has a change until it is confirmed."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.switch = VlanSwitch(rig.name, rig.folder, VLANS)
        self.ssh = rig.home / ".ssh"
        self.ssh.mkdir(mode=0o700)
        self.key = self.ssh / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.port = free_port()
        self.at("10.55.0.15")
        self.starts = 0

    def start(self, words: Sequence[str], memory: int) -> None:
        """Give it its power; `words` are those of its disks."""
        look = f"user,id=look,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"
        adapters = [*self.switch.words, "-netdev", look, "-device", "virtio-net-pci,netdev=look,romfile=,addr=0x6"]
        self.machine = Machine(self.rig.folder / "console.log", [*words, *adapters], memory)

    def at(self, address: str) -> None:
        """Tell the console where the host is."""
        text = f"  HostName {address}\n  HostKeyAlias {self.name}\n  User {self.user}\n  IdentityFile {self.key}\n"
        (self.ssh / "config").write_text(f"Host {self.name}\n{text}  StrictHostKeyChecking accept-new\n")
        (self.ssh / "config").chmod(0o600)

    def started(self) -> None:
        """Wait until the host has started once more."""
        self.starts += 1
        began = time.monotonic()
        self.machine.wait(self.up, self.starts, self.patience)
        print(f"start {self.starts} after {time.monotonic() - began:.0f} s")

    def power_cycle(self) -> None:
        """Take the power from the host without a warning, and give it back."""
        self.machine.cut_power()
        self.started()

    def run(self, *words: str, code: int = 0) -> str:
        """Run a verb of `site network` on the console; return what it said."""
        done = self.rig.product(
            "site", "network", *words, "--timeout", f"{self.patience / 6:.0f}", timeout=2 * self.patience
        )
        assert done.returncode == code, f"{words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def change(self, *words: str, within: str = WITHIN, code: int = 0) -> str:
        """Run `site network set`."""
        return self.run("set", self.name, *words, "--confirm-within", within, "--yes", code=code)

    def read(self) -> dict[str, Any]:
        """Return the settings as the product reads them."""
        shown: dict[str, Any] = json.loads(self.run(self.name, "-o", "json"))
        return shown

    def adapter(self, name: str) -> dict[str, Any]:
        """Return an adapter as the product reads it; empty when there is none."""
        return next((each for each in self.read()["adapters"] if each["name"] == name), {})

    def within(self, script: str) -> str:
        """Run a script as root in the host, by the adapter that is not on the switch."""
        words = ["ssh", "-p", str(self.port), "-i", str(self.key), "-o", "StrictHostKeyChecking=no"]
        words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30"]
        words += [f"{self.user}@127.0.0.1", "sh -s" if self.user == "root" else "sudo -n sh -s"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, input=script, check=False)
        assert done.returncode != 255, done.stderr
        return done.stdout

    def idle(self) -> bool:
        """Whether no change is under way on the host."""
        return self.within(f"[ -e {self.state}/change ] || echo idle").strip() == "idle"

    def down(self) -> None:
        """Take it all away."""
        if hasattr(self, "machine"):
            self.machine.off()
        self.switch.close()
        self.rig.down()


class VlanHost(TrunkHost):
    """Debian's systemd and its kernel."""

    def __init__(self, folder: Path) -> None:
        rig = Rig(folder)
        rig.make_network()
        super().__init__(rig)
        disk = Disk(folder, self.key.with_name("id.pub").read_text())
        disk.make_disk()
        words = ["-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img")]
        line = "console=ttyS0 quiet root=/dev/vda rw net.ifnames=0 panic=5 no_timer_check mitigations=off audit=0 "
        line += "systemd.default_timeout_start_sec=900 systemd.service_watchdogs=no"  # it may get no time for minutes
        words += ["-append", line]
        words += ["-drive", f"file={disk.disk},if=none,id=d,format=raw,cache=writeback"]
        self.start([*words, "-device", "virtio-blk-pci,drive=d,addr=0x4"], 512)

    def become(self, manager: str) -> None:
        """Let another manager set the adapters, as from the first day."""
        old = "/etc/systemd/network/[0-2]* /etc/netplan/* /etc/network/interfaces.d/*"
        self.within(f"rm -f {old}\n{OTHERS.get(manager, NETWORKMANAGER)}\nsync")
        self.at("10.55.0.15")
        self.power_cycle()

    def as_before(self, listing: str) -> None:
        """Wait until everything is as it was."""
        until("the change has ended", self.patience, self.idle, 2)
        until(f"{self.name} is as before", 60, lambda: same(listing, self.within(LISTING)), 2)


def lacking() -> str:
    """Return why this machine cannot run it, "" when it can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid():
        return "network namespaces need root"
    return "" if os.access(TUN, os.W_OK) else f"{TUN} is not there: no tap device can be made"
