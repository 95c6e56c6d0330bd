"""Control groups of the lab: one per host and one for the helpers, on both layouts that machines have.

They serve three things: a booted host must not share the machine's root group, a host is frozen by its freezer, and
`down` finds every process of the lab by its group, whoever started it.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from edgewright.lab.processes import send

ROOT = Path("/sys/fs/cgroup")


def _trees() -> list[Path]:
    """Return the hierarchies used: on the old layout the named one of systemd, the unified and the freezer."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [ROOT / name for name in ("systemd", "unified", "freezer") if (ROOT / name).is_dir()]


def make(lab: str, name: str) -> list[Path]:
    """Make the groups of one member of a lab and return their folders."""
    folders = [tree / lab / name for tree in _trees()]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def freeze(lab: str, name: str, frozen: bool, patience: float = 5.0) -> bool:
    """Stop (or resume) every process of a member at once; return whether that was done within `patience` seconds."""
    old = ROOT / "freezer" / lab / name / "freezer.state"
    new = ROOT / lab / name / "cgroup.freeze"
    if old.exists():
        old.write_text("FROZEN" if frozen else "THAWED")
        deadline = time.monotonic() + patience
        while old.read_text().strip() != ("FROZEN" if frozen else "THAWED"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
    if new.exists():
        new.write_text("1" if frozen else "0")
        return True
    return not frozen


def processes(lab: str, name: str = "") -> set[int]:
    """Return all process ids in the groups of a lab, or of one member."""
    matches: set[int] = set()
    for tree in _trees():
        base = tree / lab / name if name else tree / lab
        for listing in base.rglob("cgroup.procs") if base.is_dir() else []:
            try:
                matches.update(int(line) for line in listing.read_text().split())
            except OSError:
                continue  # the group went away between the listing and the reading, as did its processes
    return matches - {0}


def kill_all(lab: str, name: str = "", patience: float = 10.0) -> int:
    """Kill what is left in the groups of a lab (or of one member) and return how many processes that were."""
    seen: set[int] = set()
    deadline = time.monotonic() + patience
    while (left := processes(lab, name)) and time.monotonic() < deadline:
        seen |= left
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.05)
    return len(seen)


def remove(lab: str, name: str = "", patience: float = 3.0) -> bool:
    """Remove the empty groups of a lab or of one member; return whether all of them ended."""
    deadline = time.monotonic() + patience
    while True:
        removed = True
        for tree in _trees():
            base = tree / lab / name if name else tree / lab
            if not base.is_dir():
                continue
            folders = sorted((path for path in base.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
            for folder in [*folders, base]:
                try:
                    folder.rmdir()
                except OSError:
                    removed = False
        if removed or time.monotonic() > deadline:
            return removed
        time.sleep(0.1)
