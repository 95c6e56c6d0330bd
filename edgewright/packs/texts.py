"""Bytes of a pack as text and JSON."""

from __future__ import annotations

import json
from typing import Any

from edgewright.core.errors import InvalidInput
from edgewright.yamltext.bounds import MAX_SIZE
from edgewright.yamltext.encoding import decode

MAX_JSON = 1024 * 1024


def decoded(data: bytes, name: str, most: int = MAX_SIZE) -> str:
    """Return bytes as text without a byte order mark. Raises `InvalidInput`: too big, or not UTF-8."""
    if len(data) > most:
        raise InvalidInput(f"{name} has more than {most // 1024} KiB.", "Shorten it.", "TooBig")
    return decode(data, name, most).removeprefix("\ufeff")


def json_object(data: bytes, name: str) -> Any:
    """Return what a JSON text contains. Raises `InvalidInput` with line and column."""
    text = decoded(data, name, MAX_JSON)
    try:
        return json.loads(text)
    except json.JSONDecodeError as wrong:
        message = f"{name} is not JSON: line {wrong.lineno}, column {wrong.colno}: {wrong.msg}."
        raise InvalidInput(message, "Correct that line.", "InvalidJson") from None
    except (ValueError, RecursionError):
        raise InvalidInput(f"{name} is not JSON that can be read.", "Shorten it.", "InvalidJson") from None
