"""The lock file of the base: which packages exactly, by version and hash. It names no mirror."""

from __future__ import annotations

import hashlib
import json
import shlex
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.config import locations
from edgewright.core.errors import InvalidInput, NotFound

API_VERSION = "edgewright/v1"
KIND = "BaseLock"
NAME = "base.lock.json"


class Package(NamedTuple):
    """One package: `archive` is the mirror that has it (`debian`, `debian-security`), `path` where; `size` in bytes."""

    name: str
    version: str
    architecture: str
    archive: str
    path: str
    size: int
    sha256: str

    @property
    def file(self) -> str:
        """Return the name under which it is cached."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


class Lock(NamedTuple):
    """A complete lock; `timestamp` (seconds since 1970) is the time that everything in the image bears."""

    distribution: str
    architecture: str
    suites: tuple[tuple[str, str], ...]
    timestamp: int
    packages: tuple[Package, ...]

    def text(self) -> str:
        """Return the file's text: one package a line, so that a refresh can be read as a diff."""
        head = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "distribution": self.distribution,
            "architecture": self.architecture,
            "suites": [{"archive": archive, "suite": suite} for archive, suite in self.suites],
            "timestamp": self.timestamp,
        }
        lines = ",\n    ".join(json.dumps(package._asdict()) for package in self.packages)
        return json.dumps(head, indent=2)[:-2] + f',\n  "packages": [\n    {lines}\n  ]\n}}\n'

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the lock's text."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @property
    def size(self) -> int:
        """Return the bytes of all packages together."""
        return sum(package.size for package in self.packages)

    def version_of(self, name: str) -> str:
        """Return the version of a package; empty when the lock has none."""
        return next((package.version for package in self.packages if package.name == name), "")


def user_lock() -> Path:
    """Return where a refreshed lock is stored when no file is named."""
    return locations.folder("data") / NAME


def load(path: Path | None = None) -> Lock:
    """Return the lock in `path`, else the user's own, else the one that came with Edgewright.

    Raises `NotFound` when a named file is not there, `InvalidInput` when it is not a lock.
    """
    if path is None:
        path = user_lock()
        if not path.is_file():
            return parse(resources.files("edgewright.forge.appliance").joinpath(NAME).read_text(encoding="utf-8"), NAME)
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise NotFound(
            f"There is no lock file {path}.",
            f"Make it: edgewright forge base --refresh-lock --lock {shlex.quote(str(path))}",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", "Name a lock file.") from None


def parse(text: str, name: str) -> Lock:
    """Return the lock that `text` describes; `name` is for the error. Raises `InvalidInput`."""
    try:
        given = json.loads(text)
        if given["kind"] != KIND or given["apiVersion"] != API_VERSION:
            raise ValueError("its kind is another")
        packages = tuple(_package(entry) for entry in given["packages"])
        suites = tuple((str(entry["archive"]), str(entry["suite"])) for entry in given["suites"])
        lock = Lock(str(given["distribution"]), str(given["architecture"]), suites, int(given["timestamp"]), packages)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{name} is not a lock file of a base ({error}).", "Make one with --refresh-lock.") from None
    if not packages:
        raise InvalidInput(f"{name} names no package.", "Create it again with --refresh-lock.")
    return lock


def _package(entry: dict[str, Any]) -> Package:
    package = Package(**{name: str(entry[name]) for name in Package._fields if name != "size"}, size=int(entry["size"]))
    if len(package.sha256) != 64 or set(package.sha256) - set("0123456789abcdef"):
        raise ValueError(f"the hash of {package.name} is not a SHA-256")
    if "/" in package.file or package.path.startswith(("/", "..")) or "/../" in package.path:
        raise ValueError(f"{package.name} has a path that leads elsewhere")
    return package


def changes(before: Lock | None, after: Lock) -> tuple[str, ...]:
    """Return what a refresh changed, a line for each package: `less 590-2 -> 590-3`, `+ nano 7.2`, `- perl 5.36`."""
    old = {package.name: package.version for package in before.packages} if before else {}
    new = {package.name: package.version for package in after.packages}
    lines = []
    for name in sorted({*old, *new}):
        if name not in old:
            lines.append(f"+ {name} {new[name]}")
        elif name not in new:
            lines.append(f"- {name} {old[name]}")
        elif old[name] != new[name]:
            lines.append(f"{name} {old[name]} -> {new[name]}")
    return tuple(lines)
