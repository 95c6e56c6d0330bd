"""Tags: labels on the wire, `key:value` texts for users.

Palette stores a tag without a value as the label `{"key": "spectro__tag"}` and shows it as `key` alone.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Tuple

BARE = "spectro__tag"
"""The label value that means: this tag has no value."""

MAX_KEY = 256
MAX_VALUE = 1024

SITE = "site"
"""The tag that names the site of a host."""


def parse_tag(text: str) -> Tuple[str, str]:
    """Return key and label value of `key:value` or `key`.

    Only the first colon parts. Raises `ValueError` for an empty or over-long key or value.
    """
    key, colon, value = text.strip().partition(":")
    key, value = key.strip(), value.strip()
    if not key:
        raise ValueError(f"{text[:60]!r} is not a tag; write key:value or key")
    if len(key) > MAX_KEY or len(value) > MAX_VALUE:
        raise ValueError(f"the tag {key[:40]!r} is too long: {MAX_KEY} characters for a key, {MAX_VALUE} for a value")
    return key, value if colon and value else BARE


def tag_text(key: str, value: object) -> str:
    """Return how a label is shown: `key`, or `key:value`."""
    text = "" if value is None else str(value)
    return key if text in ("", BARE) else f"{key}:{text}"


def labels_to_tags(labels: Mapping[str, object]) -> List[str]:
    """Return the labels as sorted tags, e.g. `{"site": "berlin", "x": "spectro__tag"}` as `["site:berlin", "x"]`."""
    return sorted(tag_text(key, value) for key, value in labels.items())


def tags_to_labels(tags: Iterable[str]) -> Dict[str, str]:
    """Return tags as labels; a later tag of the same key wins. Raises `ValueError` for a text that is not a tag."""
    return dict(parse_tag(tag) for tag in tags)


def without_tags(labels: Mapping[str, str], tags: Iterable[Tuple[str, str]]) -> Dict[str, str]:
    """Return labels without those of these tags (`parse_tag`); a bare key removes the label whatever its value is."""
    pairs = list(tags)
    return {k: v for k, v in labels.items() if not any(k == key and value in (BARE, v) for key, value in pairs)}


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> List[str]:
    """Return what differs between labels: `- site:kiel`, then `+ site:berlin`."""
    removed = [f"- {tag_text(key, value)}" for key, value in before.items() if after.get(key) != value]
    return removed + [f"+ {tag_text(key, value)}" for key, value in after.items() if before.get(key) != value]
