"""OpenSSH and Dropbear of other Debian releases than this machine's: the servers run in a root made by mmdebstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Refused
from tests.clients.ssh.conftest import KINDS, key_files
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import free_port, sign
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RELEASES = ("trixie", "sid")


@pytest.fixture(scope="module", params=RELEASES)
def root(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The root folder of a release; `EDGEWRIGHT_SSH_ROOTS=DIR` gives one that is there as DIR/RELEASE."""
    if os.getuid() != 0 or shutil.which("mmdebstrap") is None:
        missing("e2e", "not root, or mmdebstrap is not installed")
    ready = Path(ROOTS) / request.param if ROOTS else None
    if ready is not None and ready.is_dir():
        yield ready
        return
    folder = Path(tempfile.mkdtemp(prefix=f"edgewright-{request.param}-"))
    old = '--aptopt=Acquire::Check-Valid-Until "false"'  # a mirror may have an old sid
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--include=openssh-server,dropbear-bin", old]
    done = subprocess.run([*command, request.param, str(folder)], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(folder)
        missing("e2e", f"{request.param} cannot be fetched: {done.stderr[-200:]}")
    yield folder
    shutil.rmtree(folder)


ROOTS = os.environ.get("EDGEWRIGHT_SSH_ROOTS", "")


class InRoot:
    """A server in a root: `chroot` with this machine's /dev/null and /dev/urandom, ended with its children."""

    def __init__(self, root: Path, command: list[str], port: int) -> None:
        self.port = port
        script = f'mount --bind /dev {root}/dev && mount -t proc proc {root}/proc && exec chroot {root} "$@"'
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 15
        while subprocess.run(["ssh-keyscan", "-p", str(port), "127.0.0.1"], capture_output=True).stdout == b"":
            assert self._process.poll() is None and time.monotonic() < end
            time.sleep(0.05)

    def __enter__(self) -> InRoot:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def inside(root: Path, key_files: dict[str, Path], tmp_path: Path) -> Iterator[Path]:
    """A folder of the root with keys, a certificate of the host and authorized_keys."""
    folder = root / "root" / "test"
    folder.mkdir(mode=0o700)
    for kind in KINDS:
        shutil.copy(key_files[f"host-{kind}"], folder / kind)
    shutil.copy(f"{key_files['host-ed25519']}.pub", folder / "ed25519.pub")
    sign(key_files["authority"], folder / "ed25519.pub", "host", "-h", "-n", "127.0.0.1")
    (root / "root" / ".ssh").mkdir(mode=0o700, exist_ok=True)
    for place in (folder / "authorized_keys", root / "root" / ".ssh" / "authorized_keys"):
        shutil.copy(f"{key_files['user']}.pub", place)
        place.chmod(0o600)
    (root / "run" / "sshd").mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def openssh(root: Path, inside: Path, *lines: str) -> InRoot:
    port, place = free_port(), "/root/test"
    common = [f"Port {port}", "ListenAddress 127.0.0.1", f"AuthorizedKeysFile {place}/authorized_keys", "UsePAM no"]
    (inside / "sshd_config").write_text("\n".join([*lines, *common, "StrictModes no", "PidFile none"]) + "\n")
    return InRoot(root, ["/usr/sbin/sshd", "-D", "-e", "-f", f"{place}/sshd_config"], port)


@pytest.mark.parametrize("kind", KINDS)
async def test_openssh(kind: str, root: Path, inside: Path, key_files: dict[str, Path], tmp_path: Path) -> None:
    with openssh(root, inside, f"HostKey /root/test/{kind}") as server:
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"], "StrictHostKeyChecking accept-new", user="root")
        laptop.block("behind", server.port, key_files["user"], "ProxyJump edge1", user="root")
        for name in ("edge1", "behind"):
            connection = await laptop.open(name)
            result = await connection.run_script(b"head -c 300000 /dev/zero; exit 3", timeout=20, limit=400_000)
            assert (result.status, len(result.output)) == (3, 300_000)
            await connection.aclose()
        print(f"\n{root.name}: {connection.facts.server}, {kind}")


async def test_certificate_and_changed_key(
    root: Path, inside: Path, key_files: dict[str, Path], tmp_path: Path
) -> None:
    lines = ("HostKey /root/test/ed25519", "HostCertificate /root/test/ed25519-cert.pub")
    with openssh(root, inside, *lines) as server:
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"], user="root")
        authority = " ".join(key_files["authority"].with_name("authority.pub").read_text().split()[:2])
        laptop.known_hosts.write_text(f"@cert-authority * {authority}\n")
        connection = await laptop.open("edge1")
        await connection.aclose()
        assert connection.facts.known_by.startswith("authority in")
        laptop.known_hosts.write_text(f"* {authority}\n")
        with pytest.raises(Refused, match="has changed"):
            await laptop.open("edge1")


async def test_a_host_that_punishes_wrong_keys(
    root: Path, inside: Path, key_files: dict[str, Path], tmp_path: Path
) -> None:
    """OpenSSH 9.8 and later refuse an address for a while after failures (PerSourcePenalties): still one sentence."""
    with openssh(
        root, inside, "HostKey /root/test/ed25519", "PerSourcePenalties authfail:60s noauth:0s min:1s"
    ) as server:
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["other"], "StrictHostKeyChecking accept-new", user="root")
        messages = []
        for _ in range(3):
            with pytest.raises(EdgewrightError) as caught:
                await laptop.open("edge1", Answers())
            messages.append(caught.value.message)
        assert "does not accept the user root" in messages[0]
        assert "ended the connection at once: Not allowed at this time." in messages[-1]


@pytest.mark.parametrize("kind", KINDS)
async def test_dropbear(kind: str, root: Path, inside: Path, key_files: dict[str, Path], tmp_path: Path) -> None:
    make = ["chroot", str(root), "dropbearkey", "-t", kind, "-f", f"/root/test/dropbear-{kind}"]
    subprocess.run(make, check=True, capture_output=True)
    port = free_port()
    command = ["/usr/sbin/dropbear", "-F", "-E", "-p", f"127.0.0.1:{port}", "-P", "/root/test/pid"]
    with InRoot(root, [*command, "-r", f"/root/test/dropbear-{kind}"], port):
        laptop = Laptop(tmp_path)
        laptop.block("edge1", port, key_files["user"], "StrictHostKeyChecking accept-new", user="root")
        connection = await laptop.open("edge1")
        result = await connection.run_script(b"echo " + b"x" * 100_000 + b" | wc -c", timeout=20, limit=1000)
        assert result.output.strip() == b"100001"
        await connection.aclose()
        print(f"\n{root.name}: {connection.facts.server}, {kind}")
