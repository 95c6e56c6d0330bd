"""Files over real SSH servers into a host that has BusyBox alone: OpenSSH and Dropbear; the link cut on the way.

The host is another root directory with one program; `/oem` and `/var/log` are its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgewright.clients.ssh.files.download import Download
from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.clients.ssh.files.upload import Upload, check, part_name, read_source
from edgewright.core.errors import EdgewrightError
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd, free_port
from tests.e2e.ssh.test_slow_link import SlowLink
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e]
ENTER = """#!/bin/sh
unshare -m --propagation private sh -c '
  mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
  exec env -i PATH=/bin HOME=/ {chroot} "$0" /bin/busybox ash -c "$1"' {root} "$SSH_ORIGINAL_COMMAND"
"""
OLD = b"#cloud-config\nold: true\n"


@pytest.fixture
def busybox_root(tmp_path: Path) -> Path:
    """A root directory with BusyBox and its libraries, nothing else."""
    busybox, chroot = shutil.which("busybox"), shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if os.getuid() != 0 or busybox is None or chroot is None:
        missing("e2e", "not root, or busybox is not installed")
    root = tmp_path / "root"
    for name in ("bin", "proc", "dev", "etc", "tmp", "var/log", "oem"):
        (root / name).mkdir(parents=True)
    shutil.copy2(busybox, root / "bin" / "busybox")
    shown = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    for path in {word for word in shown.split() if word.startswith("/")}:
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, root / path.lstrip("/"))
    subprocess.run([chroot, str(root), "/bin/busybox", "--install", "-s", "/bin"], check=True)
    (root / "oem/90_custom.yaml").write_bytes(OLD)
    enter = tmp_path / "enter"
    enter.write_text(ENTER.format(chroot=chroot, root=root))
    enter.chmod(0o755)
    return root


class Link:
    """A relay whose connections are cut `after` so many bytes in one direction, `times` times."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._target, self.after, self.times, self.there = port, 1 << 40, 0, True
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, after: int, times: int, *, there: bool) -> None:
        """Cut after bytes to the host (`there`) or from it."""
        self.after, self.times, self.there = after, times, there

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._copy, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._copy, args=(far, near, False), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        passed = 0
        try:
            while data := source.recv(16_384):
                passed += len(data)
                if there == self.there and self.times and passed > self.after:
                    self.times -= 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(params=["openssh", "dropbear"])
def link(
    request: pytest.FixtureRequest, busybox_root: Path, key_files: dict[str, Path], tmp_path: Path
) -> Iterator[Link]:
    """A link to a server whose every command runs in the root directory."""
    public = key_files["user"].with_name("user.pub")
    if request.param == "openssh":
        with Sshd(tmp_path, [key_files["host-ed25519"]], [f"ForceCommand {tmp_path / 'enter'}"]) as server:
            server.allow(public)
            made = Link(server.port)
            yield made
            made.close()
        return
    dropbear, convert = shutil.which("dropbear", path="/usr/sbin:/usr/bin"), shutil.which("dropbearkey")
    if dropbear is None or convert is None:
        missing("e2e", "dropbear is not installed")
    subprocess.run([convert, "-t", "ed25519", "-f", str(tmp_path / "key")], check=True, capture_output=True)
    home = tmp_path / "home/.ssh"
    home.mkdir(parents=True)
    (home / "authorized_keys").write_text(f'command="{tmp_path / "enter"}" {public.read_text()}')
    (home / "authorized_keys").chmod(0o600)
    port = free_port()
    script = 'mount --bind "$1" /root && exec "$2" -F -E -s -p "127.0.0.1:$3" -r "$4"'
    words = ["sh", "-c", script, "sh", str(home.parent), dropbear, str(port), str(tmp_path / "key")]
    log = (tmp_path / "dropbear.log").open("wb")
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    try:
        end = time.monotonic() + 10
        while b"Not backgrounding" not in (tmp_path / "dropbear.log").read_bytes():
            assert process.poll() is None and time.monotonic() < end, (tmp_path / "dropbear.log").read_text()
            time.sleep(0.05)
        made = Link(port)
        yield made
        made.close()
    finally:
        process.terminate()
        process.wait(10)
        log.close()


class Reaching:
    """Connects again each time that it is asked; use it as a function."""

    def __init__(self, laptop: Laptop) -> None:
        self._laptop = laptop
        self.connections: list[HostFiles] = []

    async def __call__(self) -> HostFiles:
        await self.aclose()
        self.connections.append(HostFiles(await self._laptop.open("edge1"), "edge1"))
        return self.connections[-1]

    async def aclose(self) -> None:
        if self.connections:
            await self.connections[-1].connection.aclose()


@asynccontextmanager
async def reaching(port: int, keys: dict[str, Path], folder: Path) -> AsyncIterator[Reaching]:
    laptop = Laptop(folder)
    laptop.block("edge1", port, keys["user"], "StrictHostKeyChecking accept-new", user="root")
    reach = Reaching(laptop)
    try:
        yield reach
    finally:
        await reach.aclose()


async def test_browse_copy_and_replace(
    link: Link, busybox_root: Path, key_files: dict[str, Path], tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(6_000_000)
    (busybox_root / "var/log/core").write_bytes(data)
    (busybox_root / "var/log/two\nlines").write_text("x")
    async with reaching(link.port, key_files, tmp_path) as reach:
        files = await reach()
        names = [entry.name for entry in (await files.folder("/var/log")).entries]
        assert names == ["core", "two\nlines"]
        assert (await files.view("/oem/90_custom.yaml")).text.endswith("old: true\n")
        began = time.monotonic()
        done = await Download(reach, "edge1", "/var/log/core", tmp_path / "core").run()
        took = time.monotonic() - began
        assert (tmp_path / "core").read_bytes() == data and done.kind == "sha256"
        source = read_source(tmp_path / "core")
        look = await reach.connections[-1].look("/oem/90_custom.yaml", hashed=True, new=True)
        check(look, source, "edge1")
        assert look.hash == hashlib.sha256(OLD).hexdigest()
        began = time.monotonic()
        await Upload(reach, look, source).run()
        sent = time.monotonic() - began
        assert (busybox_root / "oem/90_custom.yaml").read_bytes() == data
        assert [path.name for path in (busybox_root / "oem").iterdir()] == ["90_custom.yaml"]
    print(f"\n6.0 MB: copied at {6.0 / took:.1f} MB/s, replaced at {6.0 / sent:.1f} MB/s")


async def test_the_link_is_cut_in_a_copy_and_in_a_replacement(
    link: Link, busybox_root: Path, key_files: dict[str, Path], tmp_path: Path
) -> None:
    data = random.Random(2).randbytes(5_000_000)
    (busybox_root / "var/log/core").write_bytes(data)
    async with reaching(link.port, key_files, tmp_path) as reach:
        link.cut(1_800_000, 2, there=False)
        done = await Download(reach, "edge1", "/var/log/core", tmp_path / "core").run()
        assert (tmp_path / "core").read_bytes() == data and link.times == 0 and len(reach.connections) == 3
        source = read_source(tmp_path / "core")
        look = await (await reach()).look("/oem/90_custom.yaml", hashed=True, new=True)
        link.cut(1_500_000, 2, there=True)
        stored = await Upload(reach, look, source).run()
        assert link.times == 0 and stored.resumed > 1_000_000 and stored.digest == source.sha256
        assert (busybox_root / "oem/90_custom.yaml").read_bytes() == data
    assert done.digest == source.sha256


async def test_the_server_is_killed_in_a_replacement(
    busybox_root: Path, key_files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "new").write_bytes(random.Random(3).randbytes(8_000_000))
    source = read_source(tmp_path / "new")
    place = busybox_root / "oem/90_custom.yaml"
    with Sshd(tmp_path, [key_files["host-ed25519"]], [f"ForceCommand {tmp_path / 'enter'}"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        async with SlowLink(server.port, rate=1_000_000.0) as slow, reaching(slow.port, key_files, tmp_path) as reach:
            look = await (await reach()).look("/oem/90_custom.yaml", hashed=True, new=True)
            task = asyncio.create_task(Upload(reach, look, source).run())
            part = place.with_name(part_name(look.at, source))
            while not part.exists() or part.stat().st_size < 1_000_000:
                await asyncio.sleep(0.05)
            assert server.process is not None
            sessions = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True)
            server.stop()
            for process in sessions.stdout.split():
                os.kill(int(process), 9)
            with pytest.raises(EdgewrightError):
                await task
    assert place.read_bytes() == OLD and 1_000_000 <= part.stat().st_size < source.size


@pytest.mark.timeout(300)
async def test_a_thin_link(busybox_root: Path, key_files: dict[str, Path], tmp_path: Path) -> None:
    """64 kbit/s and 300 ms: the host answers within some seconds while a file is on the way, both ways."""
    (busybox_root / "var/log/core").write_bytes(random.Random(4).randbytes(150_000))
    (tmp_path / "new").write_bytes(random.Random(5).randbytes(150_000))
    slowest = 0.0
    with Sshd(tmp_path, [key_files["host-ed25519"]], [f"ForceCommand {tmp_path / 'enter'}"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        async with SlowLink(server.port, rate=8000.0) as slow, reaching(slow.port, key_files, tmp_path) as reach:
            files = await reach()
            look = await files.look("/oem/90_custom.yaml", hashed=True, new=True)
            source = read_source(tmp_path / "new")

            async def same() -> HostFiles:
                return files

            for work in (
                Download(same, "edge1", "/var/log/core", tmp_path / "core").run(),
                Upload(same, look, source).run(),
            ):
                began, task = time.monotonic(), asyncio.ensure_future(work)
                while not task.done():
                    slowest = max(slowest, await files.connection.round_trip(60.0))  # type: ignore[attr-defined]
                    await asyncio.wait([task], timeout=1.0)
                await task
                print(f"\n150 KB in {time.monotonic() - began:.1f} s, the slowest answer meanwhile {slowest:.1f} s")
    assert (tmp_path / "core").read_bytes() == (busybox_root / "var/log/core").read_bytes()
    assert (busybox_root / "oem/90_custom.yaml").read_bytes() == (tmp_path / "new").read_bytes()
    assert slowest < 15
