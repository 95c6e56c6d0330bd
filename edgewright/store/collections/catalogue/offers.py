"""Packs that a profile can be made of: what the plane offers, their versions, and a pack with values and schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.core.packs.layers import MARKS, RESOURCES
from edgewright.core.packs.pack import Dependency, Pack, Preset, ResourceLimit
from edgewright.core.packs.schema import SchemaEntry
from edgewright.core.packs.versions import key
from edgewright.core.text import clean
from edgewright.store.collections.catalogue.packs import CONTENT, pack_row
from edgewright.store.collections.document_values import EXTENSION, number, part, parts, text, value

MAX_TEXT = 5 * 1024 * 1024
"""Characters of a values text that are taken."""


class Offer(NamedTuple):
    """One version of a pack as the plane lists it. `registry_uid` is where its other versions are."""

    uid: str
    name: str
    version: str
    layer: str
    kind: str
    title: str
    registry: str
    registry_uid: str
    mark: str
    content: str
    upstream: str
    images: tuple[str, ...]
    dependencies: tuple[str, ...]
    presets: tuple[str, ...]
    description: str = ""

    @property
    def search_text(self) -> str:
        """Return what a search looks through, in lower case."""
        return f"{self.name} {self.version} {self.title} {self.registry} {self.layer} {self.description}".lower()


class PackVersion(NamedTuple):
    """A version of a pack at a registry."""

    uid: str
    version: str


def offer_of(document: Mapping[str, Any]) -> Offer | None:
    """Return what a pack of the plane's list offers (`v1PackSummary`); `None` when it names no uid."""
    row, spec = pack_row(document), part(document, "spec")
    if row is None:
        return None
    presets = tuple(text(item, "displayName") or text(item, "name") for item in parts(spec, "presets"))
    return Offer(
        row.uid,
        row.name,
        row.version,
        row.layer,
        row.kind,
        row.title or row.name,
        row.registry,
        text(spec, "registryUid"),
        row.mark,
        CONTENT.get(row.content, row.content),
        row.upstream,
        row.images,
        row.needs,
        presets,
        text(part(spec, EXTENSION), "description"),
    )


def versions_in(document: Mapping[str, Any]) -> tuple[PackVersion, ...]:
    """Return the versions in a `v1PackTagEntity`, newest first."""
    rows = [PackVersion(text(tag, "packUid"), text(tag, "version")) for tag in parts(document, "tags")]
    return tuple(sorted(rows, key=lambda row: key(row.version), reverse=True))


def pack_of(document: Mapping[str, Any]) -> Pack:
    """Return a pack with values, presets and schema from the plane's document of it."""
    spec = part(document, "spec")
    ours = part(spec, EXTENSION)
    row = pack_row(document)
    mark = text(ours, "proven")
    return Pack(
        text(spec, "name"),
        text(spec, "version"),
        text(spec, "layer"),
        display_name=text(spec, "displayName"),
        kind=text(spec, "type"),
        values=_long(spec, "values"),
        presets=tuple(
            Preset(
                text(item, "name"),
                text(item, "displayName"),
                text(item, "group"),
                _long(item, "add"),
                _texts(item, "remove"),
            )
            for item in parts(spec, "presets")
        ),
        schema=tuple(
            SchemaEntry(
                text(item, "name"),
                value(item, "required") is True,
                value(item, "readonly") is True,
                _long(item, "format"),
                _texts(item, "hints"),
            )
            for item in parts(spec, "schema")
        ),
        readme=_long(ours, "readme"),
        images=row.images if row is not None else (),
        dependencies=tuple(
            Dependency(
                text(item, "packName"),
                text(item, "layer"),
                text(item, "type"),
                text(item, "minVersion"),
                text(item, "maxVersion"),
            )
            for item in parts(ours, "dependencies")
        ),
        resources=tuple(
            ResourceLimit(text(item, "type"), number(item, "minLimit") or 0.0)
            for item in parts(ours, "resources")
            if text(item, "type") in RESOURCES
        ),
        proven=mark if mark in MARKS else "",
    )


def _long(document: Mapping[str, Any], name: str) -> str:
    """Return a text of several lines as it is, bounded."""
    content = document.get(name)
    return content[:MAX_TEXT] if isinstance(content, str) else ""


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    items = value(document, name)
    return tuple(clean(item, 512) for item in items if isinstance(item, str)) if isinstance(items, list) else ()
