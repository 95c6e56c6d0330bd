"""User-data as text, written deterministically."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgewright.yamltext.writer import write

HEADER = "#cloud-config"


def dump(document: Mapping[str, Any], head: Iterable[str] = ()) -> str:
    """Return a document as user-data: `#cloud-config` first, then `head` as comment lines, keys in the order given."""
    body = write(document)
    comments = "".join(f"# {line}".rstrip() + "\n" for line in head)
    return f"{HEADER}\n{comments}{'' if body.strip() == '{}' else body}"
