"""A host with nothing but BusyBox: its settings are read, and a change is given back by its own shell."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edgewright.clients.ssh.network import changing
from edgewright.clients.ssh.network.reading import read_network
from edgewright.clients.ssh.ports import ScriptResult
from edgewright.core.errors import Conflict
from edgewright.core.network.change import Change, FileChange, Value
from tests.e2e.fleet import until
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
SET_NAME = "hostname -F /etc/hostname"
CHANGE = Change(
    (Value("host name", "tiny", "small"),),
    (FileChange("/etc/hostname", "small\n"),),
    after=(SET_NAME,),
    boot=(SET_NAME,),
)


class TinyHost:
    """A root directory with BusyBox and OpenRC's directories; each script runs in it, with a host name of its own."""

    def __init__(self, root: Path, busybox: str, chroot: str) -> None:
        self.root = root
        for name in ("bin", "proc", "sys", "dev", "etc/network", "tmp", "var/lib", "run/openrc", "etc/init.d",
                     "etc/runlevels/boot"):  # fmt: skip
            (root / name).mkdir(parents=True)
        shutil.copy2(busybox, root / "bin" / "busybox")
        libraries = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout.split()
        for library in (word for word in libraries if word.startswith("/")):
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.realpath(library), root / library[1:])
        for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if not (root / "bin" / applet).exists():
                (root / "bin" / applet).symlink_to("busybox")
        (root / "etc/hostname").write_text("tiny\n")
        (root / "etc/network/interfaces").write_text(
            "auto eth0\niface eth0 inet static\n  address 10.0.0.5\n  netmask 255.255.255.0\n  gateway 10.0.0.1\n"
        )
        script = (
            "ip link add eth0 type veth peer name peer0; ip addr add 10.0.0.5/24 dev eth0; ip link set eth0 up; "
            f"mount -t proc proc {root}/proc; mount --rbind /sys {root}/sys; mount --rbind /dev {root}/dev; "
            f"exec env -i PATH=/bin {chroot} {root} /bin/busybox ash -s"
        )
        words = ["unshare", "--mount", "--net", "--uts", "--propagation", "private", "sh", "-c", script]
        self.words = words

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        done = await asyncio.to_thread(
            subprocess.run, self.words, input=script, capture_output=True, timeout=timeout, check=False
        )
        return ScriptResult(done.returncode, done.stdout, done.stderr, False, 0.1)

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_it_is_read_changed_and_given_back(tmp_path: Path) -> None:
    busybox, chroot = shutil.which("busybox"), shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if busybox is None or chroot is None or os.getuid() != 0:
        missing("e2e", "only root enters another root directory, and BusyBox is needed: apt-get install busybox")
    host = TinyHost(tmp_path / "root", busybox, chroot)
    read = await read_network(host)
    eth0 = read.adapter("eth0")
    assert eth0 is not None and (eth0.manager, eth0.method, eth0.addresses[0]) == ("ifupdown", "static", "10.0.0.5/24")
    assert read.system == "openrc" and not eth0.locked
    run, began = changing.new_run(), time.monotonic()
    await changing.begin(host, CHANGE, run, "kim", 20)
    name = host.root / "etc/hostname"
    until("the change is applied", 15, lambda: name.read_text() == "small\n")
    assert (host.root / "etc/runlevels/boot/edgewright-network").is_symlink()
    with pytest.raises(Conflict, match="being changed by kim"):
        await changing.begin(host, CHANGE, changing.new_run(), "second", 20)
    until("the old name is back", 60, lambda: name.read_text() == "tiny\n")
    assert time.monotonic() - began >= 19
    last = host.root / "var/lib/edgewright-network/last"
    until("it has ended", 15, lambda: last.exists() and last.read_text().startswith(f"{run} timer"))
    assert list((host.root / "etc/runlevels/boot").iterdir()) == []
