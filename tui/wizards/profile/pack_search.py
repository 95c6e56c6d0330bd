"""The search for a pack: what the plane has in its catalogue and its registries, and what each of them brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from edgewright.core.profiles.model import LAYER_NAMES
from tui.modals.base import DecisionModal
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, cut, line, pad, wrap
from tui.wizards.profile import content

MOST = 200
"""Packs that are listed; more words narrow it."""


class PackSearch(DecisionModal[str]):
    """Returns the uid of a pack, None when left. Words narrow the list: name, title, registry, version, layer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, id="form-next"),
        Binding("up", "move(-1)", show=False, id="form-previous"),
        Binding("pagedown", "move(8)", show=False, id="modal-page-down"),
        Binding("pageup", "move(-8)", show=False, id="modal-page-up"),
    ]
    DEFAULT_CSS = """
    PackSearch {
        & > #box { width: 96%; max-width: 130; height: 90%; }
        & #words { height: 1; border: none; padding: 0; background: $panel; margin-bottom: 1; }
        & #packs { width: 1fr; height: 1fr; }
        & #brings { width: 1fr; height: 1fr; margin-left: 2; }
        & #panes { height: 1fr; }
        &.-narrow #panes { layout: vertical; }
        &.-narrow #brings { height: 8; width: 100%; margin-left: 0; border-top: solid $muted; }
        &.-narrow #packs { width: 100%; }
    }
    """

    def __init__(self, offers: Sequence[Any], kind: str = "") -> None:
        """Offer packs, those of a layer when `kind` is given."""
        super().__init__()
        layer = f": {LAYER_NAMES[kind]}" if kind in LAYER_NAMES else ""
        self.title_text = f" Choose a pack{layer} "
        self.keys_text = "enter choose  ↑↓ move  type to search  esc cancel"
        order = list(LAYER_NAMES)
        known = [offer for offer in offers if kind in ("", offer.layer)]
        self._offers = sorted(known, key=lambda offer: (order.index(offer.layer), offer.name.casefold()))

    def compose_body(self) -> ComposeResult:
        """Yield the words, the list, and what the pack under the cursor brings."""
        query = Input(id="words", placeholder="words: name, registry, version, layer", compact=True)
        query.cursor_blink = False
        yield query
        with Horizontal(id="panes"):
            listing = LineView(id="packs")
            listing.can_focus = False
            listing.marks_cursor = True
            yield listing
            brings = LineView(id="brings")
            brings.can_focus = False
            yield brings

    def on_mount(self) -> None:
        """Show all; the keyboard is in the words."""
        self.set_class(self.app.size.width < 110, "-narrow")
        self.query_one("#words", Input).focus()
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        """Show it in the new width."""
        self.set_class(self.app.size.width < 110, "-narrow")
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if not self.is_there:
            return
        wanted = self.query_one("#words", Input).value.lower().split()
        matches = [offer for offer in self._offers if all(part in offer.search_text for part in wanted)]
        listing = self.query_one("#packs", LineView)
        width = max(listing.room, 20)
        name = min(max((len(offer.name) for offer in matches[:MOST]), default=8), max(width - 26, 10))
        lines = [_row(offer, name, width) for offer in matches[:MOST]]
        if len(matches) > MOST:
            lines.append(line((f"  and {len(matches) - MOST} more: add words", "muted")))
        listing.set_lines(lines or self._nothing(width))
        self._show_brings()

    def _nothing(self, width: int) -> list[Line]:
        text = "No pack matches. Of a registry without a list: edgewright pack import NAME:VERSION --registry REGISTRY"
        return wrap(text, width, role="muted")

    def _show_brings(self) -> None:
        view = self.query_one("#brings", LineView)
        offer = next((item for item in self._offers if item.uid == self._current), None)
        view.set_lines(content.offer_lines(offer, max(view.room, 20)) if offer is not None else [])
        view.scroll_to(y=0, animate=False)

    @property
    def _current(self) -> str:
        return self.query_one("#packs", LineView).cursor_key

    @on(Input.Changed, "#words")
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    @on(Input.Submitted, "#words")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._current:
            self.dismiss(self._current)

    @on(LineView.Pointed, "#packs")
    def _pointed(self) -> None:
        self._show_brings()

    @on(LineView.Chosen, "#packs")
    def _chosen(self, event: LineView.Chosen) -> None:
        self.dismiss(event.key)

    def action_move(self, step: int) -> None:
        """Move in the list; the keyboard stays in the words."""
        listing = self.query_one("#packs", LineView)
        for _ in range(abs(step)):
            listing.action_move(1 if step > 0 else -1)


def _row(offer: Any, name: int, width: int) -> Line:
    mark = "‼" if offer.mark and not offer.mark.startswith("deployed") else " "
    text = line((mark, "warn"), " ", (pad(offer.name, name), "strong"), f"  {pad(offer.version, 9)}", key=offer.uid)
    room = max(width - text.width - 2, 0)
    rest = offer.registry if room < 40 else f"{pad(LAYER_NAMES[offer.layer], 14)}  {offer.registry}"
    return line(*text.spans, (f"  {cut(rest, room)}", "muted"), key=offer.uid)
