"""SSH as a user with a password, sudo and a second factor: real OpenSSH with PAM and real Dropbear.

The servers have a mount namespace of their own, in which /etc has a user `field` more; the machine's files stay.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import Refused
from tests.clients.ssh.conftest import KINDS, key_files
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import SSHD, free_port
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.core]

PASSWORD, USER = "pass-canary-7f3a", "field"


@pytest.fixture(scope="module")
def etc() -> Iterator[Path]:
    """A folder with copies of passwd, shadow and sudoers that have the user, and its home."""
    if os.getuid() != 0:
        missing("e2e", "not root")
    folder = Path(tempfile.mkdtemp(prefix="edgewright-ssh-"))  # the folders of pytest are closed to other users
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    digest = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    ).stdout.strip()
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + f"{USER}:x:4711:65534::{home}:/bin/sh\n")
    (folder / "shadow").write_text(Path("/etc/shadow").read_text() + f"{USER}:{digest}:20000:0:99999:7:::\n")
    (folder / "shadow").chmod(0o600)
    (folder / "sudoers").write_text("root ALL=(ALL:ALL) ALL\n")
    (folder / "sudoers").chmod(0o440)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "authorized_keys").touch(0o600)
    for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
        os.chown(path, 4711, 65534)
    yield folder
    shutil.rmtree(folder)


class Server:
    """A server in its own mount namespace."""

    def __init__(self, etc: Path, command: list[str], port: int) -> None:
        self.port = port
        mounts = [f"mount --bind {etc / name} /etc/{name}" for name in ("passwd", "shadow", "sudoers")]
        script = " && ".join([*mounts, 'exec "$@"'])
        self._log = (etc / f"log-{port}").open("wb")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        end = time.monotonic() + 10
        while subprocess.run(["ssh-keyscan", "-p", str(port), "127.0.0.1"], capture_output=True).stdout == b"":
            assert self._process.poll() is None and time.monotonic() < end, (etc / f"log-{port}").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


def openssh(etc: Path, key: Path, *lines: str) -> Server:
    if SSHD is None:
        missing("e2e", "openssh-server is not installed")
    os.makedirs("/run/sshd", 0o755, exist_ok=True)
    port = free_port()
    config = etc / f"sshd-{port}"
    common = ["ListenAddress 127.0.0.1", f"Port {port}", f"HostKey {key}", f"PidFile {etc}/pid-{port}"]
    config.write_text("\n".join([*lines, *common]) + "\n")
    return Server(etc, [SSHD, "-D", "-e", "-f", str(config)], port)


def dropbear(etc: Path, folder: Path, *options: str, kind: str = "ed25519") -> Server:
    program = shutil.which("dropbear", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        missing("e2e", "dropbear-bin is not installed")
    port, key = free_port(), folder / f"dropbear-{kind}"
    subprocess.run(["dropbearkey", "-t", kind, "-f", str(key)], check=True, capture_output=True)
    command = [
        program,
        "-F",
        "-E",
        "-m",
        "-p",
        f"127.0.0.1:{port}",
        "-P",
        str(folder / "pid"),
        "-r",
        str(key),
        *options,
    ]
    return Server(etc, command, port)


@pytest.fixture
def allowed(etc: Path, key_files: dict[str, Path]) -> Iterator[Path]:
    """The key that the user may use; no sudo."""
    file = etc / "home" / ".ssh" / "authorized_keys"
    file.write_text(key_files["user"].with_name("user.pub").read_text())
    yield key_files["user"]
    (etc / "sudoers").write_text("root ALL=(ALL:ALL) ALL\n")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


def block(laptop: Laptop, server: Server, key: Path | str, name: str = "edge1", *lines: str) -> None:
    laptop.block(name, server.port, key, "StrictHostKeyChecking accept-new", *lines, user=USER)


async def test_password_of_openssh(etc: Path, key_files: dict[str, Path], laptop: Laptop) -> None:
    server = openssh(etc, key_files["host-ed25519"], "UsePAM no", "PasswordAuthentication yes")
    try:
        block(laptop, server, "none")
        connection = await laptop.open("edge1", Answers(secrets=("wrong", PASSWORD)))
        assert connection.facts.method == "password"
        assert (await connection.run_script(b"id -un", timeout=10, limit=100)).output == b"field\n"
        await connection.aclose()
        with pytest.raises(Refused, match="does not accept the user field"):
            await laptop.open("edge1", Answers(secrets=("a", "b", "c")))
    finally:
        server.stop()


async def test_a_second_factor_by_pam(etc: Path, key_files: dict[str, Path], laptop: Laptop, allowed: Path) -> None:
    lines = ("UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive")
    server = openssh(etc, key_files["host-ed25519"], *lines)
    try:
        block(laptop, server, allowed)
        asker = Answers(secrets=(PASSWORD,))
        connection = await laptop.open("edge1", asker)
        await connection.aclose()
        assert connection.facts.method == f"publickey ssh-ed25519 {allowed} + keyboard-interactive"
        assert asker.prompts == [("field@edge1 (127.0.0.1): Password: ", False)]
        with pytest.raises(Refused, match="no terminal to ask"):
            await laptop.open("edge1")
    finally:
        server.stop()


async def test_sudo(etc: Path, key_files: dict[str, Path], laptop: Laptop, allowed: Path) -> None:
    if shutil.which("sudo") is None:
        missing("e2e", "sudo is not installed")
    server = openssh(etc, key_files["host-ed25519"], "UsePAM no")
    try:
        block(laptop, server, allowed)
        connection = await laptop.open("edge1")
        with pytest.raises(Refused) as caught:
            await connection.run_script(b"id -u", timeout=10, limit=1000, sudo=True)
        assert caught.value.code == "SudoRefused" and "field ALL=(ALL) NOPASSWD: ALL" in caught.value.hint
        (etc / "sudoers").write_text("field ALL=(ALL) NOPASSWD: ALL\n")
        result = await connection.run_script(b"id -u; echo err >&2; exit 3", timeout=10, limit=1000, sudo=True)
        assert result[:3] == (3, b"0\n", b"err\n")
        await connection.aclose()
    finally:
        server.stop()


async def test_a_host_without_sudo(etc: Path, key_files: dict[str, Path], laptop: Laptop, allowed: Path) -> None:
    server = openssh(etc, key_files["host-ed25519"], "UsePAM no", "SetEnv PATH=/nothing")
    try:
        block(laptop, server, allowed)
        connection = await laptop.open("edge1")
        with pytest.raises(Refused) as caught:
            await connection.run_script(b"id -u", timeout=10, limit=1000, sudo=True)
        assert caught.value.code == "NoSudo"
        await connection.aclose()
    finally:
        server.stop()


@pytest.mark.parametrize("kind", KINDS)
async def test_dropbear(kind: str, etc: Path, laptop: Laptop, allowed: Path, tmp_path: Path) -> None:
    server = dropbear(etc, tmp_path, kind=kind)
    try:
        block(laptop, server, allowed)
        connection = await laptop.open("edge1")
        assert "dropbear" in connection.facts.server and await connection.round_trip() < 2
        again = await laptop.open("edge1")
        await again.aclose()
        assert again.facts.known_by.endswith("known_hosts line 1")
        script = b"echo " + b"x" * 1000 + b"\n"  # more than its window of 24 kB in both directions
        result = await connection.run_script(script * 300, timeout=30, limit=1_000_000)
        assert result.status == 0 and len(result.output) == 300 * 1001
        many = [connection.run_script(b"sleep 0.1; echo $PPID", timeout=10, limit=100) for _ in range(5)]
        assert all(each.status == 0 for each in await asyncio.gather(*many))
        stream = await connection.open_stream("127.0.0.1", server.port)
        assert (await stream.read()).startswith(b"SSH-2.0-dropbear")
        await stream.aclose()
        block(laptop, server, allowed, "behind", "ProxyJump edge1")
        behind = await laptop.open("behind")
        assert behind.facts.via == ("edge1",)
        assert (await behind.run_script(b"echo through", timeout=10, limit=100)).output == b"through\n"
        await behind.aclose()
        await connection.aclose()
    finally:
        server.stop()


async def test_two_factors_of_dropbear(etc: Path, laptop: Laptop, allowed: Path, tmp_path: Path) -> None:
    server = dropbear(etc, tmp_path, "-t")
    try:
        block(laptop, server, allowed)
        connection = await laptop.open("edge1", Answers(secrets=(PASSWORD,)))
        await connection.aclose()
        assert connection.facts.method == f"publickey ssh-ed25519 {allowed} + password"
    finally:
        server.stop()
