"""The Debian packages: what is in them, reproducible, and for real: installed, used, removed and purged."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import ROOT, missing

BASE = os.environ.get("EDGEWRIGHT_HUB_BASE", "")
"""The root of a Debian with this machine's Python version; made by mmdebstrap when it is not given."""


def package_builder() -> ModuleType:
    """Return packaging/build_deb.py as a module."""
    spec = importlib.util.spec_from_file_location("build_deb", ROOT / "packaging" / "build_deb.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    return package_builder()


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_the_package_of_the_agent_is_the_same_bytes_twice(builder: ModuleType, tmp_path: Path) -> None:
    package = builder.agent_package()
    assert builder.complaints(package) == []
    first = builder.build(package, tmp_path / "a", builder.EPOCH).read_bytes()
    time.sleep(1.1)  # a second later: no time of the build may be in it
    assert builder.build(package, tmp_path / "b", builder.EPOCH).read_bytes() == first


def test_what_a_package_must_not_have_is_refused(builder: ModuleType) -> None:
    files = {"opt/x": (b"", 0o644), "usr/y.pyc": (b"", 0o666), "etc/z": (b"", 0o644)}
    package = builder.Package("x", "all", "", "x does things.", "Text.", files)
    complaints = " ".join(builder.complaints(package))
    for part in ("opt/x: not below", "compiled module", "writable by others", "/etc/z: not a conffile", "synopsis"):
        assert part in complaints


def test_a_version_before_a_release_is_older_for_debian(builder: ModuleType) -> None:
    assert [builder.debian_version(version) for version in ("0.2.0.dev0", "0.2.0rc1", "0.2.0")] == [
        "0.2.0~dev0",
        "0.2.0~rc1",
        "0.2.0",
    ]


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    """Return the root of a Debian, thrown away after the test."""
    if os.getuid():
        missing("e2e", "this test needs root")
    if BASE:
        base = Path(BASE)
    elif shutil.which("mmdebstrap"):
        base = tmp_path / "base"
        command = ["mmdebstrap", "--variant=minbase", "--include=python3,adduser", "bookworm", str(base)]
        subprocess.run(command, check=True, capture_output=True, timeout=900)
    else:
        missing("e2e", "mmdebstrap is not installed")
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
    for name in ("null", "urandom", "random"):
        (root / "dev" / name).unlink(missing_ok=True)
        device = os.stat(f"/dev/{name}")
        os.mknod(root / "dev" / name, 0o20666, device.st_rdev)
        (root / "dev" / name).chmod(0o666)
    return root


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    return subprocess.run(
        ["chroot", str(root), *words], capture_output=True, text=True, env=environment, check=False, timeout=300
    )


def _files(root: Path) -> set[str]:
    skipped = ("var/lib/dpkg", "var/log", "var/cache", "proc", "run", "tmp", "dev")
    paths = (path.relative_to(root).as_posix() for path in root.rglob("*"))
    return {path for path in paths if not path.startswith(skipped)}


@pytest.mark.e2e
def test_packages_are_installed_used_and_leave_nothing(builder: ModuleType, debian: Path) -> None:
    packages = (builder.hub_package(), builder.agent_package())
    assert [builder.complaints(package) for package in packages] == [[], []]
    before, users = _files(debian), (debian / "etc/passwd").read_text()
    for package in packages:
        built = builder.build(package, debian / "tmp", builder.EPOCH)
        done = _run(debian, "dpkg", "-i", f"/tmp/{built.name}")
        assert done.returncode == 0, done.stdout + done.stderr
        again = builder.build(package, debian / "again", builder.EPOCH)
        assert again.read_bytes() == (debian / "tmp" / built.name).read_bytes(), "the same bytes twice"
    shutil.rmtree(debian / "again")
    state = debian / "var/lib/edgewright-hub"
    assert state.stat().st_mode & 0o777 == 0o700 and state.stat().st_uid != 0
    as_user = ("runuser", "-u", "edgewright-hub", "--", "edgewright-hub")
    start = " ".join((*as_user, "serve", "--data", "/var/lib/edgewright-hub", "--listen", "127.0.0.1:0"))
    done = _run(debian, "timeout", "--preserve-status", "-s", "TERM", "15", "sh", "-c", f"exec {start}")
    assert "hub ready at https://127.0.0.1:" in done.stdout, done.stdout + done.stderr
    done = _run(debian, *as_user, "configure", "--data", "/var/lib/edgewright-hub", "--address", "hub.example.net")
    assert done.returncode == 0, done.stdout + done.stderr
    assert _run(debian, "edgewright-agent", "install", "--help").returncode == 0
    (debian / "etc/default/edgewright-hub").write_text("EDGEWRIGHT_HUB_OPTIONS=--log-format json\n")
    names = [package.name for package in packages]
    assert _run(debian, "dpkg", "--remove", *names).returncode == 0
    assert (state / "hub.db").exists() and (debian / "etc/default/edgewright-hub").exists(), "removed is not purged"
    done = _run(debian, "dpkg", "--purge", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path for path in _files(debian) - before if "__pycache__" not in path} <= {
        "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
    }  # fmt: skip
    assert (debian / "etc/passwd").read_text() == users
