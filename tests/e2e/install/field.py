"""Hosts of the lab without an agent, and a laptop that reaches them by SSH to install it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.fleet import Fleet, product
from tests.e2e.install.test_host_install import LISTING
from tests.support import missing

PASSWORD = "pass-canary-61d0"
SUDOERS = "root ALL=(ALL:ALL) ALL\nfree ALL=(ALL) NOPASSWD: ALL\nclerk ALL=(ALL) ALL\n"
USERS = ("free", "clerk", "none")
UNINSTALL = (
    "python3 /usr/local/lib/edgewright/edgewright-agent.pyz uninstall --purge; "
    "rm -rf /oem/userdata /usr/local/lib/edgewright; "
)


class Field:
    """Hosts with sshd and without an agent, and a laptop that reaches them by name as root.

    With `sudo` they have it, and users: `free` needs no password for it, `clerk` needs one, `none` must not use it.
    """

    def __init__(self, fleet: Fleet, *, sudo: bool = False) -> None:
        self.fleet, self.plane = fleet, fleet.plane()
        self.names = tuple(host["name"] for host in fleet.shown["hosts"])
        self._leaders = {host["name"]: host["leader"] for host in fleet.status()["hosts"]}
        self.key = fleet.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        archive = fleet.disk(self.names[0]) / "usr/local/lib/edgewright/edgewright-agent.pyz"
        self.program = shutil.copy(archive, fleet.folder / "agent.pyz")
        users = self._users() if sudo else ""
        public = self.key.with_suffix(".pub").read_text().strip()
        script = (
            f"{UNINSTALL} {users} ssh-keygen -A >/dev/null; "
            f"for u in root {' '.join(USERS) if sudo else ''}; do h=$(getent passwd $u | cut -d: -f6); "
            f"mkdir -p $h/.ssh; echo '{public}' >$h/.ssh/authorized_keys; chown -R $u $h; done; systemctl restart ssh"
        )
        self.each(script)
        self.forget()
        ssh = fleet.home / ".ssh"
        ssh.mkdir(mode=0o700)
        for host in fleet.shown["hosts"]:
            self.name_host(host["name"], host["name"], host["address"])
        hub = fleet.shown["hub"]
        words = ["--url", hub["url"], "--ca", hub["ca"], "--api-key-file", hub["apiKeyFile"]]
        assert product(fleet.env, "context", "add", "lab", *words).returncode == 0

    def _users(self) -> str:
        for name in self.names:
            put_sudo(Path(f"/proc/{self._leaders[name]}/root"))
        digest = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
        ).stdout.strip()
        return "".join(f"useradd -m -s /bin/sh -p '{digest}' {user}; " for user in USERS)

    def name_host(self, name: str, host: str, address: str, port: int = 22) -> None:
        """Give the laptop a name for a host, which it reaches at this address, with the key of the host."""
        ssh = self.fleet.home / ".ssh"
        key = self.within(host, "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
        place = address if port == 22 else f"[{address}]:{port}"
        with (ssh / "known_hosts").open("a") as known, (ssh / "config").open("a") as config:
            known.write(f"{place} {' '.join(key)}\n")
            config.write(f"Host {name}\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {self.key}\n")

    def each(self, script: str, names: Iterable[str] = ()) -> dict[str, str]:
        """Run a script in these hosts at once, in all of them by default; return what each printed."""
        hosts = tuple(names) or self.names
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(hosts, pool.map(lambda name: self.within(name, script), hosts), strict=True))

    def within(self, name: str, script: str) -> str:
        """Run a script in a host."""
        words = ["nsenter", f"--target={self._leaders[name]}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        done = subprocess.run([*words, "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{script} in {name}: {done.stdout}{done.stderr}"
        return done.stdout

    def look(self, *names: str) -> dict[str, str]:
        """Return what is on hosts, by name."""
        return self.each(LISTING, names)

    def forget(self) -> None:
        """Delete all hosts of the plane."""
        for uid in self.plane.hosts():
            assert self.plane.ask("DELETE", f"/v1/edgehosts/{uid}")[0] == 204

    def words(self, *words: str) -> list[str]:
        """Return the command line of an installation with the archive that the lab has built."""
        program = [] if "--undo" in words else ["--program", str(self.program)]
        return ["host", "install", "--context", "lab", *program, *words]

    def install(self, *words: str) -> subprocess.CompletedProcess[str]:
        return product(self.fleet.env, *self.words(*words), timeout=300)

    def read(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Install with `-o json`; return the exit code, the documents by target, and what was said."""
        done = self.install(*words, "-o", "json")
        assert done.stdout, done.stderr
        return done.returncode, {each["target"]: each for each in json.loads(done.stdout)}, done.stderr

    def journal(self) -> dict[str, Any]:
        """Return what the user's journal has of the last run."""
        lines = (self.fleet.home / ".local/state/edgewright/journal.jsonl").read_text().splitlines()
        entry: dict[str, Any] = json.loads(lines[-1])
        return entry


def put_sudo(root: Path) -> None:
    """Put the sudo of this machine into a host of the lab, where it fits: with its libraries, rules and PAM's file."""
    programs = [Path("/usr/bin/sudo"), *sorted(Path("/usr/libexec/sudo").glob("*.so*"))]
    if not programs[0].exists() or len(programs) == 1:
        missing("e2e", "sudo is not installed")
    for path in programs:
        linked = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
        for file in {str(path), *(word for word in linked.split() if word.startswith("/"))}:
            target = root / file.lstrip("/")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
    (root / "usr/bin/sudo").chmod(0o4755)
    (root / "etc/sudoers").write_text(SUDOERS)
    (root / "etc/sudoers").chmod(0o440)
    common = "".join(f"{kind} include common-{kind}\n" for kind in ("auth", "account"))
    (root / "etc/pam.d/sudo").write_text(common)
