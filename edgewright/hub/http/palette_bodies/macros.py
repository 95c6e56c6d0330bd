"""Request bodies of macros in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.shapes import many, name, obj, text

_MACRO = obj(name=name(), value=text())
MACROS = obj(macros=many(_MACRO))
