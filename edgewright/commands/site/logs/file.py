"""Lines of logs to a file of the user, that no other user can read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import Failed

_ROOM = "Make room, or set EDGEWRIGHT_HOME to a directory that you may write."


def save(lines: Sequence[str], name: str, now: float) -> Path:
    """Write lines to a new file of mode 0600 in the folder of the state, and return its path. Raises `Failed`.

    The lines are masked already; `name` becomes part of the file's name.
    """
    stamp = re.sub(r"[-:]", "", times.rfc3339(now)[:19])
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "log"
    folder = locations.ensure(locations.folder("data") / "logs")
    for number in range(100):
        path = folder / f"{safe}-{stamp}Z{f'-{number}' if number else ''}.log"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise Failed(f"{locations.shown(path)} cannot be written: {error.strerror or error}.", _ROOM) from None
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(f"{text}\n" for text in lines)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Failed(f"{locations.shown(path)} cannot be written: {error.strerror or error}.", _ROOM) from None
        return path
    raise Failed(f"{folder} has too many files of this second.", "Wait a second, then press the key again.")
