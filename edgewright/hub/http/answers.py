"""Shapes of answers that several resources of the hub's own API (`/edgewright/v1`) have, for its description.

Nothing is checked by shapes of answers at run time; tests compare each with what a running hub sends.
"""

from __future__ import annotations

from edgewright.hub.http.shapes import Shape, many, obj, text

MADE = obj(uid=text())


def items(shape: Shape) -> Shape:
    """Return the shape of a list that is not paged."""
    return obj(items=many(shape))
