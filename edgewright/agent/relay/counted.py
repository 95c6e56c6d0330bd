"""What the streams of the relay have cost, for the month's bytes that the link reports (P78).

The relay writes a counter that only grows, with an id of its own; the link reads it. It is in memory (`/run`), stays
when the relay ends, and begins again with each boot.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import Any, Dict, NamedTuple, Optional

FILE = "traffic.json"
_MOST = 4096


class Counted(NamedTuple):
    """Bytes since a counter was made, both ways, as the kernel counts them; `id` is another one for each counter."""

    id: str
    bytes: int


def path_of(relay_socket: str) -> str:
    """Return the file of the relay that listens at a socket: `/run/edgewright-relay.sock` has it in a folder there."""
    return os.path.join(os.path.splitext(relay_socket)[0], FILE)


def read(path: str) -> Optional[Counted]:
    """Return the counter, `None` where there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as file:
            body: Dict[str, Any] = json.loads(file.read(_MOST))
        counted = Counted(str(body["id"])[:64], int(body["bytes"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return counted if counted.bytes >= 0 else None


class Counter:
    """The relay's side: continues the counter of the run before it."""

    def __init__(self, path: str) -> None:
        self._path = path
        before = read(path)
        self._id = before.id if before is not None else secrets.token_hex(8)
        self._before = self._written = before.bytes if before is not None else 0

    def write(self, count: int) -> None:
        """Note the bytes of this run, where they have grown. Raises `OSError`."""
        total = self._before + count
        if total <= self._written:
            return
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        fresh = f"{self._path}.{os.getpid()}"
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(json.dumps({"id": self._id, "bytes": total}))
        os.replace(fresh, self._path)
        self._written = total
