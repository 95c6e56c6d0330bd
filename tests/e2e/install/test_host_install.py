"""`host install` for real: booted hosts with sshd and without an agent, a real hub, the product's command line."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import UNIT, Fleet, Plane, product, until
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

LISTING = (
    "export LC_ALL=C; cat /etc/passwd /etc/group; systemctl list-unit-files --no-legend --no-pager | sort; "
    "for d in /etc /usr /opt /root /home /srv /oem; do "
    "[ ! -d $d ] || find $d -xdev -printf '%p %y %m %u %l\\n'; done | "
    "grep -v -e __pycache__ -e /usr/lib/python | sort; "
    "find /var/lib -xdev -maxdepth 2 -printf '%p %y %m %u\\n' | grep -v -e /systemd/ -e /private/ | sort; "
    "ls /run | grep edgewright; systemctl list-units --all --no-legend --no-pager 'edgewright*'"
)
STAGE = "/var/lib/edgewright-install"


class Link:
    """A relay to the host's sshd: `cut_after` bytes to the host it is cut; `closed` lets none in.

    While it is not `free` nothing of the host arrives; `cut` ends what is open.
    """

    def __init__(self, address: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._address, self.cut_after, self.closed = address, 1 << 40, False
        self.free = threading.Event()
        self.free.set()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                near.close()
                continue
            far = socket.create_connection((self._address, 22))
            self._open += [near, far]
            for source, sink, counted in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._copy, args=(source, sink, counted), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        passed = 0
        try:
            while data := source.recv(16_384):
                passed += len(data)
                if counted and passed > self.cut_after:
                    self.closed = True
                    break
                if not counted:
                    self.free.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self) -> None:
        """End what is open; what the host sent meanwhile is lost."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open = []
        self.free.set()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet("--hosts", "1", "--heartbeat", "5")


@pytest.fixture(scope="module")
def plane(fleet: Fleet) -> Plane:
    return fleet.plane()


@pytest.fixture(scope="module")
def link(fleet: Fleet, plane: Plane) -> Iterator[Link]:
    """A host without an agent, with sshd and two users; the files of the one who installs are in the fleet's home."""
    if not (fleet.disk("edge1") / "usr/sbin/sshd").exists():
        missing("e2e", "the base of the lab has no sshd")
    key = fleet.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    shutil.copy(fleet.disk("edge1") / "usr/local/lib/edgewright/edgewright-agent.pyz", fleet.folder / "agent.pyz")
    fleet.within("edge1", "sh", "-c", "python3 /usr/local/lib/edgewright/edgewright-agent.pyz uninstall --purge")
    fleet.within(
        "edge1",
        "sh",
        "-c",
        "rm -rf /oem/userdata /usr/local/lib/edgewright; useradd -m -s /bin/sh field; ssh-keygen -A >/dev/null; "
        f"for d in /root /home/field; do mkdir -p $d/.ssh; echo '{public}' >$d/.ssh/authorized_keys; done; "
        "chown -R field /home/field; mkdir -p /run/sshd; systemctl restart ssh",
        timeout=60,
    )
    for uid in plane.hosts():
        plane.ask("DELETE", f"/v1/edgehosts/{uid}")
    address = next(host["address"] for host in fleet.status()["hosts"] if host["name"] == "edge1")
    link = Link(address)
    ssh = fleet.home / ".ssh"
    ssh.mkdir(mode=0o700)
    host_key = fleet.within("edge1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{link.port} {' '.join(host_key)}\n")
    (ssh / "config").write_text(f"Host edge1\n  HostName 127.0.0.1\n  Port {link.port}\n  IdentityFile {key}\n")
    (ssh / "config").chmod(0o600)
    hub = fleet.shown["hub"]
    done = product(
        fleet.env, "context", "add", "lab", "--url", hub["url"], "--ca", hub["ca"], "--api-key-file", hub["apiKeyFile"]
    )
    assert done.returncode == 0, done.stderr
    yield link
    link.close()


@pytest.fixture
def before(fleet: Fleet, link: Link) -> Iterator[str]:
    """The host as it is; after the test it must be the same."""
    link.closed, link.cut_after = False, 1 << 40
    link.free.set()
    before = fleet.within("edge1", "sh", "-c", LISTING)
    yield before
    assert fleet.within("edge1", "sh", "-c", LISTING) == before


def install(fleet: Fleet, *words: str, user: str = "root") -> subprocess.CompletedProcess[str]:
    """Run the verb with the archive of this source, which the lab has built already."""
    program = [] if "--plan" in words or "--undo" in words else ["--program", str(fleet.folder / "agent.pyz")]
    return product(fleet.env, "host", "install", f"{user}@edge1", "--context", "lab", *program, *words, timeout=300)


def tokens(plane: Plane) -> set[str]:
    return {item["metadata"]["name"] for item in plane.ask("GET", "/v1/edgehosts/tokens")[1]["items"]}


def test_a_plan_changes_nothing(fleet: Fleet, before: str) -> None:
    done = install(fleet, "--plan")
    assert done.returncode == 0, done.stderr
    assert "preflight passed" in done.stdout and "/usr/local/lib/edgewright/edgewright-agent.pyz" in done.stdout
    refused = install(fleet)
    assert refused.returncode == 2 and "needs confirmation" in refused.stderr


def test_without_sudo(fleet: Fleet, before: str) -> None:
    done = install(fleet, "--yes", user="field")
    assert done.returncode == 4 and "sudo" in done.stderr, done.stderr


def test_a_host_of_another_agent(fleet: Fleet, before: str) -> None:
    fleet.within("edge1", "mkdir", "-p", "/opt/spectrocloud")
    done = install(fleet, "--yes")
    fleet.within("edge1", "rmdir", "/opt/spectrocloud")
    assert done.returncode == 6 and "/opt/spectrocloud" in done.stderr, (done.returncode, done.stderr)


def test_a_wrong_token_is_undone(fleet: Fleet, plane: Plane, before: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token-canary-4c1e\n")
    done = install(fleet, "--yes", "--token", str(tmp_path / "token"))
    assert done.returncode == 4 and "token" in done.stderr and "is as it was" in done.stderr, done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert not plane.hosts()
    assert "canary" not in fleet.within("edge1", "journalctl", "--no-pager", "-q")


def test_a_full_disk_is_undone(fleet: Fleet, before: str) -> None:
    """`/var/lib` has room for a folder and two files: the next one does not fit."""
    fleet.within("edge1", "mount", "-t", "tmpfs", "-o", "size=100m,nr_inodes=4", "tmpfs", "/var/lib")
    try:
        done = install(fleet, "--yes")
        assert fleet.within("edge1", "ls", "-A", "/var/lib") == ""
    finally:
        fleet.within("edge1", "umount", "/var/lib")
    assert done.returncode == 1 and "No space left" in done.stderr and "is as it was" in done.stderr, done.stderr


def test_a_cut_upload_goes_on_or_is_undone(fleet: Fleet, plane: Plane, link: Link, before: str) -> None:
    known = tokens(plane)
    link.cut_after = 300_000
    done = install(fleet, "--yes")
    assert done.returncode == 5 and "--undo" in done.stderr, (done.returncode, done.stderr)
    assert tokens(plane) == known
    link.closed, link.cut_after = False, 1 << 40
    assert "it continues there" in install(fleet, "--plan").stdout
    undone = install(fleet, "--undo", "--yes")
    assert undone.returncode == 0 and "is as it was" in undone.stdout, undone.stderr


def test_a_cut_upload_goes_on_where_it_was_cut(fleet: Fleet, link: Link, before: str, wrong: Path) -> None:
    link.cut_after = 300_000
    assert install(fleet, "--yes", "--token", str(wrong)).returncode == 5
    link.closed, link.cut_after = False, 1 << 40
    done = install(fleet, "--yes", "--token", str(wrong))
    at = re.search(r"continue at (\d+) of (\d+) bytes", done.stderr)
    assert at, done.stderr
    print(f"\n{at[0]}")
    assert 65_536 <= int(at[1]) < int(at[2]) and "is as it was" in done.stderr


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A token that the plane does not know."""
    (tmp_path / "token").write_text("token-canary-4c1e\n")
    return tmp_path / "token"


def held_when_it_installs(fleet: Fleet, link: Link, *words: str) -> subprocess.Popen[str]:
    """Begin an installation; nothing of the host arrives from the moment on when the agent's installation has begun."""
    words = ("host", "install", "root@edge1", "--context", "lab", "--yes", *words)
    words += ("--program", str(fleet.folder / "agent.pyz"))
    process = subprocess.Popen(
        [sys.executable, "-m", "edgewright", *words], env=fleet.env, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "run the agent's installation" in line:
            until("it has begun", 30, (fleet.disk("edge1") / STAGE.lstrip("/") / "began").exists, every=0.005)
            link.free.clear()
            return process
    raise AssertionError("it did not get so far")


def is_active(fleet: Fleet) -> bool:
    """Return whether the agent runs."""
    return fleet.within("edge1", "systemctl", "is-active", UNIT, check=False) == "active\n"


def test_a_cut_while_it_installs_is_taken_back_by_the_next_run(
    fleet: Fleet, link: Link, before: str, wrong: Path
) -> None:
    process = held_when_it_installs(fleet, link, "--token", str(wrong))
    until("its agent runs", 30, lambda: is_active(fleet))
    link.closed = True
    link.cut()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 5 and "run the command again" in said, said
    link.closed = False
    assert "what it made is taken back first" in install(fleet, "--plan").stdout
    done = install(fleet, "--yes", "--token", str(wrong))
    assert done.returncode == 4 and "what the installation that was cut had made is taken back" in done.stderr
    assert "is as it was" in done.stderr, done.stderr


def test_a_host_that_has_registered_is_taken_back_on_both_sides(
    fleet: Fleet, plane: Plane, link: Link, before: str
) -> None:
    """The connection ends after the registration: the next one takes back the host, and its record on the plane."""
    known = tokens(plane)
    process = held_when_it_installs(fleet, link)
    until("it has registered", 60, plane.hosts)
    link.cut()
    said = process.communicate(timeout=120)[1]
    print(said[-400:])
    assert process.returncode == 5 and "is as it was. Its record on the plane is deleted." in said, said
    assert not plane.hosts() and tokens(plane) == known


def test_undo_of_a_host_that_has_registered_meanwhile(fleet: Fleet, plane: Plane, link: Link, before: str) -> None:
    process = held_when_it_installs(fleet, link)
    until("it has registered", 60, plane.hosts)
    (uid,) = plane.hosts()
    link.closed = True
    link.cut()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 5 and "--undo" in said, said
    link.closed = False
    assert f"It is registered as {uid}" in install(fleet, "--undo", "--plan").stdout
    undone = install(fleet, "--undo", "--yes")
    assert undone.returncode == 0 and f"edgewright host delete {uid}" in undone.stdout, undone.stdout + undone.stderr
    assert plane.ask("DELETE", f"/v1/edgehosts/{uid}")[0] == 204


def test_a_port_that_a_cluster_needs(fleet: Fleet, before: str) -> None:
    listen = "import socket, time; s = socket.create_server(('', 6443)); time.sleep(600)"
    fleet.within("edge1", "systemd-run", "-q", "--unit=case-port", "python3", "-c", listen)
    until("it listens", 20, lambda: ":192B 00000000:0000 0A" in fleet.within("edge1", "cat", "/proc/net/tcp"))
    done = install(fleet, "--yes")
    fleet.within("edge1", "systemctl", "stop", "case-port")
    assert done.returncode == 6 and "Port 6443" in done.stderr and "ss -ltnp" in done.stderr, done.stderr


def test_ctrl_c_while_it_registers_is_undone(fleet: Fleet, plane: Plane, link: Link, before: str, wrong: Path) -> None:
    process = held_when_it_installs(fleet, link, "--token", str(wrong))
    until("its agent runs", 30, lambda: is_active(fleet))
    os.kill(process.pid, signal.SIGINT)
    link.free.set()
    said = process.communicate(timeout=90)[1]
    assert process.returncode != 0 and "is as it was" in said, said


def test_a_host_without_python_gets_the_binary(
    fleet: Fleet, plane: Plane, link: Link, before: str, agent_binary: Path
) -> None:
    python = fleet.within("edge1", "readlink", "-f", "/usr/bin/python3").strip()
    fleet.within("edge1", "chmod", "0644", python)
    try:
        refused = install(fleet, "--yes")
        assert refused.returncode == 4 and "no Python 3.9 or later" in refused.stderr, refused.stderr
        words = ("root@edge1", "--context", "lab", "--yes", "--program", str(agent_binary))
        began = time.monotonic()
        done = product(fleet.env, "host", "install", *words, timeout=300)
        print(f"\n{agent_binary.stat().st_size} bytes, installed and registered in {time.monotonic() - began:.1f} s")
        assert done.returncode == 0 and "healthy" in done.stdout, done.stderr
        (uid,) = plane.hosts()
        agent = "/usr/local/lib/edgewright/edgewright-agent"
        fleet.within("edge1", "sh", "-c", f"{agent} uninstall --purge && rm -rf {Path(agent).parent}", timeout=60)
    finally:
        fleet.within("edge1", "chmod", "0755", python)
    assert plane.ask("DELETE", f"/v1/edgehosts/{uid}")[0] == 204


@pytest.mark.core
def test_installed_registered_healthy_and_again(fleet: Fleet, plane: Plane, link: Link) -> None:
    link.closed, link.cut_after = False, 1 << 40
    known = tokens(plane)
    began = time.monotonic()
    done = install(fleet, "--yes", "--tag", "site:berlin")
    print(f"installed and registered in {time.monotonic() - began:.1f} s\n{done.stderr}")
    assert done.returncode == 0 and "healthy" in done.stdout, done.stderr
    hosts = plane.hosts()
    assert len(hosts) == 1
    (document,) = hosts.values()
    assert document["metadata"]["labels"]["site"] == "berlin"
    assert tokens(plane) == known
    modes = fleet.within("edge1", "stat", "-c", "%a %n", "/etc/edgewright/token", "/etc/edgewright/user-data")
    assert [line.split()[0] for line in modes.splitlines()] == ["600", "600"]
    assert fleet.within("edge1", "sh", "-c", f"ls -d {STAGE} 2>&1 || true").startswith("ls: cannot")
    again = install(fleet)
    assert again.returncode == 0 and "is installed and registered as" in again.stdout, again.stderr
    fleet.within("edge1", "sh", "-c", f"mkdir -m 0700 {STAGE}; touch {STAGE}/began {STAGE}/absent; echo x >{STAGE}/run")
    completed = install(fleet, "--yes")  # as after a cut between the registration and the end
    assert completed.returncode == 0 and "is installed and registered as" in completed.stdout, completed.stderr
    assert fleet.within("edge1", "sh", "-c", f"ls -d {STAGE} 2>&1 || true").startswith("ls: cannot")
    assert len(plane.hosts()) == 1
