"""The locked packages in the cache: fetched by apt's own downloader where missing, each compared with its hash."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgewright.config import locations
from edgewright.core.errors import Failed, NotFound
from edgewright.forge.appliance.lock import Lock, Package
from edgewright.forge.programs import run
from edgewright.forge.progress import Job, size

HELPER = "/usr/lib/apt/apt-helper"


def cache_folder() -> Path:
    """Return the cache of packages and intermediate products: EDGEWRIGHT_FORGE_CACHE, else in the user's cache."""
    given = os.environ.get("EDGEWRIGHT_FORGE_CACHE")
    return Path(given).absolute() if given else locations.folder("cache") / "appliance"


def fetch(lock: Lock, mirrors: Mapping[str, str] | None, cache: Path, job: Job) -> list[Path]:
    """Return the file of each package of the lock, in its order. `mirrors` None: take the cache only.

    Raises `NotFound` naming the package when no mirror (or the cache) has it, `Failed` on a wrong hash or full disk.
    """
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    job.step("comparing cached packages", "bytes")
    missing = []
    seen = 0
    for package in lock.packages:
        if not is_intact(folder / package.file, package):
            missing.append(package)
        seen += package.size
        job.at(seen, lock.size)
    if missing:
        if mirrors is None:
            raise NotFound(
                f"The cache lacks {named(missing)}.",
                "Build once without --offline, so that they are fetched.",
                "NotCached",
            )
        _download(missing, mirrors, folder, job)
    return [folder / package.file for package in lock.packages]


def is_intact(path: Path, package: Package) -> bool:
    """Return whether the file is that package, byte for byte."""
    try:
        if path.stat().st_size != package.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256
    except OSError:
        return False


def named(packages: Iterable[Package]) -> str:
    """Return the packages for a sentence; no more than three by name."""
    parts = [f"{package.name} {package.version}" for package in packages]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return ", ".join(parts[:3]) + more


def _download(missing: list[Package], mirrors: Mapping[str, str], folder: Path, job: Job) -> None:
    total = sum(package.size for package in missing)
    free = shutil.disk_usage(folder).free
    if free < total:
        raise Failed(
            f"{folder} has {size(free)} free and the packages take {size(total)}: {size(total - free)} are missing.",
            "Make room, or set EDGEWRIGHT_FORGE_CACHE to a folder with more.",
            "NoSpace",
        )
    job.step(f"fetching {len(missing)} package{'s' if len(missing) > 1 else ''}", "bytes")
    parts = {package: folder / f"{package.file}.{os.getpid()}.part" for package in missing}

    def look(line: str) -> None:
        have = 0
        for part in parts.values():
            try:
                have += part.stat().st_size
            except OSError:
                continue
        job.at(min(have, total), total)

    arguments = [HELPER, "download-file"]
    for package, part in parts.items():
        arguments += [f"{mirrors[package.archive]}/{package.path}", str(part), f"SHA256:{package.sha256}"]
    try:
        done = run(arguments, job, on_line=look)
        for package, part in list(parts.items()):
            if is_intact(part, package):
                part.replace(folder / package.file)
                del parts[package]
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
            part.with_name(part.name + ".FAILED").unlink(missing_ok=True)
    if parts:
        raise _missing(list(parts), done.text)


def _missing(packages: list[Package], message: str) -> Failed | NotFound:
    """Return why packages did not come: gone from the mirror, or not reachable."""
    if "404" in message:
        return NotFound(
            f"The mirror no longer has {named(packages)}.",
            "Take the present versions: edgewright forge base --refresh-lock (the image's hash changes with them).",
            "PackageGone",
        )
    if "Hash Sum mismatch" in message or "Hashes of received file" in message:
        return Failed(
            f"The mirror gave something else for {named(packages)} than the lock file lists.",
            "Do not use this mirror before you know why; another one: --mirror ADDRESS.",
            "WrongHash",
        )
    last = next(
        (line for line in reversed(message.splitlines()) if line.startswith(("E:", "W:"))),
        message.splitlines()[-1:] or "",
    )
    return Failed(
        f"{named(packages)} could not be fetched: {str(last)[2:].strip().rstrip('.')}.",
        "Check the network and apt's proxy.",
    )
