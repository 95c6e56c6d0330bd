"""Progress of a host's work as it travels in heartbeats (P69), checked by whoever reads it. Python 3.9."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

MAX_PROGRESS = 512
"""Bytes of the progress of a host as JSON."""
TEXTS = ("step", "since", "deadline", "waitingFor", "errorClass", "error", "beside")
NUMBERS = ("n", "of", "percent", "attempt", "besidePercent")
PLACE = ("step", "attempt", "waitingFor", "errorClass", "n", "of")
"""Fields whose change is a change of the host; the others move within a step."""
_MOST = 1_000_000


def read_progress(value: object) -> Optional[Dict[str, Any]]:
    """Return the known fields of a progress as received, `None` when it has no step or is too large."""
    if not isinstance(value, dict) or not isinstance(value.get("step"), str) or not value["step"]:
        return None
    progress: Dict[str, Any] = {}
    for name in TEXTS:
        text = value.get(name)
        if isinstance(text, str) and text.isprintable():
            progress[name] = text
    for name in NUMBERS:
        number = value.get(name)
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST:
            progress[name] = number
    if "step" not in progress or len(json.dumps(progress, separators=(",", ":"))) > MAX_PROGRESS:
        return None
    return progress
