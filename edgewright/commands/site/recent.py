"""Targets that were opened last, newest first: a bounded list in the state folder, which the user alone can read."""

from __future__ import annotations

import json
from pathlib import Path

from edgewright.clients.ssh.target import read_target
from edgewright.config import locations
from edgewright.core.errors import EdgewrightError

MOST = 20
"""Targets that are stored."""
MOST_BYTES = 65_536


def _path() -> Path:
    return locations.folder("state") / "sites.json"


def recent() -> list[str]:
    """Return the targets, newest first; a file that cannot be read is taken as empty: its loss does no harm."""
    try:
        with _path().open("rb") as file:
            stored = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    texts = stored if isinstance(stored, list) else []
    return [text for text in texts if isinstance(text, str) and _is_target(text)][:MOST]


def remember(target: str) -> None:
    """Put a target first; a full disk or a read-only home loses it quietly, on purpose."""
    before = recent()
    targets = [target, *(other for other in before if other != target)][:MOST]
    if targets == before:
        return
    try:
        locations.write_private(_path(), json.dumps(targets, indent=1) + "\n")
    except EdgewrightError:
        return


def _is_target(text: str) -> bool:
    try:
        read_target(text)
    except EdgewrightError:
        return False
    return True
