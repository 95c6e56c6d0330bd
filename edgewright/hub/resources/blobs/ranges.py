"""The part of a blob that a request asks for (RFC 9110, 14.2): one range of bytes; several are answered as all."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(ValueError):
    """The range begins behind the end."""


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte; `None` for the entire blob, also for a header that is not understood.

    Raises `Unsatisfiable`.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:  # the last so many bytes
        count = int(match[2])
        if count == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - count), size - 1
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, min(last, size - 1)
