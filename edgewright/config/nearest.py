"""The nearest known word to one that is not known, for every "there is no ..., did you mean ..." sentence."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the most similar of `known`, or "" when nothing is near."""
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; the nearest is NAME` for a sentence, or "" when nothing is near."""
    found = nearest(word, known)
    return f"; the nearest is `{found}`" if found else ""
