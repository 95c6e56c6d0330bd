"""Request bodies of filters in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import FLAG, many, name, obj, text

_TAG_FILTER_ITEM = obj(key=name(), negation=FLAG, operator=text(64, "eq"), values=many(text()))
_TAG_FILTER_GROUP = obj(conjunction=text(64, "and", "or"), filters=many(_TAG_FILTER_ITEM))
_TAG_FILTER_SPEC = obj(filterGroup=_TAG_FILTER_GROUP)
TAG_FILTER = obj(metadata=META, spec=_TAG_FILTER_SPEC)
