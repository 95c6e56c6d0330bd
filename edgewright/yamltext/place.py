"""Values at the paths of a document: `stylus.site.users[0].name`."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from edgewright.core.errors import InvalidInput

MOST_ITEMS = 1000
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]{1,4})\]")


def put(document: MutableMapping[str, Any], path: str, value: Any) -> None:
    """Put a value at a path; maps and lists on the way are made. Raises `InvalidInput` where another thing is."""
    steps = [(name or None, int(index) if index else 0) for name, index in _STEP.findall(path)]
    here: Any = document
    for place, (name, index) in enumerate(steps):
        last = place == len(steps) - 1
        below: Any = [] if not last and steps[place + 1][0] is None else {}
        if name is not None:
            if not isinstance(here, MutableMapping):
                raise InvalidInput(f"{path} cannot be set: what is above it is not a map.", "Look at the file.", "Type")
            if last:
                here[name] = value
            elif here.get(name) is None:
                here[name] = below
            here = here[name]
            continue
        if not isinstance(here, list):
            raise InvalidInput(f"{path} cannot be set: what is above it is not a list.", "Look at the file.", "Type")
        if index > len(here) or index >= MOST_ITEMS:
            raise InvalidInput(
                f"{path} cannot be set: the list has {len(here)} items.", f"Begin with [{len(here)}].", "Type"
            )
        if index == len(here):
            here.append(below)
        if last:
            here[index] = value
        here = here[index]
