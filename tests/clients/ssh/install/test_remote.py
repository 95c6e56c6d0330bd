"""The steps of an installation by real shells, with the real agent, into a folder that stands for a host."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import edgewright
from edgewright.agent.install import archive, unit
from edgewright.agent.install.install import ETC
from edgewright.agent.kernel.enrolment import IDENTITY, REGISTRATION
from edgewright.agent.kernel.settings import DATA
from edgewright.agent.kernel.state import write_checked
from edgewright.clients.ssh.install import scripts
from edgewright.clients.ssh.install.remote import Installation, elf_arch, read_host, undo
from edgewright.clients.ssh.ports import ScriptResult
from edgewright.core.errors import Conflict, Failed, InvalidInput, Unreachable
from tests.clients.ssh.bundle.local_shell import LocalShell

SHELLS = [("sh", "-s"), ("bash", "-s"), ("busybox", "ash", "-s")]
ENDPOINT, TOKEN = "https://plane.example:8443", "token-canary-9d21"
USER_DATA = b"#cloud-config\nstylus:\n  site:\n    paletteEndpoint: https://plane.example:8443\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    archive.build(str(path), str(Path(edgewright.__file__).parent))
    return path.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host's file system: Python, and something of others beside what the agent will write."""
    root = tmp_path / "host"
    python = root / sys.executable.lstrip("/")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/system/other.service").write_text("[Service]\nExecStart=/bin/true\n")
    (root / "var/lib").mkdir(parents=True)
    return root


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request: pytest.FixtureRequest) -> LocalShell:
    words: Sequence[str] = request.param
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return LocalShell(words)


def listing(root: Path) -> dict[str, tuple[int, bytes]]:
    """Return every path with its mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (mode, hashlib.sha256(content).digest())
    return found


def installation(shell: LocalShell, root: Path, run: str = "run1") -> Installation:
    return Installation(shell, run, sys.executable, "edge1", str(root))


async def send(work: Installation, program: bytes) -> list[str]:
    lines: list[str] = []
    files = {"user-data": USER_DATA, "token": TOKEN.encode() + b"\n"}
    await work.send(program, files, lines.append, lambda at: lines.append(f"{at.done} of {at.total}"))
    return lines


def test_the_names_are_those_of_the_agent() -> None:
    units = {unit.NAME, unit.SERVICE, unit.PATH, unit.TIMER, unit.ACTIVATE, unit.RELAY_SERVICE, unit.RELAY_SOCKET}
    assert set(scripts.UNITS) == units
    assert {ETC, DATA} < set(scripts.FOLDERS) and unit.RUN in scripts.RUNNING


async def test_a_file_that_cannot_be_made_is_said_by_each_shell(shell: LocalShell, root: Path) -> None:
    """A redirection of a special builtin that fails would end a POSIX shell before it says why."""
    await shell.run_script(scripts.begin("run1", "0" * 64, str(root)), timeout=10, limit=999)
    (root / scripts.STAGE.lstrip("/") / "user-data").mkdir()
    put = scripts.put("run1", "user-data", 0, b"x", str(root))
    assert (await shell.run_script(put, timeout=10, limit=999)).status == scripts.NO_SPACE


async def test_installed_and_undone(shell: LocalShell, root: Path, program: bytes) -> None:
    before = listing(root)
    work = installation(shell, root)
    await send(work, program)
    stage = root / scripts.STAGE.lstrip("/")
    assert stat.S_IMODE(stage.stat().st_mode) == 0o700
    assert stat.S_IMODE((stage / "token").stat().st_mode) == 0o600
    await work.install(ENDPOINT, TOKEN)
    assert (root / "usr/local/lib/edgewright/edgewright-agent.pyz").read_bytes() == program
    token = root / "etc/edgewright/token"
    assert token.read_text() == TOKEN + "\n" and stat.S_IMODE(token.stat().st_mode) == 0o600
    made = {name for name in listing(root) if name not in before and not name.startswith("var/lib/edgewright-install")}
    paths = [path.lstrip("/") for path in scripts.MADE]
    parents = {str(parent) for path in paths for parent in Path(path).parents}
    assert all(name in parents or any(f"{name}/".startswith(f"{path}/") for path in paths) for name in made), made
    write_checked(f"{root}{DATA}/{REGISTRATION}.json", {"credential": "x"})  # as the agent when it has registered
    write_checked(f"{root}{DATA}/{IDENTITY}.json", {"uid": "edge-1"})
    status = await undo(shell, "edge1", "run1", str(root))
    assert status is not None and (status["uid"], status["registered"]) == ("edge-1", True)
    after = listing(root)
    for name in ("usr/local", "usr"):  # `/usr/local` is there on every host
        if name not in before:
            after.pop(name, None)
    assert after == before
    assert await undo(shell, "edge1", "", str(root)) is None


async def test_finished_leaves_the_agent_alone(shell: LocalShell, root: Path, program: bytes) -> None:
    work = installation(shell, root)
    await send(work, program)
    await work.install(ENDPOINT, TOKEN)
    await work.finish()
    assert not (root / scripts.STAGE.lstrip("/")).exists()
    assert (root / "etc/systemd/system/edgewright-agent.service").is_file()
    assert await undo(shell, "edge1", "", str(root)) is None
    state = await read_host(shell, "", str(root))
    assert state.ours and not state.stage
    with pytest.raises(Conflict, match="appeared"):
        again = installation(shell, root, "run2")
        await send(again, program)
        await again.install(ENDPOINT, TOKEN)
    assert (root / "etc/edgewright/token").is_file()
    assert await undo(shell, "edge1", "run2", str(root)) is not None
    assert (root / "etc/edgewright/token").is_file()


class CutShell(LocalShell):
    """A link that is cut in the middle of one of the scripts: the host gets a part of it."""

    def __init__(self, shell: Sequence[str], cut_in: int) -> None:
        super().__init__(shell)
        self.left = cut_in

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        self.left -= 1
        if self.left == 0:
            await super().run_script(script[: len(script) // 2], timeout=timeout, limit=limit)
            raise Unreachable("The connection to the host ended.", code="ConnectionLost")
        return await super().run_script(script, timeout=timeout, limit=limit)


async def test_a_cut_upload_goes_on_where_it_ended(shell: LocalShell, root: Path, program: bytes) -> None:
    with pytest.raises(Unreachable):
        await send(installation(CutShell(shell.shell, 4), root), program)  # begin, two pieces, and half of the third
    state = await read_host(shell, "", str(root))
    assert state.stage == "sent"
    lines = await send(installation(shell, root, "run2"), program)
    where = f"{2 * scripts.PIECE} of {len(program)}"
    assert lines[:2] == [f"continue at {where} bytes of the agent", where]


async def test_what_was_stored_wrongly_is_sent_again(shell: LocalShell, root: Path, program: bytes) -> None:
    with pytest.raises(Unreachable):
        await send(installation(CutShell(shell.shell, 4), root), program)
    part = next((root / scripts.STAGE.lstrip("/")).glob("agent-*"))
    part.write_bytes(b"x" * part.stat().st_size)
    work = installation(shell, root, "run2")
    lines = await send(work, program)
    assert lines[0].startswith("continue at") and f"0 of {len(program)}" in lines
    assert lines[-1] == f"{len(program)} of {len(program)}"
    assert hashlib.sha256(part.read_bytes()).hexdigest() == work.digest


async def test_an_older_run_stops_when_another_takes_over(shell: LocalShell, root: Path, program: bytes) -> None:
    old, new = installation(shell, root, "old"), installation(shell, root, "new")
    await send(old, program)
    await send(new, program)
    with pytest.raises(Conflict, match="Another run"):
        await old.install(ENDPOINT, TOKEN)
    with pytest.raises(Conflict, match="Another run"):
        await undo(shell, "edge1", "old", str(root))
    assert (root / scripts.STAGE.lstrip("/")).is_dir()


@pytest.mark.parametrize("kind", ["link", "file", "other"])
async def test_a_stage_that_is_not_a_folder_of_root_is_left_alone(
    shell: LocalShell, root: Path, program: bytes, kind: str
) -> None:
    stage, other = root / scripts.STAGE.lstrip("/"), root / "home"
    other.mkdir()
    (other / "began").touch()
    (other / "absent").write_text("/etc/edgewright\nend")
    (root / "etc/edgewright").mkdir()
    if kind == "link":
        stage.symlink_to(other)
    elif kind == "file":
        stage.touch()
    else:
        if os.getuid():
            pytest.skip("needs root, to make a folder of another user")
        other.rename(stage)
        os.chown(stage, 65534, 65534)
    before = listing(root)
    with pytest.raises(Conflict, match="not a folder of root"):
        await send(installation(shell, root), program)
    with pytest.raises(Conflict, match="not a folder of root"):
        await undo(shell, "edge1", "", str(root))
    assert listing(root) == before


async def test_undo_removes_nothing_that_no_installation_makes(shell: LocalShell, root: Path) -> None:
    stage = root / scripts.STAGE.lstrip("/")
    stage.mkdir(mode=0o755)
    names = ("home/edgewright", "etc/edgewright-other", "etc/systemd/system/edgewright-mine.service")
    for name in names:
        (root / name).mkdir(parents=True)
    lines = [f"/{name}" for name in names] + ["/etc/edgewright/../systemd", "/usr/local/lib/edgewright/../../.."]
    (stage / "absent").write_text("\n".join(lines) + "\nend")
    (stage / "began").touch()
    assert await undo(shell, "edge1", "", str(root)) == {}
    assert all((root / name).is_dir() for name in names)
    assert (root / "etc/systemd/system/other.service").is_file()


@pytest.mark.parametrize("early", [True, False], ids=["plan", "step"])
async def test_a_failed_installation_says_why_and_is_undone(
    shell: LocalShell, root: Path, program: bytes, early: bool
) -> None:
    reason = f"There is no {sys.executable} below"
    if early:
        (root / sys.executable.lstrip("/")).unlink()
    else:  # a step in the middle fails: the agent has reported those before it
        (root / "etc/systemd/system/edgewright-relay.socket").mkdir()
        (root / "usr/local").mkdir(parents=True)
        reason = f"{root}/etc/systemd/system/edgewright-relay.socket: is a directory."
    before = listing(root)
    work = installation(shell, root)
    await send(work, program)
    with pytest.raises(Failed, match=f"^The installation on edge1 failed: {re.escape(reason)}"):
        await work.install(ENDPOINT, TOKEN)
    await undo(shell, "edge1", "run1", str(root))
    assert listing(root) == before


async def test_an_installation_that_still_runs_is_ended_before_it_is_undone(
    shell: LocalShell, root: Path, program: bytes
) -> None:
    """Its link was cut, or Ctrl-C came: the host goes on. This one waits in the middle, and would write later."""
    (root / "usr/local").mkdir(parents=True)
    before = listing(root)
    agent, slow = root / "usr/local/lib/edgewright", root.with_name("slow-python")
    slow.write_text(f"#!/bin/sh\nmkdir -p {agent}\nsleep 0.4\ntouch {agent}/later 2>/dev/null || mkdir -p {agent}\n")
    slow.chmod(0o755)
    work = Installation(shell, "run1", str(slow), "edge1", str(root))
    await send(work, program)
    installing = asyncio.create_task(work.install(ENDPOINT, TOKEN))
    async with asyncio.timeout(20):
        while not agent.exists():
            await asyncio.sleep(0.01)
    assert await undo(shell, "edge1", "run1", str(root)) == {}
    with pytest.raises(Failed):
        await installing
    await asyncio.sleep(0.5)
    assert listing(root) == before


def test_secrets_are_in_no_line_that_a_process_gets() -> None:
    script = scripts.put("r", "token", 0, TOKEN.encode())
    assert TOKEN.encode() not in script and b"base64 -d >>" in script
    with pytest.raises(ValueError):
        scripts.install("r", "d", "/usr/bin/python3", "https://a\nreboot")


def test_a_program_is_known(program: bytes) -> None:
    assert elf_arch(program) == ""
    assert elf_arch(b"\x7fELF" + bytes(14) + (183).to_bytes(2, "little") + bytes(64)) == "arm64"
    with pytest.raises(InvalidInput):
        elf_arch(b"#!/bin/sh\nreboot\n")
