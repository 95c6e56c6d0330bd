"""The agent as one archive: core, wire and agent in a zip with a `#!` line; the same source gives the same bytes."""

from __future__ import annotations

import os
import zipfile
from typing import Iterator, List, Tuple

SHEBANG = b"#!/usr/bin/env python3\n"
PACKAGES = ("core", "wire", "agent")
_ENTRY = b"import sys\nfrom edgewright.agent.__main__ import start\n\nsys.exit(start())\n"
_TIME = (2026, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the real one would make each build differ."""


def sources(package: str) -> Iterator[Tuple[str, str]]:
    """Give (name in the archive, path) of each source below the folder of `edgewright`, sorted."""
    yield "edgewright/__init__.py", os.path.join(package, "__init__.py")
    for part in PACKAGES:
        found: List[str] = []
        for folder, _, files in os.walk(os.path.join(package, part)):
            found.extend(os.path.join(folder, name) for name in files if name.endswith(".py"))
        for path in sorted(found):
            yield "edgewright/" + os.path.relpath(path, package).replace(os.sep, "/"), path


def build(target: str, package: str) -> None:
    """Write the archive to `target` (executable). Raises `OSError`."""
    fresh = target + ".new"
    with open(fresh, "wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            _add(archive, "__main__.py", _ENTRY)
            for name, path in sources(package):
                with open(path, "rb") as source:
                    _add(archive, name, source.read())
    os.chmod(fresh, 0o755)  # noqa: S103 - a program that everybody may run
    os.replace(fresh, target)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
