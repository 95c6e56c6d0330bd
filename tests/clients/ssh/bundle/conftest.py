"""A folder to read, and shells to read it by."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import missing


@pytest.fixture(scope="session")
def busybox_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the programs of BusyBox before all others."""
    program = shutil.which("busybox")
    if program is None:
        missing("e2e", "busybox is not installed")
    folder = tmp_path_factory.mktemp("busybox")
    for name in subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split():
        (folder / name).symlink_to(program)
    return str(folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name is plain: paths of the catalogue have no odd characters."""
    folder = tmp_path / "host"
    folder.mkdir()
    return folder
