"""The page of layers: the stack, packs to choose from, other versions, the order of add-ons."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.core.errors import NotFound
from edgewright.core.profiles.model import ADDON_LAYER, K8S, LAYER_NAMES, Layer, Registry
from tui.modals.choose import ChooseModal
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap
from tui.wizards.parts.list import PageList
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pack_search import PackSearch
from tui.wizards.profile.pages import VALUES
from tui.wizards.profile.wizard_state import pack_key


class LayersPage(PageBody):
    """The stack with a cursor. Enter on a layer opens its values, on a missing one the search for a pack."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "add", "Add", show=False, id="wizard-add"),
        Binding("x,delete", "remove", "Remove", show=False, id="wizard-remove"),
        Binding("o,f8", "choose", "Version", show=False, id="wizard-choose"),
        Binding("K,shift+up", "shift(1)", "Up", show=False, id="wizard-earlier"),
        Binding("J,shift+down", "shift(-1)", "Down", show=False, id="wizard-later"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the stack."""
        yield PageList(id="stack")

    @property
    def _view(self) -> LineView:
        return self.query_one("#stack", LineView)

    def begin(self, last: bool = False) -> None:
        """Point at the layer that was in front."""
        self.show()
        if not self.state.layers or not self._view.point_at(f"layer/{self.state.layer}"):
            self._view.point_at("add/os" if self.state.needed() else f"add/{ADDON_LAYER}")
        self._view.focus()

    def show(self) -> None:
        """Draw the stack."""
        width = max(self._view.room or self.size.width - 1, 20)
        kinds = {layer.kind for layer in self.state.layers}
        rows = len(self.state.layers) + sum(kind not in kinds for kind in self.state.needed())
        low = self.size.height < 2 * rows + 2
        self._view.set_lines(content.layers_lines(self.state, min(width, 100), low))

    @property
    def _place(self) -> int:
        kind, _, rest = self._view.cursor_key.partition("/")
        return int(rest) if kind == "layer" else -1

    @on(LineView.Pointed, "#stack")
    def _pointed(self) -> None:
        if self._place >= 0:
            self.state.layer = self._place
        self.wizard.refresh_around()

    @on(LineView.Chosen, "#stack")
    async def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, rest = event.key.partition("/")
        if kind == "add":
            self._search(rest)
        elif self._place >= 0:
            self.state.layer = self._place
            await self.wizard.open_page(VALUES)

    def action_add(self) -> None:
        """Look for a pack for the place under the cursor: a missing layer, else an add-on."""
        kind, _, rest = self._view.cursor_key.partition("/")
        self._search(rest if kind == "add" else "")

    def _search(self, kind: str) -> None:
        plane = self.wizard.plane
        if self.wizard.busy:
            return
        if plane is None:
            self.wizard.plane_missing("The packs of the plane are not known yet.")
            return
        offers = [offer for offer in plane.offers if offer.layer in LAYER_NAMES]
        self.app.push_screen(PackSearch(offers, kind), self._take_pack)

    def _take_pack(self, uid: str | None) -> None:
        offer = (
            next((item for item in self.wizard.plane.offers if item.uid == uid), None) if self.wizard.plane else None
        )
        if offer is None:
            return
        refused = self.state.refusal(offer.layer)
        if refused:
            self.wizard.announce(refused, "warn")
            return
        self.wizard.run_task(f"Fetching {offer.name} {offer.version}", lambda: self._add(offer))

    async def _add(self, offer: Any) -> None:
        pack = await self.api.pack(self.wizard.plane_context(), offer.uid)
        registry = Registry(name=offer.registry, uid=offer.registry_uid, kind="pack")
        layer = Layer(
            pack.name, pack.layer, pack.version, pack.tag, pack.kind, pack.values, registry=registry, pack_uid=offer.uid
        )
        twice = sum(1 for item in self.state.layers if item.name == layer.name)
        if twice:
            display = f"{layer.name}-{twice + 1}"
            values = await asyncio.to_thread(self.api.named_apart, layer.values, display)
            layer = dataclasses.replace(layer, values=values, display=display)
        self.state.packs[pack_key(layer)] = pack
        self.state.layer = self.state.add(layer)
        self.wizard.changed()
        self.show()
        self._view.point_at(f"layer/{self.state.layer}")
        if pack.proven in ("not-proven", "not-deployed"):
            self.wizard.announce(f"{pack.name} {pack.version}: {offer.mark}.", "warn")

    def action_remove(self) -> None:
        """Remove the layer under the cursor."""
        place = self._place
        if place >= 0:
            removed = self.state.layers[place]
            self.state.remove(place)
            self.wizard.changed()
            self.show()
            self.wizard.announce(f"Layer {removed.key} removed.", "info")

    def action_shift(self, step: int) -> None:
        """Move the add-on under the cursor up or down."""
        place = self._place
        if place >= 0:
            self.state.layer = self.state.move(place, step)
            self.wizard.changed()
            self.show()
            self._view.point_at(f"layer/{self.state.layer}")

    def action_choose(self) -> None:
        """Offer the versions of the pack under the cursor."""
        place = self._place
        if self.wizard.busy:
            return
        if place < 0:
            self.action_add()
            return
        layer = self.state.layers[place]
        offer = self.wizard.offer_of(layer)
        if offer is None:
            self.wizard.announce(
                f"The plane does not have the pack {layer.name}; import it, or add its registry.", "warn"
            )
            return
        self.wizard.run_task(f"Reading the versions of {layer.name}", lambda: self._versions(place, layer, offer))

    async def _versions(self, place: int, layer: Layer, offer: Any) -> None:
        versions = await self.api.versions(self.wizard.plane_context(), offer)
        if not versions:
            raise NotFound(f"The registry {offer.registry} has no version of {layer.name}.", "Choose another pack.")
        lines = [line(item.version, key=item.uid) for item in versions]
        current = next((item.uid for item in versions if item.version == layer.pack_version), "")

        def chosen(uid: str | None) -> None:
            if uid and uid != current:
                self.wizard.run_task(f"Fetching {layer.name}", lambda: self._take_version(place, layer, uid))

        self.app.push_screen(ChooseModal(f"Version of {layer.name}", lines, current), chosen)

    async def _take_version(self, place: int, layer: Layer, uid: str) -> None:
        pack = await self.api.pack(self.wizard.plane_context(), uid)
        before = self.state.pack(layer)
        own = bool(layer.values) and (before is None or layer.values != before.values)
        values = layer.values if own else pack.values
        changed = dataclasses.replace(layer, version=pack.version, tag=pack.tag, values=values, pack_uid=uid)
        self.state.packs[pack_key(changed)] = pack
        self.state.replace_layer(place, changed)
        self.wizard.changed()
        self.show()
        if own:
            text = f"{layer.name} is {pack.version} now; the values stay as you wrote them, and are checked with it."
            self.wizard.announce(text, "info")

    def hint(self, width: int) -> list[Line]:
        """Describe the layer under the cursor."""
        if self._place >= 0:
            layer = self.state.layers[self._place]
            return content.layer_lines(self.state, layer, self.wizard.offer_of(layer), width)
        kind = self._view.cursor_key.partition("/")[2]
        if kind == ADDON_LAYER:
            return wrap("Any number of add-ons: monitoring, ingress, your applications.", width, role="muted")
        needed = "A cluster needs one." if kind != "csi" else "Optional: volumes for applications."
        also = " Its version is that of the cluster." if kind == K8S else ""
        return wrap(f"{LAYER_NAMES.get(kind, kind)}: enter looks for a pack. {needed}{also}", width, role="muted")

    def keys(self) -> list[KeyHint]:
        """Return the keys of the layer under the cursor."""
        key = self.wizard.key_hint
        if self._place < 0:
            return [KeyHint("enter", "choose a pack"), KeyHint("pgdn", "next"), KeyHint("esc", "back")]
        layer = self.state.layers[self._place]
        same = sum(1 for item in self.state.layers if item.kind == layer.kind)
        return [
            KeyHint("enter", "values"),
            *key("wizard-add", "add"),
            *key("wizard-choose", "version"),
            *key("wizard-remove", "remove"),
            *(key("wizard-earlier", "up") if same > 1 else ()),
            KeyHint("pgdn", "next"),
            KeyHint("esc", "back"),
        ]
