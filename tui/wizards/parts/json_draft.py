"""A draft of a wizard as JSON in the state folder, readable by its user alone, secrets included."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.core.errors import Failed, InvalidInput

MAX_DRAFT = 16 * 1024 * 1024
"""Bytes of a draft."""


def read_json_draft(path: Path, what: str, form: int, limit: int = MAX_DRAFT) -> dict[str, Any]:
    """Return a stored draft of a `what`. Blocking. Raises `InvalidInput` when it is not one of this form."""
    hint = f"Delete {path} to begin without it."
    try:
        if path.stat().st_size > limit:
            raise InvalidInput(f"The stored draft of the {what} is too large.", hint)
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as wrong:
        raise InvalidInput(f"The stored draft of the {what} cannot be read: {wrong}.", hint) from None
    if not isinstance(document, dict) or document.get("format") != form:
        raise InvalidInput(f"The stored draft of the {what} is of another version.", hint)
    return document


def write_json_draft(path: Path, document: Mapping[str, Any]) -> None:
    """Write a draft completely or not at all. Blocking. Raises `Failed`."""
    temporary = path.with_suffix(".new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
        temporary.replace(path)
    except OSError as wrong:
        raise Failed(f"{path} cannot be written: {wrong.strerror or wrong}.", "Check its disk and rights.") from None
