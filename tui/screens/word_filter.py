"""The plain filter of short lists: words that must be there, `-word` that must not, `/pattern/` as an expression."""

from __future__ import annotations

import re


def matches(wanted: str, text: str) -> bool:
    """Tell whether `text` has every word of `wanted`; `"two words"` is one, a broken pattern matches everything."""
    low = text.lower()
    for word in re.findall(r'-?"[^"]*"?|\S+', wanted):
        negative = len(word) > 1 and word.startswith(("-", "!"))
        bare = (word[1:] if negative else word).strip('"')
        if _has(bare, low) == negative and bare:
            return False
    return True


def _has(word: str, low: str) -> bool:
    if len(word) > 2 and word.startswith("/") and word.endswith("/"):
        try:
            return re.search(word[1:-1], low, re.IGNORECASE) is not None
        except re.error:
            return True
    return word.lower() in low
