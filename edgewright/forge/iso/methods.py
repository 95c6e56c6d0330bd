"""The two ways to a new ISO: overwrite the placeholder in a copy of the base, or let xorriso rewrite the base."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from edgewright.config.locations import write_private
from edgewright.core.errors import Failed
from edgewright.forge.iso import xorriso
from edgewright.forge.iso.configs import target_of
from edgewright.forge.iso.ending import end_of
from edgewright.forge.iso.extras import Piece
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.image import Broken, Image
from edgewright.forge.iso.partfile import CHUNK, Hashing, PartFile
from edgewright.forge.progress import Job
from edgewright.forge.scratch import scratch

SLACK = 2 * 1024 * 1024
"""Bytes that a rewrite may add: directories, padding, a larger config."""


def epoch_of(base: Base) -> int:
    """Return the date of everything new: SOURCE_DATE_EPOCH, else that of the base, so that a rerun gives the same."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isascii() and given.isdigit() else base.created


def fits_placeholder(base: Base, user_data: bytes, pieces: Sequence[Piece]) -> bool:
    """Return whether overwriting is enough: nothing else is added, and the user-data is not longer."""
    return base.placeholder is not None and not pieces and len(user_data) <= base.placeholder.size


def padded(user_data: bytes, size: int) -> bytes:
    """Return the user-data with line ends up to `size`: the second tree would else have the old length."""
    return user_data + b"\n" * (size - len(user_data))


def overwrite(base: Base, user_data: bytes, into: PartFile, job: Job) -> str:
    """Copy the base with the placeholder's bytes replaced; return the sha256 of the base.

    Both hashes share all bytes up to the placeholder. Padding behind the base's backup GPT is not copied.
    """
    assert base.placeholder is not None
    with Image(base.path) as image:
        try:
            ending = end_of(image)
        except Broken:  # it was cut off since it was identified: the copy finds that out
            ending = image.size
    begin, end = base.placeholder.offset, base.placeholder.offset + base.placeholder.size
    old: Hashing | None = None
    try:
        with base.path.open("rb", buffering=0) as file:
            at = 0
            while at < base.size:
                stop = begin if at < begin else end if at < end else base.size
                data = file.read(min(CHUNK, stop - at))
                if not data:
                    raise Failed(f"{base.path} became shorter while it was read.", "Begin again.")
                if at == begin:
                    old = Hashing(into.hashing)
                if old is not None:
                    old.feed(data)
                if begin <= at < end:
                    from_here = at - begin
                    new = padded(user_data, base.placeholder.size)[from_here : from_here + len(data)]
                    into.write(new)
                elif at < ending:
                    into.write(data[: ending - at])
                at += len(data)
                job.at(at, base.size)
        assert old is not None
        return old.hexdigest()
    except OSError as error:
        raise Failed(f"{base.path} cannot be read: {error.strerror}.", "Copy it again.") from None
    finally:
        if old is not None:
            old.close()


def rewrite(base: Base, user_data: bytes, pieces: Sequence[Piece], into: PartFile, job: Job) -> dict[Path, str]:
    """Let xorriso write the base again with the user-data as its config; return the hash of each file read.

    Further configs of the base are taken away: the installer would merge them into this one.
    """
    side = Reading([base.path, *(piece.source for piece in pieces if not piece.offset)])
    side.start()
    try:
        # it contains a token: a private directory, removed as soon as xorriso is done
        with scratch("iso") as folder:
            file = folder / "user-data"
            write_private(file, user_data)
            xorriso.run(commands(base, str(file), pieces), str(base.path.absolute()), epoch_of(base), into, job)
        if side.is_alive():
            job.step("hashing what went in", "steps")
        while side.is_alive():
            job.check()
            side.join(0.2)
    finally:
        side.stopped = True
        side.join()
    if side.failed is not None:
        raise Failed(f"{side.at} cannot be read: {side.failed.strerror}.", "Copy it again.") from None
    return side.hashes


def commands(base: Base, user_data: str, pieces: Sequence[Piece]) -> list[str]:
    """Return xorriso's commands; `user_data` is the file with the config."""
    target = target_of(base.configs)
    arguments = ["-joliet", "on"] if base.joliet else []
    others = [config.path for config in base.configs if config.path != target]
    if others:
        arguments += ["-rm", *others, "--"]
    arguments += ["-map", user_data, target]
    for piece in pieces:
        if piece.complete:
            arguments += ["-map", str(piece.source.absolute()), piece.path]
        else:  # a part is cut out of the bundle in place, which needs no room for a copy
            arguments += ["-cut_out", str(piece.source.absolute()), str(piece.offset), str(piece.length), piece.path]
    added = [target, *(piece.path for piece in pieces)]
    arguments += ["-chown", "0", *added, "--", "-chgrp", "0", *added, "--", "-chmod", "0644", *added, "--"]
    touched = sorted({*added, *(str(folder) for path in [*added, *others] for folder in PurePosixPath(path).parents)})
    for kind in ("b", "c"):  # also of the folders, which else have the present as their date
        arguments += ["-alter_date", kind, f"={epoch_of(base)}", *touched, "--"]
    return [*arguments, "-boot_image", "any", "replay"]


class Reading(threading.Thread):
    """The hashes of files, taken beside other work that reads them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(daemon=True)
        self.paths = paths
        self.at = paths[0]
        self.hashes: dict[Path, str] = {}
        self.failed: OSError | None = None
        self.stopped = False

    def run(self) -> None:
        """Read each to its end, or until `stopped`."""
        try:
            for path in self.paths:
                self.at = path
                sha256 = hashlib.sha256()
                with path.open("rb", buffering=0) as file:
                    while not self.stopped and (data := file.read(CHUNK)):
                        sha256.update(data)
                self.hashes[path] = sha256.hexdigest()
        except OSError as error:
            self.failed = error
