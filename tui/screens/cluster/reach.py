"""How the API of a cluster is reached, as lines: what the plane measured, and what was measured on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.store.collections.catalogue.measured import Look
from tui.frame.ages import age_of
from tui.frame.document_values import UNKNOWN, text, when
from tui.widgets.lines import Line, Piece, Role, spread, wrap

OURS = "status.edgewright"
_WAYS = (("direct", "direct"), ("ssh", "by SSH"), ("relay", "by the relay of the plane"))
_REACH: Mapping[str, tuple[str, Role, str]] = {
    "yes": ("•", "ok", "reached"),
    "no": ("▬", "parked", "not reached"),
    "open": ("○", "muted", "answers"),
}


def reach_lines(doc: Mapping[str, Any], ways: Mapping[str, Look], now: float, width: int) -> list[Line]:
    """Return which ways to the API were measured, and what came of them; nothing from a plane that measures none."""
    out: list[Line] = []
    for way, named in _WAYS:
        look = ways.get(way)
        state = look.state if look is not None else text(doc, f"{OURS}.reach.{way}.state")
        if state == UNKNOWN:
            continue
        sign, role, word = _REACH.get(state, ("○", "muted", UNKNOWN))
        since = age_of(look.since if look is not None else when(doc, f"{OURS}.reach.{way}.since"), now)
        word += f", measured {age_of(look.at, now)} ago" if look is not None else ""
        left: list[Piece] = [(f"{sign} ", role), f"{named} ", (word, "muted")]
        out.append(spread(left, [(since, "muted")] if since != UNKNOWN else [], width))
        error = (look.error or UNKNOWN) if look is not None else text(doc, f"{OURS}.reach.{way}.error")
        if error != UNKNOWN and state in ("no", "open"):
            out += wrap(error, width, "    ", "    ", role="muted")
    return out
