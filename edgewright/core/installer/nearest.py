"""The nearest known word, for sentences about one that is not known."""

from __future__ import annotations

import difflib
from typing import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the most similar of `known`, or "" when nothing is near."""
    result = difflib.get_close_matches(word[:200], list(known), n=1, cutoff=0.5)
    return result[0] if result else ""
