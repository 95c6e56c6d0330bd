"""Request bodies of apikeys in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import FLAG, WHEN, name, obj

_API_KEY_SPEC_ENTITY = obj(expiry=WHEN, userUid=name())
API_KEY_ENTITY = obj(metadata=META, spec=_API_KEY_SPEC_ENTITY)
API_KEY_ACTIVE_STATE = obj(isActive=FLAG)
_API_KEY_SPEC_UPDATE = obj(expiry=WHEN)
API_KEY_UPDATE = obj(metadata=META, spec=_API_KEY_SPEC_UPDATE)
