"""Profiles and macros in memory, and who uses a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgewright.core.profiles.usage import Use
from edgewright.hub.profiles.tables import MacroRecord, ProfileRecord

MOST = 500
"""Versions of profiles of one project, or of the tenant."""
MOST_MACROS = 500
"""Macros of one project, or of the tenant."""

UsesOf = Callable[[str], Iterable[Use]]


class ProfileIndex:
    """The versions of all profiles, by uid and by name."""

    def __init__(self, records: Iterable[ProfileRecord]) -> None:
        self.by_uid: dict[str, ProfileRecord] = {}
        self._by_name: dict[tuple[str, str], dict[str, str]] = {}
        for record in records:
            self.put(record)

    def put(self, record: ProfileRecord) -> None:
        """Take a version that was added or changed."""
        self.drop(record.uid)
        self.by_uid[record.uid] = record
        self._by_name.setdefault((record.project_uid, record.name), {})[record.uid] = record.version

    def drop(self, uid: str) -> None:
        """Take the removal of a version."""
        record = self.by_uid.pop(uid, None)
        if record is not None:
            named = self._by_name[record.project_uid, record.name]
            del named[uid]
            if not named:
                del self._by_name[record.project_uid, record.name]

    def versions(self, project_uid: str, name: str) -> dict[str, str]:
        """Return the versions of a profile by uid."""
        return self._by_name.get((project_uid, name), {})


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
