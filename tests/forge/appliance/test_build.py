"""The build's first steps: what is missing is told before anything is done, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgewright.core.errors import Cancelled, EdgewrightError, Failed, InvalidInput, NotFound, Refused
from edgewright.forge.appliance import build, rootfs, space
from edgewright.forge.appliance.lock import Lock, load
from edgewright.forge.programs import Done
from edgewright.forge.progress import Job


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "agent.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", "pass\n")
    return path


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(build, "find", lambda name: f"/bin/{name}")
    monkeypatch.setattr(space, "require", lambda folder, count, what: None)


def make(tmp_path: Path, agent: Path, **other: object) -> None:
    given = {"lock": load(), "agent": agent, "units": tmp_path, "mirrors": None, "cache": tmp_path / "cache"}
    build.build_base(tmp_path / "base.iso", Job(), **{**given, **other})  # type: ignore[arg-type]


def test_without_root_it_says_so(tmp_path: Path, agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refused) as caught:
        make(tmp_path, agent)
    assert caught.value.code == "NeedsRoot" and not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("as_root")
def test_what_is_no_agent_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pyz"
    other.write_text("no archive")
    with pytest.raises(InvalidInput):
        make(tmp_path, other)


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("error", [Cancelled(), Failed("mmdebstrap failed.", "Again."), OSError(28, "No space left")])
def test_a_build_that_ends_early_leaves_nothing(
    tmp_path: Path, agent: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(lock: Lock, files: object, work: Path, cache: Path, job: Job) -> None:
        (work / "root").mkdir()
        (work / "root/file").write_text("half")
        raise error

    monkeypatch.setattr(build, "fetch", lambda *given: [])
    monkeypatch.setattr(rootfs, "make_system", fail)
    with pytest.raises(EdgewrightError) as caught:
        make(tmp_path, agent)
    assert list((tmp_path / "cache").iterdir()) == []
    assert not list(tmp_path.glob("base.iso*"))
    assert caught.value.code in ("Cancelled", "Failed", "NoSpace")


@pytest.mark.usefixtures("as_root")
def test_what_a_killed_builder_left_is_removed_and_a_living_ones_is_not(
    tmp_path: Path, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = tmp_path / "cache" / f"work-{gone.stdout.strip()}-x"
    alive = tmp_path / "cache" / f"work-{os.getpid()}-y"
    for folder in (dead, alive):
        (folder / "root").mkdir(parents=True)
    with pytest.raises(NotFound):  # the cache is empty and nothing may be fetched
        make(tmp_path, agent)
    assert not dead.exists() and alive.exists()


def test_a_full_disk_says_how_much_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        space.require(tmp_path, 1 << 60, "the build")
    assert caught.value.code == "NoSpace" and "are missing" in caught.value.message


def test_a_tool_that_found_the_disk_full_is_told_as_that(tmp_path: Path) -> None:
    done = Done(2, ("Unpacking x", "tar: write error: No space left on device"))
    assert space.tool_failed("tar", done, tmp_path).code == "NoSpace"
    other = space.tool_failed("mmdebstrap", Done(1, ("E: it broke", "I: cleaning up")), tmp_path)
    assert "it broke" in other.message and other.code == "Failed"


def test_the_wiping_takes_keys_and_names_and_leaves_the_system(tmp_path: Path) -> None:
    for name in (
        "etc/ssh/ssh_host_rsa_key",
        "etc/ssh/sshd_config",
        "var/log/apt/term.log",
        "usr/bin/ls",
        "usr/local/bin/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    rootfs.wipe(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["etc/ssh/sshd_config", "usr/bin/ls"]


def test_a_changed_lock_is_another_system() -> None:
    lock = load()
    assert rootfs.key_of(lock) == rootfs.key_of(load())
    assert rootfs.key_of(lock) != rootfs.key_of(lock._replace(timestamp=lock.timestamp + 1))
