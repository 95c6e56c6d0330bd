"""A package archive of exactly the locked packages, made from the cache, so that nothing else can get in."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.lock import Lock
from edgewright.forge.programs import run
from edgewright.forge.progress import Job


def make_repository(lock: Lock, files: Sequence[Path], folder: Path, job: Job) -> str:
    """Put the packages into `folder` with an index, and return the line of apt's sources that names it.

    Raises `Failed` when a file is not a package.
    """
    job.step("laying out the packages", "steps")
    folder.mkdir(parents=True)
    index = []
    for number, (package, file) in enumerate(zip(lock.packages, files, strict=True), 1):
        try:
            os.link(file, folder / package.file)
        except OSError:  # the cache is on another disk
            shutil.copyfile(file, folder / package.file)
        lines: list[str] = []
        done = run(["dpkg-deb", "--field", str(file)], job, on_line=lines.append)
        if done.code != 0:
            raise Failed(f"{file} is not a Debian package: {done.text}.", "Delete it, so that it is fetched again.")
        lines += [f"Filename: ./{package.file}", f"Size: {package.size}", f"SHA256: {package.sha256}"]
        index.append("\n".join(lines) + "\n")
        job.at(number, len(files))
    text = "\n".join(index).encode()
    (folder / "Packages").write_bytes(text)
    # mmdebstrap looks for the essential packages in the suite of that name, which only a Release file has
    (folder / "Release").write_text(
        f"Suite: {parts.DISTRIBUTION}\nCodename: {parts.DISTRIBUTION}\nSHA256:\n"
        f" {hashlib.sha256(text).hexdigest()} {len(text)} Packages\n"
    )
    return f"deb [trusted=yes] copy://{folder} ./"
