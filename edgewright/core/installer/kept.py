"""Values that cannot be shown as they are (a PEM text, a hashed password): what stands in the field for them.

A field shows `shown_text(value)`; what comes back from it goes through `taken`, which gives the kept value again when
the person left that text alone.
"""

from __future__ import annotations

import hashlib
from typing import List, Sequence

from edgewright.core.installer.checks import PEM
from edgewright.core.installer.pages_people import HASH


def shown_text(value: str) -> str:
    """Return what a field shows for `value`: itself, or one line in angle brackets that stands for it."""
    if PEM in value:
        count = value.count(PEM)
        what = "1 certificate" if count == 1 else f"{count} certificates"
        return f"<{what}, kept, {_mark(value)}>"
    if value.startswith(HASH):
        return f"<password, kept, {_mark(value)}>"
    return value


def taken(text: str, old: Sequence[str]) -> str:
    """Return the value for the text of a field, given the values that were kept before."""
    return next((value for value in old if shown_text(value) == text.strip()), text)


def shown_lines(values: Sequence[str]) -> List[str]:
    """Return what a field of several lines shows."""
    return [shown_text(value) for value in values]


def taken_lines(lines: Sequence[str], old: Sequence[str]) -> List[str]:
    """Return the values for the lines of a field."""
    return [taken(line, old) for line in lines]


def _mark(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
