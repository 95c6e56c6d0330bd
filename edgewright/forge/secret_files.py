"""Files with secrets in folders that are the user's own: 0600, completely or not at all, the directory unchanged."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from edgewright.core.errors import Failed, NotFound


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, on the disk when this returns.

    Unlike `locations.write_private` it changes no rights of the folder, which is not ours. Raises `NotFound` when
    there is no such folder, and `Failed`; what was there before is then still there.
    """
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {path.parent}.", "Make it, or give another place.", "NoFolder")
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        why = f"{error.strerror or error}"
        if error.errno == errno.ENOSPC:
            why = f"the disk is full, and {len(content)} bytes are needed"
        raise Failed(f"{path} cannot be written: {why}.", "Check space and rights.") from None
