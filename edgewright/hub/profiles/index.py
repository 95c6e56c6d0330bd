"""Profiles and macros in memory, and who uses a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from edgewright.core.profiles.usage import Use
from edgewright.hub.profiles.entries import Entry
from edgewright.hub.profiles.tables import MacroRecord, ProfileRecord

MOST = 500
"""Versions of profiles of one project, or of the tenant."""
MOST_MACROS = 500
"""Macros of one project, or of the tenant."""

MOST_SUMMARIES = 2_000
"""Documents of lists that memory has, some kilobytes each."""

UsesOf = Callable[[str], Iterable[Use]]


class ProfileIndex:
    """The versions of all profiles, by uid and by name, in the order of lists, and their documents in lists."""

    def __init__(self, records: Iterable[ProfileRecord]) -> None:
        self.by_uid: dict[str, ProfileRecord] = {}
        self._by_name: dict[tuple[str, str], dict[str, str]] = {}
        self._entries: dict[str, Entry] = {}
        self._ordered: tuple[Entry, ...] | None = None
        self._summaries: dict[str, dict[str, Any]] = {}
        for record in records:
            self.put(record)

    def put(self, record: ProfileRecord) -> None:
        """Take a version that was added or changed."""
        self.drop(record.uid)
        self.by_uid[record.uid] = record
        self._entries[record.uid] = Entry(record)
        self._by_name.setdefault((record.project_uid, record.name), {})[record.uid] = record.version
        self._changed(record)

    def drop(self, uid: str) -> None:
        """Take the removal of a version."""
        record = self.by_uid.pop(uid, None)
        if record is not None:
            self._changed(record)
            del self._entries[uid]
            named = self._by_name[record.project_uid, record.name]
            del named[uid]
            if not named:
                del self._by_name[record.project_uid, record.name]

    def _changed(self, record: ProfileRecord) -> None:
        """Forget what depends on a version: the order, and the summaries of all of its name, which list the others."""
        self._ordered = None
        for uid in self.versions(record.project_uid, record.name):
            self._summaries.pop(uid, None)

    def versions(self, project_uid: str, name: str) -> dict[str, str]:
        """Return the versions of a profile by uid."""
        return self._by_name.get((project_uid, name), {})

    def ordered(self) -> tuple[Entry, ...]:
        """Return all versions by name and version; the same tuple until one changes."""
        if self._ordered is None:
            self._ordered = tuple(sorted(self._entries.values(), key=lambda entry: entry.order))
        return self._ordered

    def summary(self, uid: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the document of a version in lists, made once; it is shared and must not be changed."""
        document = self._summaries.get(uid)
        if document is None:
            if len(self._summaries) >= MOST_SUMMARIES:
                self._summaries.clear()
            document = self._summaries[uid] = make()
        return document


class MacroIndex:
    """Macros by project, "" is the tenant; values are sealed."""

    def __init__(self, records: Iterable[MacroRecord]) -> None:
        self.by_uid: dict[str, MacroRecord] = {}
        self._by_project: dict[str, dict[str, MacroRecord]] = {}
        for record in records:
            self.put(record)

    def put(self, record: MacroRecord) -> None:
        """Take a macro that was added or changed."""
        self.by_uid[record.uid] = record
        self._by_project.setdefault(record.project_uid, {})[record.name] = record

    def drop(self, uid: str) -> None:
        """Take the removal of a macro."""
        record = self.by_uid.pop(uid, None)
        if record is not None:
            self._by_project[record.project_uid].pop(record.name, None)

    def of(self, project_uid: str) -> dict[str, MacroRecord]:
        """Return the macros of a project by name."""
        return self._by_project.get(project_uid, {})


class ProfileUses:
    """Which clusters use a profile. Whoever knows clusters registers itself here."""

    def __init__(self) -> None:
        self._sources: list[UsesOf] = []

    def register(self, source: UsesOf) -> None:
        """Add someone who knows clusters; `source` is given the uid of a version."""
        self._sources.append(source)

    def of(self, uid: str) -> tuple[Use, ...]:
        """Return the clusters that use a version of a profile."""
        return tuple(use for source in self._sources for use in source(uid))
