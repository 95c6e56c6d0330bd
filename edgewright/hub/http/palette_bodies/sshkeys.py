"""Request bodies of sshkeys in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import obj, text

_USER_ASSET_SSH_SPEC = obj(publicKey=text(16384))
USER_ASSET_SSH_ENTITY = obj(metadata=META, spec=_USER_ASSET_SSH_SPEC)
USER_ASSET_SSH = obj(metadata=META, spec=_USER_ASSET_SSH_SPEC)
