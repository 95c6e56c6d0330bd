"""Fixes applied to a booted host over real SSH by the command line: faults made, fixed, undone; a link that is cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.ssh.sshd import USER, Sshd, make_key
from tests.e2e.doctor.hosts import DoctorHost
from tests.e2e.fleet import Fleet, command_environment
from tests.support import missing

pytestmark = [pytest.mark.e2e]
AGENT = "edgewright-agent"
ENTER = """#!/bin/sh
exec nsenter --target={leader} --mount --uts --ipc --net --pid -- env -i \\
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -c "$SSH_ORIGINAL_COMMAND"
"""
MOVED = f"mv /etc/systemd/system/{AGENT}.service /usr/lib/systemd/system/{AGENT}.service"
"""A unit can be masked where its file is not in the place of the mask."""
SLOW = (
    "mkdir -p /run/systemd/system/edgewright-agent.service.d; printf '[Service]\\nExecStartPre=sleep 6\\n' "
    ">/run/systemd/system/edgewright-agent.service.d/case.conf; systemctl daemon-reload"
)


class OverSsh:
    """A host of the lab behind a real sshd on a port of its own, and the product's command line for it."""

    def __init__(self, host: DoctorHost, folder: Path) -> None:
        self.host, self.folder = host, folder
        enter = folder / "enter"
        enter.write_text(ENTER.format(leader=host.leader))
        enter.chmod(0o755)
        key, user = make_key(folder / "host"), make_key(folder / "user")
        self.sshd = Sshd(folder, [key], [f"ForceCommand {enter}"])
        self.sshd.start()
        self.sshd.allow(user.with_suffix(".pub"))
        home = folder / "home" / ".ssh"
        home.mkdir(parents=True)
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        (home / "known_hosts").write_text(f"[127.0.0.1]:{self.sshd.port} {public}\n")
        (home / "config").write_text(
            f"Host edge1\nHostName 127.0.0.1\nPort {self.sshd.port}\nUser {USER}\nIdentityFile {user}\n"
            f"UserKnownHostsFile {home}/known_hosts\nGlobalKnownHostsFile none\n"
        )
        self.env = {**command_environment(home.parent), "XDG_STATE_HOME": str(folder / "state")}

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "edgewright", "site", "fix", "edge1", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=self.env)

    def fix(self, *words: str) -> tuple[int, str]:
        done = self.start(*words)
        out, errors = done.communicate(timeout=180)
        return done.returncode, out + errors

    def sessions(self) -> list[int]:
        """Return the processes of sshd for connections that are open."""
        assert self.sshd.process is not None
        listed = subprocess.run(
            ["pgrep", "-P", str(self.sshd.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        return [int(pid) for pid in listed.split()]

    @property
    def journal(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "state").rglob("journal.jsonl"))


@pytest.fixture(scope="module")
def site(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OverSsh]:
    if os.getuid() != 0:
        missing("e2e", "only root enters a host of the lab")
    (found,) = make_fleet("--hosts", "1").status()["hosts"]
    host = DoctorHost(int(found["leader"]), str(found["address"]), "", tmp_path_factory.mktemp("disk"))
    assert host.healthy(90) == ""
    made = OverSsh(host, tmp_path_factory.mktemp("ssh"))
    try:
        yield made
    finally:
        made.sshd.stop()


@pytest.mark.parametrize(
    ("fault", "finding", "fix", "state"),
    [
        (f"systemctl stop {AGENT}", f"unit-stopped:{AGENT}", f"unit-start:{AGENT}", f"systemctl is-active {AGENT}"),
        (
            f"{MOVED}; systemctl daemon-reload; systemctl mask --now {AGENT}",
            f"unit-masked:{AGENT}",
            f"unit-unmask:{AGENT}",
            f"systemctl is-active {AGENT}",
        ),
    ],
)
def test_a_fault_is_fixed_and_the_fix_taken_back(site: OverSsh, fault: str, finding: str, fix: str, state: str) -> None:
    site.host.run(fault)
    status, said = site.fix(finding)
    assert status == 2 and "needs confirmation" in said and site.host.run(state).split()[0] != "active"
    status, said = site.fix(finding, "--yes", "-o", "json")
    document = json.loads(said)
    assert status == 0 and document["gone"] and document["fix"] == fix and document["status"] == 0, said
    assert site.host.run(state).split()[0] == "active" and not document["after"]["fault"]
    status, said = site.fix("--undo", fix, "--yes")
    assert status == 0 and "The fix was taken back. Likely cause now:" in said, said
    assert site.host.run(state).split()[0] != "active"
    assert site.fix(finding, "--yes")[0] == 0
    assert "systemctl" in site.journal and '"site fix"' in site.journal


def test_a_unit_that_fails_again_is_no_success(site: OverSsh) -> None:
    place = f"/run/systemd/system/{AGENT}.service.d"
    site.host.run(f"mkdir -p {place}; printf '[Service]\\nExecStartPre=false\\nRestart=no\\n' >{place}/case.conf; "
                  f"systemctl daemon-reload; systemctl restart {AGENT}")  # fmt: skip
    try:
        status, said = site.fix(f"unit-failed:{AGENT}", "--yes")
        assert status == 1 and "Still there: a unit has failed" in said, said
    finally:
        site.host.run(
            f"rm -rf {place}; systemctl daemon-reload; systemctl reset-failed {AGENT}; systemctl start {AGENT}"
        )
    assert site.host.healthy(60) == ""


def test_a_link_that_is_cut_while_the_fix_runs(site: OverSsh) -> None:
    site.host.run(f"{SLOW}; systemctl stop {AGENT}")
    try:
        running = site.start(f"unit-stopped:{AGENT}", "--yes")
        end = time.monotonic() + 90
        while "activating" not in site.host.run(f"systemctl is-active {AGENT}"):
            assert running.poll() is None and time.monotonic() < end
            time.sleep(0.2)
        for pid in site.sessions():
            os.kill(pid, signal.SIGKILL)
        out, errors = running.communicate(timeout=120)
        assert running.returncode == 0, out + errors
        assert "whether it was done is not known" in errors and "read after its return" in out, out + errors
        assert "No longer there" in out and site.host.run(f"systemctl is-active {AGENT}").split()[0] == "active"
    finally:
        site.host.run("rm -rf /run/systemd/system/edgewright-agent.service.d; systemctl daemon-reload")
