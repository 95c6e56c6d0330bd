"""A lab that is killed while it makes its base leaves no mount and no program; the next one makes the base."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.lab import base
from edgewright.lab.tools import shortcomings
from tests.e2e.fleet import until
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.core]
INSTALLER = """#!/bin/sh
for target; do :; done
mkdir -p "$target/proc"
[ -e "$0.once" ] && exit 0
touch "$0.once"
mount -t tmpfs installer "$target/proc"
exec sleep 1000.25
"""
"""Stands in for mmdebstrap, which mounts below its target while packages are configured; the second time it ends."""
MAKE = "from edgewright.lab import base; print(base.ensure_base(print))"


def sleeping() -> str:
    """Return the process ids of the installer."""
    return subprocess.run(["pgrep", "-f", "sleep 1000.25"], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_lab_leaves_nothing_of_its_installer(tmp_path: Path, with_signal: signal.Signals) -> None:
    lacking = shortcomings()
    if lacking:
        missing("e2e", lacking[0])
    programs, cache = tmp_path / "bin", tmp_path / "cache"
    programs.mkdir()
    (programs / "mmdebstrap").write_text(INSTALLER)
    (programs / "mmdebstrap").chmod(0o755)
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "EDGEWRIGHT_LAB_CACHE": str(cache)}
    env["PYTHONPATH"] = str(ROOT)
    lab = subprocess.Popen([sys.executable, "-c", MAKE], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until("the installer runs", 20.0, sleeping)
    lab.send_signal(with_signal)
    lab.communicate(timeout=20)
    until("the installer has ended", 10.0, lambda: not sleeping())
    assert str(cache) not in Path("/proc/self/mounts").read_text()
    done = subprocess.run(
        [sys.executable, "-c", MAKE], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_dir()


def test_mounts_that_an_earlier_version_left_in_the_draft_are_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = shortcomings()
    if lacking:
        missing("e2e", lacking[0])
    monkeypatch.setenv("EDGEWRIGHT_LAB_CACHE", str(tmp_path))
    place = tmp_path / f"{base.base_key()}.new" / "proc"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "installer", str(place)], check=True)
    try:
        base.clean_cache()
        assert str(tmp_path) not in Path("/proc/self/mounts").read_text() and not place.parent.exists()
    finally:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)
