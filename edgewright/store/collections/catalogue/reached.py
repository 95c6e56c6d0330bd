"""The file of what was measured on this machine of the ways to APIs of clusters, for who loads no more than it needs.

`measured` writes it and reads all of it.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgewright.config import locations
from edgewright.core.errors import EdgewrightError


def path() -> Path:
    """Return where it is."""
    return locations.folder("state") / "reach.json"


def last(uid: str, way: str) -> str:
    """Return `yes` or `no` as it was measured last, "" for what was not or cannot be read. Blocking."""
    try:
        state = json.loads(locations.read_private(path()) or "{}")[uid][way]["state"]
    except (EdgewrightError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    return state if state in ("yes", "no") else ""
