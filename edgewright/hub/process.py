"""Telling whether a hub runs on a data directory, without touching it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edgewright.core.errors import NotFound
from edgewright.hub.files import lock_holder, write_whole

STATE_FILE = "hub.json"
"""What the running hub wrote at its start: where it listens."""


def write_state(data: Path, url: str, pid: int, started: str) -> None:
    """Note where the hub listens, for `status`."""
    write_whole(data / STATE_FILE, msgspec.json.encode({"url": url, "pid": pid, "started": started}) + b"\n")


def status(data: Path) -> dict[str, Any]:
    """Return whether a hub runs on `data`, its process and address; raises `NotFound` when `data` is no hub's."""
    if not (data / "hub.lock").exists():
        raise NotFound(f"{data} is not the data directory of a hub.", "Start one: edgewright hub serve --data DIR")
    holder = lock_holder(data)
    try:
        noted: dict[str, Any] = msgspec.json.decode((data / STATE_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        noted = {}
    running = holder is not None
    return {
        "running": running,
        "pid": holder,
        "url": noted.get("url") if running else None,
        "started": noted.get("started") if running else None,
        "data": str(data),
        "ca": str(data / "ca.crt"),
        "adminKey": str(data / "admin-api-key") if (data / "admin-api-key").exists() else None,
    }
