"""The archive: the same bytes each time, what the agent imports and no more, run by the oldest Python we promise."""

from __future__ import annotations

import ast
import os
import pwd
import shutil
import subprocess
import sys
import time
import zipfile
import zipimport
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.agent.install import archive
from edgewright.agent.install.compiled import compile_archive, entry
from tests.hub_fixture import running_hub
from tests.support import ROOT

LIMIT = 386_000
"""Bytes that the archive may have: it goes over the link of a site, and to every host at an upgrade.

A host of a cluster has 95 kB for its steps and their planner, 10 kB for those of k3s, 25 kB for the registry client, 10
kB for the relay. They are part of the same archive: a step and the reconciler that judges it are always of one version,
also after an interrupted upgrade.
"""

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


def test_two_builds_of_one_archive_at_once_both_succeed(built: Path, tmp_path: Path) -> None:
    """Two labs that come up at the same time build it from the same source into the same folder."""
    target = tmp_path / "dist" / "agent.pyz"
    target.parent.mkdir()
    code = f"from edgewright.agent.install import archive; archive.build({str(target)!r}, {str(ROOT / 'edgewright')!r})"
    # Processes, as labs are: `ast.parse` of Python 3.11 fails at times when threads share an interpreter.
    builds = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(3)]
    assert [build.wait(120) for build in builds] == [0, 0, 0]
    assert target.read_bytes() == built.read_bytes() and list(target.parent.iterdir()) == [target]


def test_docstrings_and_comments_stay_behind_and_every_line_stays_in_its_place(built: Path) -> None:
    source = (
        b'"""Doc\n\nof it."""\n\nX = 1  # why\n"""About X."""\n\n\ndef f():\n    """Only this."""\n\n\nT = "# no"\n'
    )
    lean = archive.lean(source)
    assert lean == b'\n\n\n\nX = 1\n\n\n\ndef f():\n ""\n\n\nT = "# no"\n'
    assert archive.lean(b'def f():\n    """Doc."""\n    return 1\n') == b"def f():\n\n return 1\n"
    types = (
        b"async def f(a: int, *b: 'x', c: D[e] = 3, **d: f) -> G[h]:\n    x: int = 1\n\n\nclass N:\n    y: int = 2\n"
    )
    types += b"\n    def m(\n        self,\n        a: int = 1,\n    ) -> int: ...\n"
    wanted = b"async def f(a, *b, c = 3, **d):\n x = 1\n\n\nclass N:\n y: int = 2\n"
    assert archive.lean(types) == wanted + b"\n def m(\n  self,\n  a = 1,\n ): ...\n"
    left = b"from typing import Dict, List\nX: Dict[str, int] = {}\n\nclass N:\n    y: List[int]\n"
    assert archive.lean(left) == b"from typing import List\nX = {}\n\nclass N:\n y: List[int]\n"
    renamed = b"from typing import Any as A\nX = A\n"
    assert archive.lean(renamed) == renamed
    assert archive.lean(b"from typing import Any\n\ndef f(a: Any): ...\n") == b"\n\ndef f(a): ...\n"
    assert archive.lean(b"def f():\n    x: int\n    self.y: 'a' = 1\n") == b"def f():\n x: int\n self.y = 1\n"
    assert archive.lean(b'if a:\n    b = """c\n    d\n"""\n') == b'if a:\n b = """c\n    d\n"""\n'
    for name in zipfile.ZipFile(built).namelist()[1:]:
        packed, text = zipfile.ZipFile(built).read(name), (ROOT / name).read_bytes()
        assert packed.count(b"\n") == text.count(b"\n"), name
        compile(packed, name, "exec")
        assert texts(packed) <= texts(text) | {""}, f"{name}: another text"


def texts(source: bytes) -> set[str]:
    """Return all texts of a module."""
    nodes = ast.walk(ast.parse(source))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_it_contains_what_the_program_imports_and_no_more(built: Path, tmp_path: Path) -> None:
    """The standard library's own finder, which reads byte code, finds the same modules as the builder."""
    zipfile.ZipFile(built).extractall(tmp_path)
    finder = ModuleFinder(path=[str(tmp_path)])
    finder.run_script(str(tmp_path / "__main__.py"))
    paths = [vars(module)["__file__"] for module in finder.modules.values() if vars(module)["__file__"]]
    used = {str(Path(path).relative_to(tmp_path)) for path in paths}
    assert used == set(zipfile.ZipFile(built).namelist())
    missing = {name for name in finder.badmodules if name.startswith("edgewright") and "." not in name}
    assert not missing and len(used) > 80


def test_its_size_and_what_is_not_in_it(built: Path) -> None:
    names = zipfile.ZipFile(built).namelist()
    size = built.stat().st_size
    print(f"agent archive: {size:,} bytes, {len(names)} files")
    assert size < LIMIT
    assert {name.split("/")[1] for name in names if name.count("/") > 1} == {"core", "wire", "agent", "oci"}
    others = ("agent/simulate/", "core/installer/", "core/filters/", "core/search/", "core/problems/", "hub", "forge")
    assert not [name for name in names if name.startswith(tuple(f"edgewright/{part}" for part in others))]


def test_compiled_modules_are_taken_where_they_fit_and_the_archive_works_without(built: Path, tmp_path: Path) -> None:
    program, folder = tmp_path / "agent.pyz", tmp_path / "run"
    with zipfile.ZipFile(built) as old, zipfile.ZipFile(program, "w") as new:
        for name in old.namelist():
            new.writestr(name, entry(str(folder)) if name == "__main__.py" else old.read(name))

    def origin() -> str:
        show = "import runpy, sys; sys.argv = ['x', '--version']; sys.path.insert(0, sys.orig_argv[-1])"
        code = f"{show}\ntry: runpy.run_path(sys.orig_argv[-1], run_name='__main__')\nexcept SystemExit: pass\n"
        code += "print(sys.modules['edgewright.agent.cli'].__file__)"
        words = [sys.executable, "-I", "-S", "-c", code, str(program)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1]

    assert not compile_archive(str(program), str(folder)) and origin().startswith(str(program))
    folder.mkdir()
    (folder / "code-1-2-3.zip").write_bytes(b"of another version")
    assert compile_archive(str(program), str(folder)) and not compile_archive(str(program), str(folder))
    (made,) = folder.iterdir()
    assert made.stat().st_mode & 0o777 == 0o600
    assert origin() == f"{made}/edgewright/agent/cli.pyc"
    code = zipimport.zipimporter(f"{made}/edgewright/agent").get_code("cli")
    assert code is not None and code.co_filename == f"{program}/edgewright/agent/cli.py", "tracebacks name the archive"
    os.utime(program, (1, 1))
    assert origin().startswith(str(program)), "of another archive"


def test_the_archive_alone_registers_a_host(built: Path, tmp_path: Path) -> None:
    """Isolated and without site packages: nothing but the archive and the standard library can be imported."""
    python = [sys.executable, "-I", "-S", str(built)]
    for words in (["--version"], ["--help"]):
        done = subprocess.run([*python, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0 and "edgewright-agent" in done.stdout, done.stderr
    assert "simulate" not in done.stdout
    with running_hub("--heartbeat", "1") as hub:
        token = tmp_path / "token"
        token.write_text(hub.token("archive")[1])
        token.chmod(0o600)
        agent = subprocess.Popen(
            [*python, "run", "--endpoint", hub.url, "--ca", str(hub.ca), "--token-file", str(token), "--observe",
             "--data", str(tmp_path / "data"), "--console", "", "--interval", "1"],
            cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            host = waited_for(hub.client())
        finally:
            agent.terminate()
            errors = agent.communicate(timeout=30)[1]
    assert host is not None, errors
    assert host["status"]["health"]["state"] == "healthy"


def waited_for(admin: httpx.Client) -> dict[str, Any] | None:
    """Return the document of the first host that is healthy, or None after 20 s."""
    for _ in range(200):
        for item in admin.post("/v1/dashboard/edgehosts/search", json={}).json()["items"]:
            document = admin.get(f"/v1/edgehosts/{item['metadata']['uid']}").json()
            if document["status"]["health"].get("state") == "healthy":
                return dict(document)
        time.sleep(0.1)
    return None


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
        ["appliance", "status"],
    ):
        done = subprocess.run(
            [python, "-I", str(built), *words], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == (3 if words[0] == "status" else 0), done.stderr
        assert "Traceback" not in done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(built)!r})\n"
        "from edgewright.agent.kernel import agent, status\n"
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
