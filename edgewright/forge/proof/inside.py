"""What a proof reads out of an ISO: its user-data, its kernel, and the hash of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound
from edgewright.forge.iso.facts import Base
from edgewright.forge.programs import run
from edgewright.forge.progress import Job
from edgewright.yamltext import bounds, encoding, reader

BLOCK = 2048
KERNELS = ("/boot/kernel", "/boot/vmlinuz", "/casper/vmlinuz", "/live/vmlinuz", "/isolinux/vmlinuz")
CHUNK = 1 << 20


def sha256(path: Path, job: Job) -> str:
    """Return the hash of a file, streaming. Raises `NotFound`, `Cancelled`."""
    try:
        total, digest, done = path.stat().st_size, hashlib.sha256(), 0
        with path.open("rb") as file:
            job.step("hashing the ISO")
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                done += len(chunk)
                job.at(done, total)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", "Name an ISO that is there.") from None
    return digest.hexdigest()


def user_data(base: Base) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """Return the user-data of an ISO, its path in it, and notes; an empty document where it has none.

    Of several configs the one with a `stylus` block counts. Raises `InvalidInput` for one that cannot be read.
    """
    matches: list[tuple[dict[str, Any], str]] = []
    for config in base.configs:
        if config.size > bounds.MAX_SIZE:
            continue
        with base.path.open("rb") as file:
            file.seek(config.block * BLOCK)
            data = file.read(config.size)
        body = encoding.decode(data.rstrip(b"\0"), f"The user-data {config.path} of the ISO")
        try:
            matches.append((reader.read(body, f"The user-data {config.path} of the ISO").document, config.path))
        except InvalidInput:
            if config.path == base.configs[0].path:
                raise
    if not matches:
        return {}, "", ()
    best = next((match for match in matches if isinstance(match[0].get("stylus"), dict)), matches[0])
    others = [path for _, path in matches if path != best[1]]
    note = (f"The ISO contains more than one config; {best[1]} was taken, beside it: {', '.join(others)}.",)
    return best[0], best[1], note if others else ()


def kernel(iso: Path, folder: Path, job: Job) -> Path | None:
    """Return the ISO's kernel as a file in `folder`, None when it cannot be had. Raises `Cancelled`."""
    target = folder / "kernel"
    for path in KERNELS:
        try:
            done = run(["xorriso", "-osirrox", "on", "-indev", str(iso), "-extract", path, str(target)], job)
        except NotFound:
            return None
        except EdgewrightError as error:
            if error.exit_code == 130:
                raise
            return None
        if done.code == 0 and target.is_file() and target.stat().st_size:
            target.chmod(0o600)
            return target
    return None
