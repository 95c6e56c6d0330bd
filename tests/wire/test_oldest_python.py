"""core, wire, oci and agent run on any Python from 3.9: hosts bring their own."""

from __future__ import annotations

import ast
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, missing

GIVEN = os.environ.get("EDGEWRIGHT_PYTHON39")  # read before the tests get a quiet environment
ROOMS = ("core", "wire", "agent", "oci")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / "edgewright" / room).rglob("*.py"))

EXERCISE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import importlib
for room in ("core", "wire", "oci"):
    for path in sorted(Path(sys.argv[1], "edgewright", room).rglob("*.py")):
        words = path.relative_to(sys.argv[1]).with_suffix("").parts
        importlib.import_module(".".join(words).replace(".__init__", ""))
from edgewright.core import times
from edgewright.core.cloudconfig import userdata
from edgewright.core.filters import filters
from edgewright.core.hosts import health, identity
from edgewright.core.search import search
from edgewright.wire.palette.edgehost import EdgeHost
site = userdata.read_site("#cloud-config\\nstylus:\\n  site:\\n    name: shop-1\\n    tags: {site: a}\\n")
assert identity.derive_uid(site, open, lambda n: "ab" * n).uid == "shop-1"
host = EdgeHost.parse(b'{"Metadata":{"uid":"x"},"spec":null}')
host.created = 1.5
assert times.parse(host.raw["Metadata"]["creationTimestamp"]) == 1.5
assert filters.parse("name:x cpu>=4 age<2h").matches({"name": "x", "cpu": 4, "created": 1.0}.get, 2.0)
assert health.judge(10.0, 0.0, 5.0, True).health.value == "healthy"
assert search.compile_search({})(search.host_values(host.raw))
print("fine", sys.version_info[:2])
"""


def interpreter() -> str:
    """Return a Python 3.9 that starts: a version manager may put a word on the path with nothing behind it."""
    versions = Path(os.environ.get("PYENV_ROOT", Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv")) / "versions"
    installed = sorted(versions.glob("3.9.*/bin/python3")) if versions.is_dir() else []
    for found in (GIVEN, shutil.which("python3.9"), *map(str, installed)):
        if found and subprocess.run([found, "-c", ""], capture_output=True, timeout=30).returncode == 0:
            return found
    missing("python39", "no Python 3.9 is here (set EDGEWRIGHT_PYTHON39)")


def test_core_wire_and_oci_work_on_python_3_9(tmp_path: Path) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPYCACHEPREFIX": str(tmp_path)}
    done = subprocess.run(
        [interpreter(), "-W", "error", "-c", EXERCISE, str(ROOT)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fine")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_newer_syntax(source: Path) -> None:
    tree = ast.parse(source.read_text(), str(source), feature_version=(3, 9))
    for node in ast.walk(tree):
        assert type(node).__name__ not in ("Match", "TryStar", "TypeAlias"), f"line {node.lineno}"  # type: ignore[attr-defined]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
        ):
            assert not any(
                isinstance(inner, ast.BinOp) for argument in node.args[1:] for inner in ast.walk(argument)
            ), f"line {node.lineno}: a union in {node.func.id} needs Python 3.10"
        if isinstance(node, ast.Call):
            newer = {keyword.arg for keyword in node.keywords} & {"slots", "kw_only"}
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert not (name == "dataclass" and newer), f"line {node.lineno}: {newer} needs Python 3.10"
            assert not (name == "zip" and any(k.arg == "strict" for k in node.keywords)), (
                f"line {node.lineno}: zip strict"
            )


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_only_the_standard_library(source: Path) -> None:
    allowed = sys.stdlib_module_names | {"edgewright"}
    for node in ast.walk(ast.parse(source.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            assert name.split(".")[0] in allowed, f"{source.name} imports {name}"
