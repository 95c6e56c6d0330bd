"""Files of the store: private, and complete or not there at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_private(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Put `data` in the place of the file at once, mode 0600; `durable` waits for the disk. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    import secrets  # here: it loads OpenSSL, and the first frame needs none

    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
