"""The agent as one archive: a zip with a `#!` line and the modules that its program imports, and no others.

The same source gives the same bytes.
"""

from __future__ import annotations

import ast
import os
import zipfile
from typing import Dict, Iterator, List, Optional, Tuple

SHEBANG = b"#!/usr/bin/env python3\n"
PROGRAM = "edgewright.agent.__main__"
_ENTRY = b"import sys\nfrom edgewright.agent.__main__ import start\n\nsys.exit(start())\n"
_TIME = (2026, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the real one would make each build differ."""


def sources(package: str) -> Iterator[Tuple[str, str]]:
    """Give (name in the archive, path) of each module that the program imports, sorted; `package` is our own folder.

    Imports inside of functions count; a module that is named in a string only is not found. Raises `OSError`.
    """
    above = os.path.dirname(os.path.abspath(package))
    matches: Dict[str, str] = {}
    waiting = [PROGRAM]
    while waiting:
        module = waiting.pop()
        path = _path(above, module)
        if path is None or module in matches:  # a name inside of a module, or of the standard library
            continue
        matches[module] = path
        parts = module.split(".")
        waiting += [".".join(parts[:size]) for size in range(1, len(parts))]
        waiting += _imports(path)
    for _, path in sorted(matches.items()):
        yield os.path.relpath(path, above).replace(os.sep, "/"), path


def _path(above: str, module: str) -> Optional[str]:
    if not module.startswith("edgewright"):
        return None
    stem = os.path.join(above, *module.split("."))
    return next((path for path in (stem + ".py", os.path.join(stem, "__init__.py")) if os.path.isfile(path)), None)


def _imports(path: str) -> List[str]:
    """Return the names that a source imports; of `from a import b` both `a` and `a.b`, which may be a module."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    names: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif (
            isinstance(node, ast.ImportFrom) and node.module and not node.level
        ):  # relative imports are not allowed here
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


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
