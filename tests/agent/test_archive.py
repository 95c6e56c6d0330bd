"""The archive: the same bytes each time, core, wire and agent only, and it runs on the oldest Python we promise."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgewright.agent.install import archive
from tests.support import ROOT

PYENV = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv/versions"


def interpreters() -> list[str]:
    """Return the other Pythons of this machine."""
    found = [shutil.which(f"python3.{minor}") for minor in range(9, 15)]
    try:
        found += [str(path) for path in sorted(PYENV.glob("3.*/bin/python")) if int(path.parts[-3].split(".")[1]) >= 9]
    except OSError:
        pass
    return sorted({path for path in found if path and "/shims/" not in path})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "edgewright-agent.pyz"
    archive.build(str(path), str(ROOT / "edgewright"))
    return path


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    archive.build(str(again), str(ROOT / "edgewright"))
    assert again.read_bytes() == built.read_bytes()
    assert built.stat().st_mode & 0o777 == 0o755


def test_it_holds_core_wire_and_agent_only(built: Path) -> None:
    names = zipfile.ZipFile(built).namelist()
    assert {name.split("/")[1] for name in names if name.count("/") > 1} == {"core", "wire", "agent"}
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("python", interpreters() or ["none"])
def test_it_runs_with_the_standard_library_of_each_python_here(built: Path, tmp_path: Path, python: str) -> None:
    if python == "none":
        pytest.skip("no other Python is on this machine")
    answered = subprocess.run([python, "-I", "-c", "import ssl"], capture_output=True, check=False)
    if answered.returncode != 0:
        pytest.skip(f"{python} does not run or has no ssl")
    for words in (
        ["--version"],
        ["run", "--help"],
        ["status", "--data", str(tmp_path / "none")],
        ["simulate", "--help"],
        ["appliance", "status"],
    ):
        done = subprocess.run(
            [python, "-I", str(built), *words], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == (3 if words[0] == "status" else 0), done.stderr
        assert "Traceback" not in done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(built)!r})\n"
        "from edgewright.agent.kernel import agent, status\nfrom edgewright.agent.simulate import host\n"
        "from edgewright.agent.install import install\n"
        "from edgewright.agent.appliance import boot, installer, medium\n"
        "from edgewright.agent.appliance.console import app\n"
        "from edgewright.agent.facts import device\nfrom edgewright.agent.kernel.hostfs import Root\n"
        "assert device.collect(Root()).device['memory']['sizeInMB'] > 0"
    )
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_an_incomplete_python_is_told_in_a_sentence(built: Path) -> None:
    code = "import sys, runpy; sys.modules['ssl'] = None; sys.argv = ['agent']\n"
    code += f"runpy.run_path({str(built)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "not python3-minimal" in done.stderr and "Traceback" not in done.stderr


def test_a_run_imports_nothing_heavy(built: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(built)!r}); "
        "from edgewright.agent import cli; from edgewright.agent.kernel import agent\n"
        "print(sorted({'asyncio', 'urllib.request', 'logging'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
