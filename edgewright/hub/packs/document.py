"""A pack as stored: everything but its long texts as one JSON document, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgewright.core.packs.pack import (
    Chart,
    Component,
    Dependency,
    Manifest,
    Pack,
    Preset,
    ResourceLimit,
    Upstream,
)
from edgewright.core.packs.schema import SchemaEntry

_TEXTS = ("values", "readme")
MAX_DOCUMENT = 1024 * 1024
"""Bytes of the document of a pack; its manifests are in it."""


def of_pack(pack: Pack) -> dict[str, Any]:
    """Return the document of a pack."""
    return {key: value for key, value in asdict(pack).items() if key not in _TEXTS}


def to_pack(document: dict[str, Any], values: str = "", readme: str = "") -> Pack:
    """Return the pack of a document."""
    limits = [
        ResourceLimit(item["type"], item["min_limit"], tuple(Component(**part) for part in item["components"]))
        for item in document["resources"]
    ]
    schema = [SchemaEntry(**{**item, "hints": tuple(item["hints"])}) for item in document["schema"]]
    parts = {
        "presets": tuple(Preset(**{**item, "remove": tuple(item["remove"])}) for item in document["presets"]),
        "schema": tuple(schema),
        "charts": tuple(Chart(**item) for item in document["charts"]),
        "manifests": tuple(Manifest(**item) for item in document["manifests"]),
        "dependencies": tuple(Dependency(**item) for item in document["dependencies"]),
        "resources": tuple(limits),
        "images": tuple(document["images"]),
        "cloud_types": tuple(document["cloud_types"]),
        "upstream": Upstream(**document["upstream"]) if document["upstream"] else None,
    }
    return Pack(**{**document, **parts, "values": values, "readme": readme})
