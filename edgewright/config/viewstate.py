"""What the user chose for a view (columns, sort, filter), stored per context between runs.

Its loss does no harm: a file that cannot be read is taken as empty, one that cannot be written is not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.config import locations
from edgewright.core.errors import EdgewrightError


class ViewStateFile:
    """View states in one JSON file; follows the form that the console's session wants (`load`, `save`)."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or locations.folder("state") / "views.json"
        self._cached: dict[str, dict[str, Any]] | None = None

    def load(self, view: str) -> Mapping[str, Any]:
        """Return what was stored for `view`; empty when nothing was."""
        return self._all().get(view, {})

    def save(self, view: str, state: Mapping[str, Any]) -> None:
        """Store `state` for `view`; a full disk or a read-only home loses it quietly, on purpose."""
        stored = self._all()
        if stored.get(view) == dict(state):
            return
        stored[view] = dict(state)
        try:
            locations.write_private(self.path, json.dumps(stored, indent=1, sort_keys=True) + "\n")
        except EdgewrightError:
            return

    def _all(self) -> dict[str, dict[str, Any]]:
        if self._cached is None:
            try:
                reported = json.loads(self.path.read_text("utf-8"))
            except (OSError, ValueError):
                reported = {}
            self._cached = (
                {k: v for k, v in reported.items() if isinstance(v, dict)} if isinstance(reported, dict) else {}
            )
        return self._cached
