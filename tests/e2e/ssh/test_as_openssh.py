"""Whether a host key is trusted: decided here as the real `ssh` decides it with the same files."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Refused
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd, sign

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.core]


async def test_ssh_itself_decides_the_same(key_files: dict[str, Path], tmp_path: Path) -> None:
    """Each known_hosts is read by the real `ssh` too: both connect, or neither does."""
    key = Path(shutil.copy(key_files["host-ed25519"], tmp_path / "host"))
    shutil.copy(f"{key_files['host-ed25519']}.pub", tmp_path / "host.pub")
    certificate = sign(key_files["authority"], tmp_path / "host.pub", "edge1", "-h", "-n", "127.0.0.1")
    late = sign(key_files["other"], tmp_path / "host.pub", "late", "-h", "-n", "127.0.0.1", "-V", "20200101:20200102")
    assert late == certificate  # ssh-keygen names it the same: the second one is that of `other`
    late = certificate.rename(tmp_path / "late.pub")
    certificate = sign(key_files["authority"], tmp_path / "host.pub", "edge1", "-h", "-n", "127.0.0.1")
    with (
        Sshd(tmp_path / "s", [key], [f"HostCertificate {certificate}"]) as server,
        Sshd(tmp_path / "l", [key, key_files["host-rsa"]], [f"HostCertificate {late}"]) as other,
    ):
        laptop, public = Laptop(tmp_path), {}
        for name, each in (("edge1", server), ("late", other)):
            each.allow(key_files["user"].with_name("user.pub"))
            laptop.block(name, each.port, key_files["user"], "StrictHostKeyChecking yes")
        for name, path in key_files.items():
            public[name] = " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])
        here, authority, rsa = public["host-ed25519"], public["authority"], public["host-rsa"]
        files = {
            "": "no",
            f"[127.0.0.1]:PORT {here}": "yes",
            f"[127.0.0.?]:PORT {here}": "yes",
            f"*,![127.0.0.1]:PORT {here}": "yes",  # by the name without the port
            f"*,![127.0.0.1]:PORT,!127.0.0.1 {here}": "no",
            f"127.0.0.1 {here}": "yes",
            f"127.0.0.1 {public['other']}": "no",
            f"[127.0.0.1]:22 {here}": "no",
            f"* {public['other']}\n* {here}": "yes",
            f"* {public['other']}": "no",
            f"* {public['host-ecdsa']}": "no",
            f"* {here}\n@revoked * {here}": "no",
            f"* {here}\n@revoked edge2 {here}": "yes",
            f"@cert-authority * {authority}": "edge1",
            f"@cert-authority 127.0.0.1 {authority}": "edge1",
            f"@cert-authority edge2 {authority}": "no",
            f"@cert-authority * {here}": "no",
            f"@cert-authority * {authority}\n@revoked * {authority}": "no",
            f"@cert-authority * {public['other']}": "no",
            f"@cert-authority * {public['other']}\n* {here}": "yes",
            f"* {rsa}": "late",
            f"broken line\n@unknown * {here}\n* ssh-ed25519 AAAA\n* {here}": "yes",
        }
        for name, each in (("edge1", server), ("late", other)):
            for text, expected in files.items():
                if name == "late" and not (expected == name or text.startswith("@cert-authority")):
                    continue
                laptop.known_hosts.write_text(text.replace("PORT", str(each.port)) + "\n")
                try:
                    await (await laptop.open(name)).aclose()
                    opened = True
                except Refused:
                    opened = False
                command = ["ssh", "-F", str(laptop.folder / "config"), "-o", "BatchMode=yes", name, "true"]
                done = await asyncio.to_thread(subprocess.run, command, capture_output=True, stdin=subprocess.DEVNULL)
                assert opened == (done.returncode == 0), (name, text, opened, done.stderr)
                assert opened == (expected in ("yes", name)), (name, text, opened)


async def test_nothing_is_left_of_100_connections(key_files: dict[str, Path], tmp_path: Path) -> None:
    """Every third one fails: a changed key, a wrong user key, a host behind a jump host that is not there."""
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.knows(server, key_files["host-ed25519"])
        laptop.block("edge1", server.port, key_files["user"])
        laptop.block("behind", server.port, key_files["user"], "ProxyJump edge1")
        laptop.block("stranger", server.port, key_files["other"])
        laptop.block("nowhere", 1, key_files["user"], "ProxyJump edge1")

        async def once(name: str) -> None:
            connection = await laptop.open(name)
            await connection.run_script(b"echo x", timeout=30, limit=100)
            await connection.aclose()

        names = ["edge1", "behind", "stranger", "edge1", "behind", "nowhere"]
        await asyncio.gather(*map(once, names), return_exceptions=True)
        files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        failed = 0
        for _ in range(17):
            results = await asyncio.gather(*map(once, names), return_exceptions=True)
            failed += sum(isinstance(result, EdgewrightError) for result in results)
            assert not any(isinstance(r, BaseException) and not isinstance(r, EdgewrightError) for r in results)
        for _ in range(100):
            if threading.active_count() <= threads and len(os.listdir("/proc/self/fd")) <= files:
                break
            await asyncio.sleep(0.05)
        assert failed == 34
        assert threading.active_count() <= threads and len(os.listdir("/proc/self/fd")) <= files
