"""What the lab knows about itself: one JSON file in its folder, and names that follow from that folder alone.

The names of namespaces and control groups are derived from the folder's path, so that `down` finds what a killed
`up` left behind even when the file was never written.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgewright.core.errors import Conflict, Failed

HUB = "hub"
"""The name by which faults reach the hub of the lab."""

REGISTRY = "registry"
"""The same of its registry, which a lab with Kubernetes has."""


def default_folder() -> Path:
    """Return the lab's folder: EDGEWRIGHT_LAB_DIR, else below the user's state folder."""
    named = os.environ.get("EDGEWRIGHT_LAB_DIR")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base).absolute() / "edgewright" / "lab"


@dataclass
class Slow:
    """A link made worse: one-way delay and jitter in milliseconds, loss in percent, rate in kbit/s (0 = unlimited)."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    rate: float = 0.0


@dataclass
class Member:
    """A thing on the lab's network: a host or the hub. `pid` 0 = not running."""

    name: str
    address: str
    pid: int = 0
    started: str = ""
    link_down: bool = False
    frozen: bool = False
    slow: Slow | None = None
    slow_pid: int = 0
    slow_started: str = ""
    clock: str = ""


@dataclass
class LabState:
    """Everything that is stored between two calls of the lab."""

    name: str
    subnet: str
    endpoint: str
    phase: str = "starting"
    created: float = field(default_factory=time.time)
    hub: Member | None = None
    registry: Member | None = None
    kubernetes: str = ""
    """The version that the hosts can run; empty: none."""
    hosts: dict[str, Member] = field(default_factory=dict)
    oneway: list[tuple[str, str]] = field(default_factory=list)
    hub_options: list[str] = field(default_factory=list)

    def member(self, name: str) -> Member | None:
        """Return the host of that name, the hub for `hub`, the registry for `registry`; None when there is none."""
        return {HUB: self.hub, REGISTRY: self.registry}.get(name) or self.hosts.get(name)

    def members(self) -> list[Member]:
        """Return hub and registry, if any, and all hosts."""
        return [member for member in (self.hub, self.registry) if member is not None] + list(self.hosts.values())


def _member(raw: dict[str, Any] | None) -> Member | None:
    if raw is None:
        return None
    slow = raw.pop("slow", None)
    return Member(**raw, slow=Slow(**slow) if slow else None)


def _same_file(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


class Folder:
    """The lab's folder on disk: its state file, its lock, and the names that follow from its path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = "ew-" + hashlib.sha256(str(path).encode()).hexdigest()[:6]
        self.key = path / "ssh" / "id_ed25519"
        self.lock_file = path / "lab.lock"

    def host(self, name: str) -> Path:
        """Return the folder of one host (overlay, console log)."""
        return self.path / "hosts" / name

    def load(self) -> LabState | None:
        """Return the stored state; None when no lab was ever started here. Raises `Failed` when it cannot be read."""
        try:
            raw = json.loads((self.path / "lab.json").read_text())
            raw["hub"] = _member(raw["hub"])
            raw["registry"] = _member(raw.get("registry"))
            raw["hosts"] = {name: _member(item) for name, item in raw["hosts"].items()}
            raw["oneway"] = [(a, b) for a, b in raw["oneway"]]
            return LabState(**raw)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise Failed(
                f"The lab's state {self.path / 'lab.json'} cannot be read: {problem}.",
                "Run `edgewright lab down`: it clears away what that lab left.",
            ) from None

    def save(self, state: LabState) -> None:
        """Write the state completely or not at all."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path / "lab.json.new"
        draft.write_text(json.dumps(asdict(state), indent=1))
        draft.replace(self.path / "lab.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the lab for one change. Raises `Conflict` when another process is changing it."""
        while True:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.lock_file.open("w") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Conflict(
                        f"Another `edgewright lab` is changing the lab in {self.path}.", "Wait until it is done."
                    ) from None
                if not _same_file(handle.fileno(), self.lock_file):
                    continue  # a `down` that ended meanwhile removed the file: this lock would protect nothing
                yield
                return
