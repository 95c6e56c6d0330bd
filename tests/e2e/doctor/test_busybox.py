"""A host that has sshd and one program, a static BusyBox: Doctor reads it over real SSH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.ssh.sshd import USER, Sshd, make_key
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e]
ENTER = """#!/bin/sh
unshare -m --propagation private sh -c '
  mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
  exec env -i PATH=/bin HOME=/ {chroot} "$0" /bin/busybox ash -c "$1"' {root} "$SSH_ORIGINAL_COMMAND"
"""


def test_a_host_with_nothing_but_busybox(tmp_path: Path) -> None:
    busybox, chroot = shutil.which("busybox"), shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if busybox is None or subprocess.run(["ldd", busybox], capture_output=True, check=False).returncode == 0:
        missing("e2e", "no static BusyBox is installed: apt-get install busybox-static")
    if os.getuid() != 0 or chroot is None:
        missing("e2e", "only root enters another root directory")
    root = tmp_path / "root"
    for name in ("bin", "proc", "sys", "dev", "etc", "tmp", "var/log"):
        (root / name).mkdir(parents=True)
    shutil.copy2(busybox, root / "bin" / "busybox")
    enter = tmp_path / "enter"
    enter.write_text(ENTER.format(chroot=chroot, root=root))
    enter.chmod(0o755)
    host, user = make_key(tmp_path / "host"), make_key(tmp_path / "user")
    home = tmp_path / "laptop" / ".ssh"
    home.mkdir(parents=True)
    with Sshd(tmp_path, [host], [f"ForceCommand {enter}"]) as server:
        server.allow(user.with_suffix(".pub"))
        public = " ".join(host.with_suffix(".pub").read_text().split()[:2])
        (home / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}\n")
        (home / "config").write_text(
            f"Host tiny\nHostName 127.0.0.1\nPort {server.port}\nUser {USER}\nIdentityFile {user}\n"
            f"UserKnownHostsFile {home}/known_hosts\nGlobalKnownHostsFile none\n"
        )
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("EDGEWRIGHT_", "XDG_", "SSH_"))
        }
        env = {**kept, "HOME": str(home.parent), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "edgewright", "site", "doctor", "tiny", "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    read = json.loads(done.stdout)
    assert read["host"]["kernel"].startswith("Linux") and read["root"] == "root"
    lost = {each["reason"]: each["probes"] for each in read["notRead"]}
    assert set(lost) == {"the host has no program for it"}, lost
    assert {"units.failed", "agent.log", "certificates.keys"} <= set(lost["the host has no program for it"])
    assert read["probes"]["read"] > 40
    assert not any("unit" in text for text in read["healthy"]), "what no program shows is not healthy"
    assert any(text.startswith("network ") for text in read["healthy"])
