"""Tag filters as clients see them."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core import times
from edgewright.hub.db.records import FilterRecord

TYPE = "tag"
"""`filterType` of a tag filter."""


def tag_filter(record: FilterRecord) -> dict[str, Any]:
    """Return a filter with its conditions (`v1TagFilterSummary`)."""
    document: dict[str, Any] = msgspec.json.decode(record.doc)
    stored = document.get("metadata") or {}
    return {
        "metadata": {
            **stored,
            "uid": record.uid,
            "name": record.name,
            "labels": stored.get("labels") or {},
            "annotations": stored.get("annotations") or {},
            "creationTimestamp": times.rfc3339(record.created),
            "lastModifiedTimestamp": times.rfc3339(record.modified),
        },
        "spec": document.get("spec") or {},
    }


def summary(record: FilterRecord) -> dict[str, Any]:
    """Return a filter as a list has it (`v1FilterSummary`), with its conditions beside Palette's properties."""
    document = tag_filter(record)
    return {"metadata": document["metadata"], "spec": {"filterType": TYPE, "edgewright": document["spec"]}}
