"""What searches of profiles look at, computed once for each version when it is stored or loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgewright.core.profiles import semver
from edgewright.hub.profiles.tables import ProfileRecord


class Entry:
    """A version of a profile with what its head and its name mean to a search; case does not count in `folded...`."""

    __slots__ = ("cloud", "folded", "folded_tags", "kind", "order", "record", "tags", "version_key")

    def __init__(self, record: ProfileRecord) -> None:
        parts = record.parts
        present = parts["draft"] or parts["published"]
        parsed = semver.parse(record.version)
        self.record = record
        self.folded = record.name.casefold()
        self.kind = str(present["type"])
        self.cloud = str(present["cloudType"])
        self.version_key = None if parsed is None else parsed.key
        version = (0, record.version) if parsed is None else (1, parsed.key)
        self.order = (self.folded, version, record.uid)
        """By name, then by version: what is not a semantic version first."""
        self.tags = frozenset(_tags(parts["metadata"].get("labels") or {}))
        self.folded_tags = frozenset(tag.casefold() for tag in self.tags)


def _tags(labels: Mapping[str, Any]) -> Iterable[str]:
    return (f"{key}:{value}" if value not in ("", "spectro__tag") else key for key, value in labels.items())
