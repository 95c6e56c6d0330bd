"""One layer of a profile: each value with where it came from; and the variables of a profile in full."""

from __future__ import annotations

from typing import ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from tui.frame.links import open_key
from tui.frame.pager.pager import ReaderScreen
from tui.screens.profile.reading import ReadsProfiles
from tui.screens.profile.values import layer_lines, variable_lines
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line


class _Part(ReaderScreen, ReadsProfiles):
    """A part of a profile; `target` is `UID/NAME`."""

    hints: ClassVar[tuple[str, ...]] = ("filter=search", "nav-search-next=next hit", "retry=read again")

    @property
    def part(self) -> str:
        """Return the name of the part."""
        return self.target.partition("/")[2]

    def lines(self, width: int) -> list[Line]:
        """Return what is shown of a profile that was read."""
        return []

    def text_lines(self, width: int) -> list[Line]:
        """Return the part, or what is waited for."""
        return self.waiting(self.uids[0], width) or [*self.problem(width), *self.lines(width)]

    def select(self) -> None:
        """Show it as it was read last."""
        self.dim()
        ReaderScreen.select(self)


class ProfileLayerScreen(_Part):
    """Shows the values of one layer with their origin: first those that are not as in the pack."""

    scope: ClassVar[Scope] = "profile-layer"
    view = "profile-layer"
    hints = ("profile-all=all values", *_Part.hints)
    BINDINGS = move_bindings({"profile-all": "everything"})
    _everything = False

    @property
    def crumb(self) -> str:
        """The name of the layer."""
        return self.part

    def lines(self, width: int) -> list[Line]:
        """Return the values of the layer."""
        shown = self.shown(self.uids[0])
        resolved = shown.resolved if shown is not None else None
        layer = resolved.resolution.layer(self.part) if resolved is not None else None
        if resolved is None or layer is None:
            return [line(("○ ", "muted"), f"This version has no layer {self.part} any more.")]
        everything = self._everything
        rows, problems = resolved.origins[self.part], resolved.problems
        size = len(layer.values.source.text)
        return self.made(
            layer, (width, everything), size, lambda: layer_lines(layer, rows, problems, width, everything)
        )

    def action_everything(self) -> None:
        """Show or leave out the values that are as in the pack."""
        self._everything = not self._everything
        self.select()


class ProfileVariablesScreen(_Part):
    """Shows the variables of a version in full, with every place that refers to each."""

    view = "profile-variable"
    hints = ("nav-open=layer", *_Part.hints)

    @property
    def crumb(self) -> str:
        """What is shown."""
        return "variables"

    def lines(self, width: int) -> list[Line]:
        """Return all variables; the cursor begins on the one that was chosen."""
        shown = self.shown(self.uids[0])
        if shown is None or shown.content is None:
            return []
        profile = shown.content.profile
        order = sorted(profile.variables, key=lambda each: each.name != self.part)
        out: list[Line] = []
        for variable in order:
            out += [*([Line()] if out else []), *variable_lines(profile, variable, width)]
        return out or [line(("○ ", "muted"), "This version has no variables.")]

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, name = event.key.partition("/")
        open_key(self.app, f"profile-{kind}/{self.uids[0]}/{name}")
