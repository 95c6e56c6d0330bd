"""The container image of the hub: what is in it, that its layers are reproducible, and its SBOM."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.core.errors import Failed, InvalidInput
from edgewright.forge.hubimage import build, contents, sbom
from edgewright.forge.image.bases import Base
from edgewright.forge.progress import Job
from edgewright.forge.registry import tarlayer
from edgewright.forge.registry.spool import Blob, Spool
from tests import spdx_rules


def _layer(folder: Path, entries: list[tarlayer.Entry]) -> Blob:
    folder.mkdir()
    with Spool(folder).layer("gzip") as out:
        tarlayer.write(entries, out, 1_767_225_600, Job(lambda _progress: None))
    assert out.blob is not None
    return out.blob


def test_the_libraries_bring_what_they_require_and_nothing_of_this_machine() -> None:
    libraries = contents.libraries()
    names = {library.name.lower() for library in libraries}
    assert {"starlette", "anyio", "sqlalchemy", "cffi", "mako"} <= names
    assert not names & {"textual", "pytest", "paramiko"}
    paths = [path for library in libraries for path in library.files]
    assert not [
        path for path in paths if path.startswith(("..", "/")) or path.endswith((".pyc", "RECORD", "INSTALLER"))
    ]


def test_a_library_that_is_not_installed_is_refused() -> None:
    with pytest.raises(Failed, match="no-such-library is not installed"):
        contents.libraries(("no-such-library",))


def test_the_image_has_the_hub_and_no_other_part_of_edgewright() -> None:
    packages = {path.split("/")[0] for path in contents.own_files()}
    assert packages == {"__init__.py", *contents.PACKAGES}
    assert "hub/db/migrations/env.py" in contents.own_files()


def test_the_image_has_every_module_that_its_modules_import() -> None:
    """Also those that are imported within a function. A new package of Edgewright was missing in image and package."""
    own = contents.own_files()
    present = {path.partition("/")[0].partition(".")[0] for library in contents.libraries() for path in library.files}
    missing = set()
    for path, source in own.items():
        if not path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top, _, rest = name.partition(".")
                here = {"__init__", *contents.PACKAGES} if top == "edgewright" else present | sys.stdlib_module_names
                if (rest.partition(".")[0] or "__init__" if top == "edgewright" else top) not in here:
                    missing.add(f"{path}: {name}")
    assert not missing, missing


def test_the_hub_runs_on_what_is_in_the_image(tmp_path: Path) -> None:
    """Without this machine's site-packages: what the image lacks would be missing here too."""
    for entry in [*contents.library_entries(contents.libraries()), *contents.hub_entries(contents.own_files())]:
        path = tmp_path / entry.path
        if entry.folder:
            path.mkdir(parents=True, exist_ok=True)
        elif entry.source is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(entry.source.resolve())
    code = "import edgewright.hub.process.serve, psycopg, edgewright.hub.process.observe.probe"
    command = [sys.executable, "-S", "-B", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path / contents.ROOT)}, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_layers_are_the_same_bytes_twice(tmp_path: Path) -> None:
    own = contents.hub_entries(contents.own_files())
    first, second = _layer(tmp_path / "a", own), _layer(tmp_path / "b", list(reversed(own)))
    assert first == second
    (data,) = [entry for entry in own if entry.path == contents.DATA]
    assert (data.owner, data.mode) == (contents.OWNER, 0o700)


def test_the_image_starts_a_hub_as_a_user_without_rights() -> None:
    base = Base("base", "sha256:" + "b" * 64, {"architecture": "amd64", "config": {"Cmd": ["/bin/sh"]}}, ())
    config = json.loads(build.configuration(base, (), "/usr/bin/python3.11", "amd64", 0))
    inner = config["config"]
    assert inner["User"] == "10001:10001" and inner["ExposedPorts"] == {"8443/tcp": {}}
    assert inner["Entrypoint"][0] == "/usr/bin/python3.11" and inner["Cmd"][0] == "serve"
    assert inner["Healthcheck"]["Test"][-1].endswith("/healthz")
    assert inner["Labels"]["org.opencontainers.image.base.digest"] == base.digest


def test_a_base_with_another_python_is_refused() -> None:
    assert build.interpreter("b", {f"usr/bin/{contents.python_name()}"}) == f"/usr/bin/{contents.python_name()}"
    with pytest.raises(InvalidInput, match=r"has python3\.9; the libraries"):
        build.interpreter("b", {"usr/bin/python3.9"})
    with pytest.raises(InvalidInput, match="has no Python"):
        build.interpreter("b", set())


def test_the_sbom_follows_the_specification() -> None:
    status = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n"
    libraries, own = contents.libraries(("msgspec",)), contents.own_files()
    document = sbom.document("r/hub:1", "base sha256:1", libraries, own, 0, None, {"var/lib/dpkg/status": status})
    assert spdx_rules.problems(document) == []
    assert {"edgewright-hub", "msgspec", "libc6"} <= {package["name"] for package in document["packages"]}
    assert document == sbom.document(
        "r/hub:1", "base sha256:1", libraries, own, 0, None, {"var/lib/dpkg/status": status}
    )
