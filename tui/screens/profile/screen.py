"""One version of a profile: its stack, variables, versions and clusters; beside it what the cursor is on."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult

from edgewright.commands.kernel.base import Scope
from edgewright.store.collections.catalogue.profiles import PROFILES
from tui.frame.base import BaseScreen
from tui.frame.links import open_key
from tui.screens.profile import content
from tui.screens.profile.content import Shown
from tui.screens.profile.reading import ReadsProfiles
from tui.screens.profile.values import layer_lines, variable_lines
from tui.screens.profile.versions import versions_lines
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, blocks

TWO, THREE = 120, 180
MOST_BESIDE = 200
"""Values of a layer in the pane beside the stack."""
LOW = 34
"""Lines of the terminal below which the stack has no lines between its boxes."""


class ProfileScreen(ReadsProfiles, BaseScreen):
    """Shows one version; Enter on a layer, variable or version opens it."""

    scope: ClassVar[Scope] = PROFILES.view
    view = "profile"
    hints = (
        "nav-open=open", "profile-edit", "profile-preview", "profile-diff", "yaml=yaml", "profile-clone",
        "profile-version", "profile-publish", "profile-tag", "profile-export", "profile-delete",
    )  # fmt: skip
    DEFAULT_CSS = """
    ProfileScreen {
        & #facts { width: 1fr; }
        & #side { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        & #more { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #side, &.-wall #side { display: block; }
        &.-wall #more { display: block; }
    }
    """

    def compose_body(self) -> ComposeResult:
        """Yield one column, and two more for wide terminals."""
        yield LineView(id="facts")
        yield LineView(id="side")
        yield LineView(id="more")

    def begin(self) -> None:
        """Give the keyboard to the stack."""
        super().begin()
        self.query_one("#facts").focus()

    @property
    def crumb(self) -> str:
        """Its name and version."""
        shown = self.shown(self.target)
        return shown.row.reference if shown is not None else self.target

    def targets(self) -> tuple[str, ...]:
        """Return this version."""
        return (self.target,)

    def select(self) -> None:
        """Show it as it was read last."""
        if not self.is_there or not self.size.width:
            return
        self.dim()
        facts, side, more = self.views("facts", "side", "more")
        shown = self.shown(self.target)
        width = facts.room or self.size.width
        if shown is None:
            facts.set_lines(self.waiting(self.target, width))
            side.set_lines([])
            more.set_lines([])
        else:
            self._show(shown, (facts, side, more), width)
        self.show_frame()

    def _show(self, shown: Shown, views: tuple[LineView, LineView, LineView], width: int) -> None:
        facts, side, more = views
        low = self.size.height < LOW
        top = [*self.problem(width), *content.headline(shown, width), *content.stack(shown, width, low)]
        rest = [content.variables(shown, width), content.versions(shown, width, self.now)]
        last = [content.clusters(shown, width), content.facts(shown, width, self.now)]
        if self.size.width < THREE:
            parts = [top, content.problems(shown, width), *rest, *last]
            facts.set_lines(blocks(parts))
        else:
            facts.set_lines(blocks([top, content.problems(shown, width), *rest]))
            room = more.room or width - 2
            more.set_lines(blocks([versions_lines(shown, self.versions, room), *(
                content.clusters(shown, room), content.facts(shown, room, self.now)
            )]))  # fmt: skip
        if self.size.width >= TWO:
            side.set_lines(self._side(shown, facts.cursor_key, side.room or width - 2))

    @property
    def versions(self) -> dict[str, Any]:
        """Return the layers of each version, by uid."""
        shown = self.shown(self.target)
        return {each.uid: each.layers for each in shown.versions} if shown is not None else {}

    def _side(self, shown: Shown, key: str, width: int) -> list[Line]:
        kind, _, name = key.partition("/")
        resolved = shown.resolved
        if shown.content is None or resolved is None:
            return self.waiting(self.target, width)
        if kind == "version":
            return versions_lines(shown, self.versions, width, name)
        if kind == "variable":
            variable = next((each for each in shown.content.profile.variables if each.name == name), None)
            return variable_lines(shown.content.profile, variable, width) if variable is not None else []
        layers = resolved.resolution.layers
        layer = resolved.resolution.layer(name) or (layers[-1] if layers else None)
        if layer is None:
            return []
        rows = resolved.origins[layer.layer.key]
        fits = len(rows) < self.query_one("#side", LineView).size.height - 8
        return layer_lines(layer, rows, shown.problems, width, fits, MOST_BESIDE)

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        super().on_resize(event)
        self.call_after_refresh(self.select)

    @on(LineView.Pointed, "#facts")
    def _pointed(self) -> None:
        if self.size.width >= TWO and (shown := self.shown(self.target)) is not None and self.is_there:
            side = self.query_one("#side", LineView)
            side.set_lines(self._side(shown, self.query_one("#facts", LineView).cursor_key, side.room))
            side.scroll_home(animate=False)

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, name = event.key.partition("/")
        if kind in ("layer", "variable"):
            open_key(self.app, f"profile-{kind}/{self.target}/{name}")
        elif kind == "version":
            open_key(self.app, f"profile/{name}")
        elif kind == "cluster":
            open_key(self.app, event.key)

    def action_yaml(self) -> None:
        """Show the profile as it is exported, in YAML."""
        open_key(self.app, f"profile-yaml/{self.target}")

    def action_compare(self) -> None:
        """Compare with the version under the cursor, or that of the cluster there, else with the version before."""
        shown = self.shown(self.target)
        if shown is None:
            return
        views = [view for view in self.query(LineView) if view.has_focus] or [self.query_one("#facts", LineView)]
        kind, _, name = views[0].cursor_key.partition("/")
        if kind == "cluster":  # what the cluster has now comes first, whichever version is the newer one
            present = next((row.uid for row in shown.versions if name in row.clusters), self.target)
            if present != self.target:
                open_key(self.app, f"profile-diff/{present}/{self.target}@{name}")
                return
            name = ""
        compare(self, shown.versions, self.target, name if kind == "version" else "")


def compare(screen: BaseScreen, versions: Any, uid: str, other: str) -> None:
    """Open the comparison of a version with another one, the older first; without one it is the version before."""
    order = [row.uid for row in versions]  # the newest first
    if other in ("", uid):
        place = order.index(uid) + 1 if uid in order else len(order)
        other = order[place] if place < len(order) else next((each for each in order if each != uid), "")
    if not other:
        screen.app.refuse("This profile has one version; there is nothing to compare.")  # type: ignore[attr-defined]
        return
    places = sorted((uid, other), key=lambda each: -order.index(each) if each in order else 0)
    open_key(screen.app, f"profile-diff/{places[0]}/{places[1]}")
