"""What can be chosen: the built-in catalogue, packs that are stored, and charts that registries list.

A pack that only a registry lists is fetched when it is used. All have a uid from registry, name and version, so that
the same pack has the same uid at every hub and before and after it was fetched.
"""

from __future__ import annotations

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
"""The uid of the built-in catalogue, and of what is imported without a registry."""
MOST_PACKS = 2_000
"""Packs that are stored."""
MOST_REGISTRIES = 50


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
    listed: Listed | None = None
    stored: bool = False
    created: float = 0.0

    @property
    def title(self) -> str:
        """Return the name for people."""
        return self.pack.title if self.pack is not None else self.name


class PackIndex:
    """Registries and packs in memory."""

    def __init__(self, registries: list[RegistryRecord], packs: list[PackRecord]) -> None:
        self.registries = {record.uid: record for record in registries}
        self.packs = {record.uid: record for record in packs}
        self._views: dict[str, View] | None = None

    def put_registry(self, record: RegistryRecord) -> None:
        """Take a registry that was added or changed."""
        before = self.registries.get(record.uid)
        self.registries[record.uid] = record
        if before is None or before.content != record.content:
            self._views = None

    def drop_registry(self, uid: str) -> None:
        """Take the removal of a registry."""
        self.registries.pop(uid, None)
        self._views = None

    def put_pack(self, record: PackRecord) -> None:
        """Take a pack that was added or changed."""
        self.packs[record.uid] = record
        self._views = None

    def drop_pack(self, uid: str) -> None:
        """Take the removal of a pack."""
        self.packs.pop(uid, None)
        self._views = None

    @property
    def views(self) -> dict[str, View]:
        """Return everything that can be chosen, by uid: by name, the newest version of a name first."""
        if self._views is None:
            self._views = self._build()
        return self._views

    def _build(self) -> dict[str, View]:
        views: dict[str, View] = {}
        for pack in catalogue.packs():
            uid = catalogue.uid(BUILTIN, pack.name, pack.version)
            views[uid] = View(uid, BUILTIN, pack.name, pack.version, pack.layer, pack.kind, pack)
        for registry in self.registries.values():
            for listed in content_of(registry):
                uid = catalogue.uid(registry.uid, listed.name, listed.version)
                views[uid] = View(uid, registry.uid, listed.name, listed.version, "addon", listed.kind, None, listed)
        for record in self.packs.values():
            stored = document.to_pack(msgspec.json.decode(record.doc))
            shipped = views.get(record.uid) if record.registry_uid == BUILTIN else None
            if shipped is not None and shipped.pack is not None:  # only what was fetched; the rest may be newer
                stored = replace(
                    shipped.pack, charts=stored.charts, manifests=stored.manifests, upstream=stored.upstream
                )
            views[record.uid] = View(
                record.uid, record.registry_uid, record.name, record.version, record.layer, record.kind, stored,
                None, True, record.created,
            )  # fmt: skip
        ordered = sorted(views.values(), key=lambda view: versions.key(view.version), reverse=True)
        ordered.sort(key=lambda view: (view.name, view.registry_uid))
        return {view.uid: view for view in ordered}

    def versions_of(self, name: str, registry_uid: str) -> list[View]:
        """Return the versions of a pack at a registry, newest first."""
        return [view for view in self.views.values() if view.name == name and view.registry_uid == registry_uid]

    def digests(self) -> set[str]:
        """Return the digests (64 hexadecimal digits) of what stored packs consist of."""
        result = {
            part.removeprefix("sha256:")
            for view in self.views.values()
            if view.stored and view.pack is not None
            for part in content_digests(view.pack)
        }
        return result

    def registry_name(self, uid: str) -> str:
        """Return the name of a registry, "" for one that was removed."""
        if uid == BUILTIN:
            return catalogue.NAME
        record = self.registries.get(uid)
        return record.name if record is not None else ""


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
