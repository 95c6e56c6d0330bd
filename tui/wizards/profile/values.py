"""The page of values: the editor of one layer after the other, with hints of its schema, problems and presets."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.model import LAYER_NAMES, Layer
from edgewright.core.profiles.problems import ERROR
from tui.frame.fetch import sentence
from tui.modals.choose import ChooseModal
from tui.widgets.frame import FrameLine
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line, line, spread
from tui.widgets.values_editor.editor import ValuesEditor
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import LAYERS, VARIABLES

if TYPE_CHECKING:
    from edgewright.core.packs.pack import Pack

LARGEST = 1_000_000
"""Characters of values that the editor takes; larger ones are edited as a file."""
CALM = 0.25
"""Seconds without a key after which the values are taken and checked."""


class ValuesPage(PageBody):
    """The editor. Its text is taken a moment after the last key; whoever leaves the page takes it at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+n", "layer(1)", "Next layer", show=False, id="values-layer-next", priority=True),
        Binding("f5,ctrl+p", "layer(-1)", "Layer before", show=False, id="values-layer-previous", priority=True),
        Binding("f7,ctrl+g", "problem", "Next problem", show=False, id="values-problem", priority=True),
        Binding("f8", "choose", "Presets", show=False, id="values-presets", priority=True),
    ]
    DEFAULT_CSS = """
    ValuesPage {
        & #values-head { height: 1; }
        & #values { height: 1fr; }
    }
    """

    def compose(self) -> ComposeResult:
        """Yield the name of the layer and the editor."""
        self._shown = -1
        self._pending = False
        yield FrameLine(id="values-head")
        yield ValuesEditor(id="values", most=LARGEST)

    @property
    def editor(self) -> ValuesEditor:
        """Return the editor."""
        return self.query_one("#values", ValuesEditor)

    @property
    def current(self) -> Layer:
        """Return the layer whose values are shown."""
        return self.state.layers[self.state.layer]

    def begin(self, last: bool = False) -> None:
        """Show the values of the layer in front."""
        self._load()
        self.editor.focus()
        self.show()

    def _load(self) -> None:
        layer = self.current
        pack = self.state.pack(layer)
        text = layer.values or (pack.values if pack is not None else "")
        self._shown = self.state.layer
        too_large = len(text) > LARGEST
        self.editor.read_only = too_large
        self.editor.load_text("" if too_large else text)
        if too_large:
            size = f"{len(text) / 1024**2:.1f} MB"
            where = "w writes the profile as files; edit values.yaml there"
            self.wizard.announce(f"The values of {layer.key} are too large for the editor ({size}): {where}.", "warn")

    def go_to(self, row: int) -> None:
        """Put the cursor on a line, from 0."""
        self.editor.go_to(row)

    def show(self) -> None:
        """Show the name of the layer and mark the lines with problems."""
        if not self.state.layers:
            return
        layer = self.current
        marks: dict[int, str] = {}
        for problem in self.state.value_problems(layer):
            row = problem.line - 1
            if row >= 0 and (problem.severity == ERROR or row not in marks):
                marks[row] = problem.severity
        self.editor.set_marks(marks)
        wrong = content.counted(self.state.value_problems(layer))
        kind = LAYER_NAMES.get(layer.kind, layer.kind)
        place = f"layer {len(self.state.layers) - self.state.layer} of {len(self.state.layers)}"
        head = spread(
            [(f"{layer.key} {layer.pack_version}", "strong"), (f"  {kind}, {place}", "muted")],
            [(wrong, "bad" if "error" in wrong else "warn")] if wrong else [],
            max(self.size.width - 1, 10),
        )
        self.query_one("#values-head", FrameLine).set_line(head)

    # Typing ---------------------------------------------------------------------------------------------------------

    @on(TextArea.Changed, "#values")
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self._pending and not self.editor.read_only:
            self._pending = True
            self.set_timer(CALM, self._calm)

    def _calm(self) -> None:
        """Take the text when no key came for a moment."""
        if self.is_attached and self._pending:
            self.store()

    @on(ValuesEditor.Moved, "#values")
    def _moved(self) -> None:
        self.wizard.show_hint()  # what is beside the editor stays: its README has many lines

    @on(ValuesEditor.TooLarge)
    def _too_large(self) -> None:
        limit = f"{LARGEST // 1_000_000} MB"
        text = f"Not inserted: the values would be larger than {limit}, which the editor does not take."
        self.wizard.announce(text, "warn")

    def store(self) -> None:
        """Take the text into the layer, and let it be checked."""
        self._pending = False
        if self._shown != self.state.layer or self.editor.read_only or not self.state.layers:
            return
        layer, text = self.current, self.editor.text
        pack = self.state.pack(layer)
        if text == (layer.values or (pack.values if pack is not None else "")):
            return
        self.state.replace_layer(self.state.layer, dataclasses.replace(layer, values=text))
        self.wizard.changed()
        if not text.strip() and pack is not None and pack.values.strip():
            self.wizard.announce("Values that are empty are those of the pack.", "info")

    # Layers, problems, presets ----------------------------------------------------------------------------------------

    async def action_layer(self, step: int) -> None:
        """Go to the layer above (the next one) or below; from the top one to the variables, from the lowest back."""
        self.store()
        other = self.state.layer + step
        if 0 <= other < len(self.state.layers):
            self.state.layer = other
            self._load()
            self.show()
            self.wizard.refresh_around()
        else:
            await self.wizard.open_page(VARIABLES if step > 0 else LAYERS)

    def action_problem(self) -> None:
        """Go to the next line with a problem, from the last one to the first."""
        rows = sorted({problem.line - 1 for problem in self.state.value_problems(self.current) if problem.line})
        if not rows:
            self.wizard.announce("No line of these values has a problem.", "info")
            return
        self.editor.go_to(next((row for row in rows if row > self.editor.row), rows[0]))

    def action_choose(self) -> None:
        """Offer the presets of the pack."""
        self.store()
        layer = self.current
        pack = self.state.pack(layer)
        if pack is None or not pack.presets:
            self.wizard.announce(f"The pack {layer.name} has no presets.", "info")
            return
        lines = [
            line(
                ("■ " if preset.name in layer.presets else "  ", "ok"),
                preset.display_name or preset.name,
                (f"  {preset.group}" if preset.group else "", "muted"),
                key=preset.name,
            )
            for preset in pack.presets
        ]
        self.app.push_screen(ChooseModal(f"Presets of {layer.name}", lines), self._preset)

    def _preset(self, name: str | None) -> None:
        layer = self.current
        pack = self.state.pack(layer)
        if name is None or pack is None:
            return
        self.wizard.run_task(f"Applying the preset {name}", lambda: self._apply(layer, pack, name))

    async def _apply(self, layer: Layer, pack: Pack, name: str) -> None:
        """Merge a preset into the values in a thread: comments are read with them, which takes its time."""
        before = self.editor.text
        try:
            text = await asyncio.to_thread(self.api.with_preset, before, pack, name)
        except InvalidInput as wrong:
            self.wizard.announce(f"The preset is not applied: {sentence(wrong)}", "warn")
            return
        if not self.is_attached or self.editor.text != before or self.current.key != layer.key:
            self.wizard.announce("The values were changed meanwhile; apply the preset again.", "warn")
            return
        group = next(preset.group for preset in pack.presets if preset.name == name)
        other = {preset.name for preset in pack.presets if group and preset.group == group}
        chosen = (*(item for item in layer.presets if item not in other and item != name), name)
        self.editor.put(text)
        self.state.replace_layer(self.state.layer, dataclasses.replace(self.current, values=text, presets=chosen))
        self.wizard.changed()
        self.wizard.announce(f"Preset {name} is applied to the values; ctrl+z takes it back.", "info")

    # Around ---------------------------------------------------------------------------------------------------------

    def hint(self, width: int) -> list[Line]:
        """Return what is known of the value under the cursor."""
        if not self.state.layers:
            return []
        return content.value_lines(self.state, self.current, self.editor.path, self.editor.row, width)

    def side(self, width: int) -> list[Line]:
        """Return all problems of the layer, its presets, and what its schema restricts."""
        if not self.state.layers:
            return []
        return content.values_side(self.state, self.current, width)

    def keys(self) -> list[KeyHint]:
        """Return the keys of the editor."""
        key = self.wizard.key_hint
        problems = [problem for problem in self.state.value_problems(self.current) if problem.line]
        pack = self.state.pack(self.current)
        return [
            KeyHint("esc", "layers"),
            *key("values-layer-next", "next layer" if self.state.layer + 1 < len(self.state.layers) else "variables"),
            *(key("values-problem", "next problem") if problems else ()),
            *(key("values-presets", "presets") if pack is not None and pack.presets else ()),
            KeyHint("ctrl+z", "undo"),
        ]
