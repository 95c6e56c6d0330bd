"""The reference appliance for whoever wants a base and has none: built once for each lock and agent, then cached."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import edgewright
from edgewright.agent.install import archive
from edgewright.commands.forge.base import ForgeBase, _build
from edgewright.commands.kernel.grammar import parse
from edgewright.config.locations import ensure, folder
from edgewright.forge.appliance import lock
from edgewright.forge.manifest import read_manifest
from edgewright.forge.progress import Job
from edgewright.forge.scratch import scratch

MAX_BASES = 2
"""Bases that are cached; older ones are deleted when a new one is there."""


def cached_base(job: Job) -> Path:
    """Return the ISO of the reference appliance as it would be built now; built when it is not cached.

    Raises `Refused` without root, `NotFound` for a missing program, `Failed`, `Cancelled`.
    """
    bases = ensure(folder("cache") / "bases")
    target = bases / f"appliance-{_mark()}.iso"
    with _alone(bases / ".lock", job):
        if not _is_complete(target):
            target.unlink(missing_ok=True)
            _build(target, None, parse(ForgeBase, ())[1], job)  # as `forge base` does it without options
            _forget_old(bases, target)
    return target


def _mark() -> str:
    """Return a mark of everything that decides the base's bytes: lock, agent, units and version."""
    package = Path(edgewright.__file__).parent
    digest = hashlib.sha256(f"{edgewright.__version__} {lock.load(None).digest}".encode())
    with scratch("agent") as place:
        agent = Path(place, "agent.pyz")
        archive.build(str(agent), str(package))
        digest.update(agent.read_bytes())
    for part in (package / "agent" / "appliance" / "files", package / "forge" / "appliance"):
        for path in sorted(path for path in part.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _is_complete(iso: Path) -> bool:
    """Whether a cached base is there as its manifest has it; the hash is checked when it is read for an installer."""
    manifest = read_manifest(iso)
    known = manifest.get("iso") if manifest else None
    try:
        return isinstance(known, dict) and known.get("size") == iso.stat().st_size
    except OSError:
        return False


def _forget_old(bases: Path, newest: Path) -> None:
    others = [path for path in bases.glob("appliance-*.iso") if path != newest]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for iso in others[MAX_BASES - 1 :]:
        for path in bases.glob(iso.name + "*"):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path, job: Job) -> Iterator[None]:
    """Let one process build at a time; another waits, and finds the base in the cache. Raises `Cancelled`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        reported = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not reported:
                    job.step("waiting for another build of the reference appliance", "steps")
                    reported = True
                job.check()
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)
