"""Four real hosts by SSH: an edge host, one behind it as a jump host, one with Dropbear and BusyBox, a faulty one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.fleet import Fleet, command_environment
from tests.support import missing

PROGRAMS = ("busybox", "dropbear", "dropbearkey", "nft", "tmux")
TOKEN = "ewt_site-canary-5c11d0"
TINY = """
[Unit]
Description=The only service of a small host
[Service]
RootDirectory=/opt/tiny
MountAPIVFS=yes
ExecStart=/bin/dropbear -F -E -s -m -p 22 -r /etc/dropbear/key -P /tmp/dropbear.pid
"""
FAULTY = (
    "mkdir -p /mnt/case; mkfs.ext4 -q -F /dev/case0; mount /dev/case0 /mnt/case; cp -a /var/log/. /mnt/case/; "
    "umount /mnt/case; mount /dev/case0 /var/log; systemctl restart systemd-journald; mkdir -p /var/log/shop; "
    "dd if=/dev/zero of=/var/log/shop/till.log bs=64k 2>/dev/null; "
    "dd if=/dev/zero of=/var/log/shop/till.log.1 bs=512 2>/dev/null; "
    "test $(df --output=avail /var/log | tail -n 1) -eq 0"
)


class Places:
    """The hosts by their role, `gate`, `behind`, `tiny`, `faulty`, and a laptop that has them in `~/.ssh/config`."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.host = {
            name: shown["name"] for name, shown in zip(("gate", "behind", "tiny", "faulty"), self.shown(), strict=True)
        }
        self.address = {
            name: next(h["address"] for h in self.shown() if h["name"] == host) for name, host in self.host.items()
        }
        self.home = folder / "laptop"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.env = command_environment(self.home)
        self._image = folder / "disk.img"
        self._loop = ""
        try:
            self._make_behind()
            self._make_tiny()
            self._make_faulty()
            self._write_configuration()
        except BaseException:
            self.close()
            raise

    def shown(self) -> list[dict[str, Any]]:
        """Return the hosts of the lab."""
        return list(self.fleet.shown["hosts"])

    def root(self, name: str) -> Path:
        """Return the root of a running host as this machine sees it."""
        leader = next(h["leader"] for h in self.fleet.status()["hosts"] if h["name"] == self.host[name])
        return Path(f"/proc/{leader}/root")

    def within(self, name: str, script: str) -> str:
        """Run a script in a host without SSH."""
        return self.fleet.within(self.host[name], "sh", "-c", script)

    def edgewright(self, *words: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run the product on the laptop."""
        command = [sys.executable, "-m", "edgewright", *words]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.env, cwd=self.home, timeout=timeout, check=False
        )

    def read(self, *words: str, timeout: float = 120.0) -> Any:
        """Run the product with `-o json` and return what it printed."""
        done = self.edgewright(*words, "-o", "json", timeout=timeout)
        assert done.stdout, f"{words} -> {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def close(self) -> None:
        """Take the disk back."""
        if self._loop:
            subprocess.run(["losetup", "-d", self._loop], check=False)

    def _make_behind(self) -> None:
        """Let sshd of the host answer the jump host alone."""
        leader = next(h["leader"] for h in self.fleet.status()["hosts"] if h["name"] == self.host["behind"])
        rules = "add table inet case; add chain inet case input { type filter hook input priority 0; }; "
        rules += f"add rule inet case input tcp dport 22 ip saddr != {self.address['gate']} drop"
        subprocess.run(["nsenter", f"--target={leader}", "--net", "nft", rules], check=True)
        data = self.root("behind") / "etc/edgewright/user-data"
        data.write_text(data.read_text() + f"# edgeHostToken: {TOKEN}\n")

    def _make_tiny(self) -> None:
        """Replace sshd by Dropbear in a root of its own that has BusyBox and nothing else."""
        root = self.root("tiny") / "opt/tiny"
        for name in ("bin", "proc", "sys", "dev", "etc/dropbear", "tmp", "var/log", "root/.ssh"):
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        for program in ("busybox", "dropbear"):
            path = shutil.which(program, path="/usr/sbin:/usr/bin:/bin")
            assert path
            shutil.copy2(path, root / "bin" / program)
            linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
            for word in linked.split():
                if word.startswith("/"):
                    (root / word.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(word, root / word.lstrip("/"))
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\n")
        (root / "etc/shells").write_text("/bin/sh\n")
        keys = root / "root/.ssh/authorized_keys"
        keys.write_text(Path(self.fleet.shown["sshKey"]).with_suffix(".pub").read_text())
        keys.chmod(0o600)
        made = subprocess.run(
            ["dropbearkey", "-t", "ed25519", "-f", str(root / "etc/dropbear/key")],
            capture_output=True,
            text=True,
            check=True,
        )
        self.tiny_key = next(line for line in made.stdout.splitlines() if line.startswith("ssh-ed25519"))
        (self.root("tiny") / "etc/systemd/system/tiny.service").write_text(TINY)
        self.within(
            "tiny",
            "chroot /opt/tiny /bin/busybox --install -s /bin; systemctl daemon-reload; "
            "systemctl stop ssh ssh.socket; systemctl start tiny",
        )

    def _make_faulty(self) -> None:
        """Give the faulty host a small disk for /var/log, and fill it."""
        with self._image.open("wb") as image:
            image.truncate(48 << 20)
        found = subprocess.run(
            ["losetup", "-f", "--show", str(self._image)], capture_output=True, text=True, check=True
        )
        self._loop = found.stdout.strip()
        device = Path(self._loop).stat().st_rdev
        leader = next(h["leader"] for h in self.fleet.status()["hosts"] if h["name"] == self.host["faulty"])
        enter = ["nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", "sh", "-c"]
        script = f"mknod /dev/case0 b {device >> 8} {device & 255}; {FAULTY}"
        subprocess.run([*enter, script], check=True, capture_output=True)

    def _write_configuration(self) -> None:
        """Write ~/.ssh of the laptop: names, the way over the jump host, and the keys of the hosts."""
        folder = self.home / ".ssh"
        key = self.fleet.shown["sshKey"]
        lines = [
            (
                f"Host *\n  User root\n  IdentityFile {key}\n  IdentitiesOnly yes\n"
                f"  UserKnownHostsFile {folder}/known_hosts\n"
            )
        ]
        known = []
        for name, address in self.address.items():
            jump = "  ProxyJump gate\n" if name == "behind" else ""
            lines.insert(0, f"Host {name}\n  HostName {address}\n{jump}\n")
            public = self.root(name) / "etc/ssh/ssh_host_ed25519_key.pub"
            known.append(f"{address} {self.tiny_key if name == 'tiny' else ' '.join(public.read_text().split()[:2])}")
        (folder / "config").write_text("".join(lines))
        (folder / "known_hosts").write_text("\n".join(known) + "\n")

    def add(self, name: str, address: str, key: str, host_key: str) -> None:
        """Write a further host, of another lab, into ~/.ssh of the laptop."""
        config, known = self.home / ".ssh/config", self.home / ".ssh/known_hosts"
        config.write_text(f"Host {name}\n  HostName {address}\n  IdentityFile {key}\n\n{config.read_text()}")
        known.write_text(f"{known.read_text()}{address} {host_key}\n")


def needed() -> None:
    """Skip without the programs of these hosts."""
    for program in PROGRAMS:
        if shutil.which(program, path="/usr/sbin:/usr/bin:/bin:/usr/local/bin") is None:
            missing("sites", f"{program} is not installed")


def put_editenv(root: Path) -> None:
    """Put the real grub-editenv with its libraries into a host."""
    tool = shutil.which("grub-editenv") or shutil.which("grub2-editenv")
    if tool is None:
        missing("sites", "grub-editenv is not installed")
    place = root / "opt/grub"
    place.mkdir(exist_ok=True)
    linked = subprocess.run(["ldd", tool], capture_output=True, text=True, check=True).stdout
    for path in (tool, *(word for word in linked.split() if word.startswith("/") and "ld-linux" not in word)):
        shutil.copy2(path, place / Path(path).name)
    wrapper = root / "usr/local/bin/grub-editenv"
    wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH=/opt/grub exec /opt/grub/{Path(tool).name} "$@"\n')
    wrapper.chmod(0o755)
