"""The nearest known word to one that is not known, for every "there is no ..., did you mean ..." sentence."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the most similar of `known`, or "" when nothing is near."""
    import difflib

    result = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return result[0] if result else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; the nearest is NAME` for a sentence, or "" when nothing is near."""
    result = nearest(word, known)
    return f"; the nearest is `{result}`" if result else ""
