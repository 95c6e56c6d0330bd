"""What goes over the base: the libraries of the hub, as they are installed here, and the hub's own modules."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, NamedTuple

from edgewright.core.errors import Failed
from edgewright.forge.registry.tarlayer import Entry

ROOT: Final = "opt/edgewright"
DATA: Final = "var/lib/edgewright"
OWNER: Final = 10001
"""User and group of the hub in the image, by number: no base must know a name for it."""
LIBRARIES: Final = (
    "alembic", "cryptography", "httptools", "httpx", "msgspec", "psycopg", "psycopg-binary", "pyyaml", "ruamel.yaml",
    "sqlalchemy", "starlette", "uvicorn", "uvloop",
)  # fmt: skip
"""What the hub imports; what these require comes with them."""
PACKAGES: Final = ("core", "wire", "oci", "yamltext", "packs", "profiles", "hub")
"""The packages of Edgewright that a hub may import (contracts of pyproject.toml)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Library(NamedTuple):
    """One library with its files: path below site-packages -> file on this machine."""

    name: str
    version: str
    licence: str
    files: dict[str, Path]

    @property
    def sha256(self) -> str:
        """Return one digest of all files, by path and content."""
        total = hashlib.sha256()
        for path, source in sorted(self.files.items()):
            total.update(f"{path}\0{hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
        return total.hexdigest()


def libraries(roots: Iterable[str] = LIBRARIES) -> list[Library]:
    """Return the libraries and all that they require, by name. Raises `Failed` for one that is not installed."""
    todo, result = list(roots), dict[str, Library]()
    while todo:
        name = todo.pop()
        key = _key(name)
        if key in result:
            continue
        try:
            here = distribution(name)
        except PackageNotFoundError:
            raise Failed(
                f"The Python package {name} is not installed here, so it cannot be put into the image.",
                "Install the lock file (make run does), then build the image again.",
                "NoLibrary",
            ) from None
        result[key] = _library(here)
        todo += _required(here)
    return [result[key] for key in sorted(result)]


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(here: Distribution) -> Iterator[str]:
    """Yield what a library requires: without extras, and with a condition only where it is installed."""
    for text in here.requires or ():
        requirement, _, condition = text.partition(";")
        match = _NAME.match(requirement)
        if match is None or "extra" in condition:
            continue
        if condition:
            try:
                distribution(match[0])
            except PackageNotFoundError:
                continue
        yield match[0]


def _library(here: Distribution) -> Library:
    metadata = here.metadata
    licence = metadata["License-Expression"] or ""
    files = {}
    for path in here.files or ():
        text = path.as_posix()
        # Scripts are outside of site-packages; compiled modules and what the installer noted differ by machine.
        if text.startswith(("..", "/")) or text.endswith(
            (".pyc", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
        ):
            continue
        files[text] = Path(str(here.locate_file(path)))
    if not files:
        raise Failed(f"It is not recorded which files belong to {metadata['Name']}.", "Install it by pip.", "NoLibrary")
    return Library(metadata["Name"], here.version, licence, files)


def own_files(source: Path | None = None) -> dict[str, Path]:
    """Return the hub's modules: path below `edgewright/` -> file."""
    folder = source or Path(__file__).resolve().parents[2]
    result = {"__init__.py": folder / "__init__.py"}
    for package in PACKAGES:
        for path in sorted((folder / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                result[path.relative_to(folder).as_posix()] = path
    return result


def library_entries(parts: Iterable[Library]) -> list[Entry]:
    """Return the layer of the libraries."""
    files = {f"{ROOT}/{path}": source for library in parts for path, source in library.files.items()}
    return [*_folders(files), *(Entry(path, source, mode=_mode(source)) for path, source in files.items())]


def hub_entries(files: dict[str, Path]) -> list[Entry]:
    """Return the layer of the hub, with the directory that it writes into."""
    placed = {f"{ROOT}/edgewright/{path}": source for path, source in files.items()}
    data = Entry(DATA, mode=0o700, folder=True, owner=OWNER)
    return [*_folders(placed), data, *(Entry(path, source) for path, source in placed.items())]


def _mode(source: Path) -> int:
    return 0o755 if source.suffix == ".so" or ".so." in source.name else 0o644


def _folders(files: Iterable[str]) -> list[Entry]:
    parents = {parent.as_posix() for path in files for parent in Path(path).parents if parent.as_posix() != "."}
    return [Entry(path, mode=0o755, folder=True) for path in sorted(parents)]


def python_name() -> str:
    """Return the interpreter that the libraries were installed for, e.g. `python3.11`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
