"""What can be chosen: the built-in catalogue, packs that are stored, and charts that registries list.

A pack that only a registry lists is fetched when it is used. All have a uid from registry, name and version, so that
the same pack has the same uid at every hub and before and after it was fetched.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from edgewright.core.packs import versions
from edgewright.core.packs.pack import Pack
from edgewright.hub.packs import document
from edgewright.hub.packs.tables import PackRecord, RegistryRecord
from edgewright.packs import catalogue
from edgewright.packs.files import digest

BUILTIN = catalogue.uid("edgewright", "built-in", "1")
"""The uid of the built-in catalogue."""
IMPORTED = catalogue.uid("edgewright", "imported", "1")
"""The uid of the packs that were imported without a registry."""
IMPORTED_NAME = "Imported packs"
OWN = {BUILTIN: catalogue.NAME, IMPORTED: IMPORTED_NAME}
"""Registries of the hub's own, which are in no table."""
MOST_PACKS = 2_000
"""Packs that are stored."""
MOST_REGISTRIES = 50
MOST_LISTED = 20_000
"""Versions that registries list, together with the catalogue; further ones are imported by name."""


class Listed(NamedTuple):
    """A version that a registry lists and that was not fetched yet."""

    name: str
    version: str
    kind: str
    description: str = ""
    app_version: str = ""
    url: str = ""
    digest: str = ""


class View(NamedTuple):
    """One version of a pack: `pack` is it without its long texts, `None` while only a registry lists it."""

    uid: str
    registry_uid: str
    name: str
    version: str
    layer: str
    kind: str
    pack: Pack | None
    rank: versions.Key
    """What versions are sorted by."""
    listed: Listed | None = None
    stored: bool = False
    created: float = 0.0

    @property
    def title(self) -> str:
        """Return the name for people."""
        return self.pack.title if self.pack is not None else self.name


class PackIndex:
    """Registries and packs in memory. What one change costs does not depend on how many packs there are."""

    def __init__(self, registries: list[RegistryRecord], packs: list[PackRecord]) -> None:
        self.registries = {record.uid: record for record in registries}
        self.packs = {record.uid: record for record in packs}
        self._shipped = {view.uid: view for view in map(_shipped_view, catalogue.packs())}
        self._stored = {record.uid: self._stored_view(record) for record in packs}
        self._listed = {record.uid: _listed_views(record) for record in registries}
        self._views: dict[str, View] | None = None
        self._names: dict[str, set[str]] = {}

    def put_registry(self, record: RegistryRecord) -> None:
        """Take a registry that was added or changed."""
        before = self.registries.get(record.uid)
        self.registries[record.uid] = record
        if before is None or before.content != record.content:
            self._listed[record.uid] = _listed_views(record)
            self._views = None

    def drop_registry(self, uid: str) -> None:
        """Take the removal of a registry."""
        self.registries.pop(uid, None)
        self._listed.pop(uid, None)
        self._views = None

    def put_pack(self, record: PackRecord) -> None:
        """Take a pack that was added or changed."""
        self.packs[record.uid] = record
        view = self._stored[record.uid] = self._stored_view(record)
        if self._views is not None and record.uid in self._views:
            self._views[record.uid] = view  # it was fetched: its place stays
        else:
            self._views = None

    def drop_pack(self, uid: str) -> None:
        """Take the removal of a pack."""
        self.packs.pop(uid, None)
        self._stored.pop(uid, None)
        self._views = None

    @property
    def views(self) -> dict[str, View]:
        """Return everything that can be chosen, by uid: by name, the newest version of a name first."""
        if self._views is None:
            self._views = self._build()
        return self._views

    def _build(self) -> dict[str, View]:
        views = dict(self._shipped)
        for listed in self._listed.values():
            views.update(itertools.islice(listed.items(), max(0, MOST_LISTED - len(views))))
        views.update(self._stored)
        ordered = sorted(views.values(), key=lambda view: view.rank, reverse=True)
        ordered.sort(key=lambda view: (view.name, view.registry_uid))
        self._names = {}
        for view in ordered:
            self._names.setdefault(view.registry_uid, set()).add(view.name)
        return {view.uid: view for view in ordered}

    def _stored_view(self, record: PackRecord) -> View:
        pack = document.to_pack(msgspec.json.decode(record.doc))
        shipped = self._shipped.get(record.uid)
        if shipped is not None and shipped.pack is not None:  # only what was fetched; the rest may be newer
            pack = replace(shipped.pack, charts=pack.charts, manifests=pack.manifests, upstream=pack.upstream)
        return View(
            record.uid, record.registry_uid, record.name, record.version, record.layer, record.kind, pack,
            versions.key(record.version), None, True, record.created,
        )  # fmt: skip

    def names_of(self, registry_uid: str) -> int:
        """Return how many packs a registry has, versions not counted."""
        assert self.views is not None
        return len(self._names.get(registry_uid, ()))

    def versions_of(self, name: str, registry_uid: str) -> list[View]:
        """Return the versions of a pack at a registry, newest first."""
        return [view for view in self.views.values() if view.name == name and view.registry_uid == registry_uid]

    def digests(self) -> set[str]:
        """Return the digests (64 hexadecimal digits) of what stored packs consist of."""
        return {
            part.removeprefix("sha256:")
            for view in self._stored.values()
            if view.pack is not None
            for part in content_digests(view.pack)
        }

    def registry_name(self, uid: str) -> str:
        """Return the name of a registry, "" for one that was removed."""
        if uid in OWN:
            return OWN[uid]
        record = self.registries.get(uid)
        return record.name if record is not None else ""


def _shipped_view(pack: Pack) -> View:
    uid = catalogue.uid(BUILTIN, pack.name, pack.version)
    return View(uid, BUILTIN, pack.name, pack.version, pack.layer, pack.kind, pack, versions.key(pack.version))


def _listed_views(registry: RegistryRecord) -> dict[str, View]:
    views = {}
    for item in content_of(registry):
        uid = catalogue.uid(registry.uid, item.name, item.version)
        rank = versions.key(item.version)
        views[uid] = View(uid, registry.uid, item.name, item.version, "addon", item.kind, None, rank, item)
    return views


def content_digests(pack: Pack) -> list[str]:
    """Return the digests of the charts and manifests of a pack."""
    manifests = [digest(manifest.content.encode()) for manifest in pack.manifests]
    return [*(chart.digest for chart in pack.charts), *manifests]


def content_of(registry: RegistryRecord) -> list[Listed]:
    """Return what the last look at a registry found."""
    rows: list[list[Any]] = msgspec.json.decode(registry.content) if registry.content else []
    return [Listed(*row) for row in rows]


def content_text(listed: list[Listed]) -> str:
    """Return what was found as the text to store."""
    return msgspec.json.encode([list(row) for row in listed]).decode()
