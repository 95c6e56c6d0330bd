"""The log of the hub that runs on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import NotFound
from tui.frame.pager.log_polled import PolledLogScreen

TAIL = 512 * 1024
"""Bytes at the end of the file that are read."""


class HubLogScreen(PolledLogScreen):
    """Shows the end of `hub.log` of the context in use."""

    scope: ClassVar[Scope] = "global"
    view = "hub-log"

    @property
    def crumb(self) -> str:
        """Name the log."""
        return "log of the hub"

    def read_lines(self) -> list[str]:
        """Return the last lines of the hub's log, readable. Raises `NotFound`."""
        path = self.session.hub_log() if self.session.hub_log is not None else None
        if path is None:
            raise NotFound(
                "The hub of this context does not run on this machine.",
                "Read hub.log in the data directory of the hub, on its own machine.",
            )
        return tail(path)


def tail(path: Path) -> list[str]:
    """Return the last lines of a hub's log as text. Raises `NotFound` when it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - TAIL, 0))
            lines = file.read(TAIL).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror or error}.", "Start the hub, then look again."
        ) from None
    return [text for line in lines[1 if size > TAIL else 0 :] for text in readable(line)]


def readable(line: str) -> list[str]:
    """Return a line of the log (a JSON object) as text: time, level unless it is info, message, then the trace."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    if not isinstance(entry, dict) or not isinstance(entry.get("message"), str):
        return [line]
    level = str(entry.get("level") or "")
    lead = f"{entry.get('time') or ''} {'' if level == 'info' else level.upper() + ' '}"
    rest = " ".join(f"{name}={value}" for name, value in entry.items() if name in ("peer", "peers"))
    trace = entry.get("trace")
    return [f"{lead}{entry['message']} {rest}".rstrip(), *(trace.splitlines() if isinstance(trace, str) else [])]
