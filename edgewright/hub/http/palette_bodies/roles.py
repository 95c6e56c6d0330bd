"""Request bodies of roles in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import FLAG, many, name, obj, text

_ROLE_SPEC = obj(
    permissions=many(name()),
    scope=text(64, "system", "tenant", "project", "resource"),
    type_=text(64, "system", "user"),
)
_ROLE_STATUS = obj(isEnabled=FLAG)
ROLE = obj(metadata=META, spec=_ROLE_SPEC, status=_ROLE_STATUS)
_ROLE_CLONE_METADATA = obj(name=name())
ROLE_CLONE = obj(metadata=_ROLE_CLONE_METADATA)
