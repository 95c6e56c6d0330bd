"""The build from lock to ISO: all of it in a work folder of its own, the finished files put in place at the end."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edgewright import __version__
from edgewright.core.errors import Failed, InvalidInput, Refused
from edgewright.core.times import now, rfc3339
from edgewright.forge import manifest
from edgewright.forge.appliance import medium, rootfs, space
from edgewright.forge.appliance.fetch import fetch
from edgewright.forge.appliance.lock import Lock
from edgewright.forge.appliance.sbom import sbom
from edgewright.forge.appliance.tree import make_tree
from edgewright.forge.iso.identify import identify
from edgewright.forge.programs import find, run
from edgewright.forge.progress import Job

TOOLS = ("mksquashfs", "xorriso", "mkfs.vfat", "mcopy", "zstd", "tar", "unshare")
TOOLS_OF_SYSTEM = ("mmdebstrap", "dpkg-deb")
"""Needed only when the cache does not have the system of this lock."""
LEVEL = 12
"""zstd's level for the image: 30 s on two cores; 3 takes 4 s and makes it a fifth larger."""
FAST = 3
_WORK = "work-"
_MB = 1_000_000


class BaseResult(NamedTuple):
    """A finished base: its ISO, the ISO's SHA-256 and size in bytes, and the files beside it."""

    path: Path
    sha256: str
    size: int
    sbom_path: Path
    manifest_path: Path
    packages: int
    cached: bool


def build_base(
    out: Path,
    job: Job,
    *,
    lock: Lock,
    agent: Path,
    units: Path,
    mirrors: Callable[[], Mapping[str, str]] | None,
    cache: Path,
    level: int = LEVEL,
) -> BaseResult:
    """Build the base's ISO to `out`. `mirrors` is asked only when a package is missing; None: never fetch.

    Needs root. A cancelled or failed build leaves nothing but what may stay in the cache. Raises `Refused` without
    root, `NotFound` for a missing program or package, `InvalidInput` for what is not an agent archive, `Failed`.
    """
    if os.geteuid() != 0:
        raise Refused(
            "Only root can build a base: packages are installed as root's files.", "Run it with sudo.", "NeedsRoot"
        )
    for name in TOOLS:
        find(name)
    if not zipfile.is_zipfile(agent):
        raise InvalidInput(f"{agent} is not an agent archive.", "Make one: make agent (dist/edgewright-agent.pyz).")
    if not out.parent.is_dir():
        raise Failed(f"There is no folder {out.parent}.", "Make it, or name another --output.")
    cache.mkdir(parents=True, exist_ok=True)
    system = rootfs.cached_system(lock, cache)
    space.require(cache, (1100 if system else 2400) * _MB, "the build")
    space.require(out.parent, 400 * _MB, "the ISO")
    with _work_folder(cache) as work:
        cached = system is not None
        if system is None:
            for name in TOOLS_OF_SYSTEM:
                find(name)
            files = fetch(lock, mirrors() if mirrors else None, cache, job)
            system = rootfs.make_system(lock, files, work, cache, job)
        tree = make_tree(lock, system, agent, units, __version__, work, job)
        part = out.with_name(f"{out.name}.part")
        part.unlink(missing_ok=True)
        try:
            medium.make_medium(lock, system, tree, work, part, job, level=level)
            return _finish(part, out, lock, agent, cached, job)
        finally:
            part.unlink(missing_ok=True)


def _finish(part: Path, out: Path, lock: Lock, agent: Path, cached: bool, job: Job) -> BaseResult:
    job.step("hashing the ISO", "bytes")
    digest = hashlib.sha256()
    size = part.stat().st_size
    with part.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            job.at(file.tell(), size)
        os.fsync(file.fileno())
    sha256 = digest.hexdigest()
    checks = _checked(part)
    agent_sha256 = hashlib.sha256(agent.read_bytes()).hexdigest()
    beside = out.with_name(out.name + ".spdx.json")
    _put(beside, sbom(lock, out.name, sha256, __version__, agent_sha256))
    _put(out.with_name(out.name + ".sha256"), f"{sha256}  {out.name}\n")
    tools = {name: version_of(name, job) for name in ("mksquashfs", "xorriso", "mkfs.vfat", "mcopy")}
    part.replace(out)
    path = manifest.write_manifest(
        out,
        {
            "apiVersion": "edgewright/v1",
            "kind": "InstallerManifest",
            "name": out.stem,
            "createdAt": rfc3339(now()),
            "what": "base",
            "iso": {"file": out.name, "size": size, "sha256": sha256, "volumeId": medium.VOLUME},
            "base": {
                "name": "edgewright-appliance",
                "version": __version__,
                "lock": lock.digest,
                "timestamp": lock.timestamp,
            },
            "inputs": [
                {"kind": "agent", "file": agent.name, "size": agent.stat().st_size, "sha256": agent_sha256},
                *(
                    {"kind": "package", "file": p.file, "version": p.version, "size": p.size, "sha256": p.sha256}
                    for p in lock.packages
                ),
            ],
            "sbom": beside.name,
            "tools": {"edgewright": __version__, **tools},
            "checks": checks,
            "label": "unproven",
            "proof": None,
        },
    )
    return BaseResult(out, sha256, size, beside, path, len(lock.packages), cached)


def _checked(iso: Path) -> list[dict[str, object]]:
    """Look at the finished ISO as whoever makes an installer of it does. Raises `Failed` when it lacks something."""
    base = identify(iso)
    placeholder = base.placeholder.size if base.placeholder else 0
    checks = [
        ("volume-id", base.volume_id == medium.VOLUME, base.volume_id),
        ("boot-modes", len(base.boot_modes) == 4, ", ".join(base.boot_modes)),
        ("usb-partition", not base.partition_broken, base.partition_broken or "its superblock is inside it"),
        ("placeholder", placeholder == medium.PLACEHOLDER, f"{placeholder} bytes"),
        ("kairos-release", bool(base.kairos_release), base.kairos_release.get("KAIROS_NAME", "none")),
        ("usable", not base.refusal, base.refusal or "an installer can be made of it"),
    ]
    for name, good, detail in checks:
        if not good:
            raise Failed(
                f"The ISO was written and is not right: {name} ({detail}).", "Update xorriso, then build again."
            )
    return [{"name": name, "ok": good, "detail": detail} for name, good, detail in checks]


def version_of(name: str, job: Job) -> str:
    """Return the first line that a tool prints about its version; empty when it prints none."""
    switch = {"mksquashfs": "-version", "mkfs.vfat": "/nonexistent/image", "mcopy": "--version"}.get(name, "--version")
    lines = run([name, switch], job).lines
    return next((line[:100] for line in lines if any(character.isdigit() for character in line)), "")


def _put(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failed(f"{path} cannot be written: {error.strerror or error}.", "Check space and rights.") from None


@contextmanager
def _work_folder(cache: Path) -> Iterator[Path]:
    """Give a directory that is removed afterwards; those of builders that were killed are removed first."""
    for old in cache.glob(_WORK + "*"):
        pid = old.name.removeprefix(_WORK).split("-", 1)[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{_WORK}{os.getpid()}-", dir=cache))
    work.chmod(0o711)
    try:
        yield work
    except OSError as error:
        if error.errno == 28:
            raise Failed(
                f"The disk of {cache} is full.", "Make room, or set EDGEWRIGHT_FORGE_CACHE.", "NoSpace"
            ) from None
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
