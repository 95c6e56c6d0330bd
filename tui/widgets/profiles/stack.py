"""A cluster profile drawn as a stack: the operating system at the bottom, add-ons on top, a box for each kind.

┌──────────────────────────────────────────────────┐
│ add-on      metrics-server   3.13.0    1 variable │
│             podinfo          6.9.1                │
├──────────────────────────────────────────────────┤
│ storage     none                         optional │
...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from edgewright.core.profiles.checks import NEEDED
from tui.widgets.lines import Line, Piece, Role, Span, clip_line, cut, line, pad

TITLES: Final = {"os": "OS", "k8s": "Kubernetes", "cni": "network", "csi": "storage", "addon": "add-on"}
"""Kinds of layers from the bottom to the top, with what is in the first column."""
TITLE_WIDTH: Final = 10
LEAST: Final = 34
"""Cells of a line from which versions are shown in a column of their own."""


class StackLayer(NamedTuple):
    """One layer. `key` is that of its line; `note` is at the right edge and gives way first; `sign` is in front."""

    kind: str
    name: str
    version: str = ""
    note: str = ""
    key: str = ""
    sign: Span = Span(" ")
    role: Role = ""


def missing_layer(kind: str, key: str = "") -> StackLayer:
    """Return the line of a kind without a layer: marked where a cluster needs one, storage is optional."""
    if kind in NEEDED:
        return StackLayer(kind, "", key=key)
    return StackLayer(kind, "none", note="optional", key=key, role="muted")


def stack_lines(
    layers: Sequence[StackLayer], width: int, needed: Sequence[str] = (), low: bool = False, role: Role = "muted"
) -> list[Line]:
    """Return the stack in `width` cells, the top first. `layers` are from the bottom, add-ons in their order.

    A kind of `needed` without a layer has the line of `missing_layer`. With `low` there are no lines between the boxes.
    """
    present = {layer.kind for layer in layers}
    layers = [*layers, *(missing_layer(kind) for kind in needed if kind not in present)]
    order = list(TITLES)
    kinds = [kind for kind in order if any(layer.kind == kind for layer in layers)]
    kinds += [layer.kind for layer in layers if layer.kind not in order]
    inner = max(width - 4, 12)
    widths = _widths(layers, inner)
    out = [_edge("┌", "┐", inner, role)]
    for number, kind in enumerate(reversed(list(dict.fromkeys(kinds)))):
        if number and not low:
            out.append(_edge("├", "┤", inner, role))
        title = TITLES.get(kind, kind)
        members = [layer for layer in reversed(layers) if layer.kind == kind]
        for layer in members:
            out.append(_layer(layer, title, widths, inner, role))
            title = ""
    return [*out, _edge("└", "┘", inner, role)]


def _widths(layers: Sequence[StackLayer], inner: int) -> tuple[int, int, int]:
    """Return the cells of name, version and note; the note gives way, then the version is cut."""
    room = inner - TITLE_WIDTH - 3
    name = max((len(layer.name) for layer in layers), default=4)
    version = max((len(layer.version) for layer in layers), default=0)
    note = max((len(layer.note) for layer in layers), default=0)
    if inner < LEAST:
        return max(room, 1), 0, 0
    version = min(version, max(room // 3, 7))
    name = min(name, max(room - version - 2, 1))
    left = room - name - version - 2
    return name, version, note if note and left >= note + 2 else 0


def _layer(layer: StackLayer, title: str, widths: tuple[int, int, int], inner: int, role: Role) -> Line:
    name, version, note = widths
    if not layer.name:
        missing: list[Piece] = [("▲ ", "warn"), (pad(title, TITLE_WIDTH), "muted"), " ", ("no layer", "warn")]
        return _boxed(missing, inner, layer.key, role)
    sign = layer.sign if layer.sign.text.strip() else Span(" ")
    pieces: list[Piece] = [sign, " ", (pad(title, TITLE_WIDTH), "muted"), " "]
    pieces.append((pad(cut(layer.name, name), name), layer.role or "strong"))
    if version:
        pieces += ["  ", pad(cut(layer.version, version), version)]
    if note:
        taken = line(*pieces).width
        pieces.append((pad(layer.note, max(inner - taken, 0), right=True), "muted"))
    return _boxed(pieces, inner, layer.key, role)


def _boxed(pieces: Sequence[Piece], inner: int, key: str, role: Role) -> Line:
    content = clip_line(line(*pieces), inner)
    fill = " " * max(inner - content.width, 0)
    return Line((Span("│ ", role), *content.spans, Span(fill), Span(" │", role)), key)


def _edge(left: str, right: str, inner: int, role: Role) -> Line:
    return line((left + "─" * (inner + 2) + right, role))
