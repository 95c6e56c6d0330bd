"""Files written completely or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o644


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write a file by way of another beside it; an existing one retains its rights unless `mode` is `PRIVATE`.

    Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        existing = path.stat().st_mode & 0o777 if path.exists() and mode != PRIVATE else mode
        Path(name).chmod(existing)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
