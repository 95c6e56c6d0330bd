"""The screen of the profile wizard around its pages: question, body, hint, and what is beside them on a wide screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from edgewright.core.profiles.model import Layer
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, clip_line, line
from tui.wizards.parts.frame import WizardFrame
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import VALUES
from tui.wizards.profile.wizard_state import ProfileState

HINT = 3
"""Lines for what explains the thing under the cursor."""


class ProfileWizardPage(WizardFrame):
    """What the wizard shows. Its pages ask it for what only the wizard may do."""

    DEFAULT_CSS = """
    ProfileWizardPage {
        & #side { display: none; width: 1fr; border-left: solid $muted; padding-left: 1; }
        &.-wide.-sided #side { display: block; }
        &.-wide.-sided #left { width: 2fr; }
        &.-tiny #hint { display: none; }
    }
    """

    def __init__(self, session: Session, target: str = "") -> None:
        super().__init__(session, target)
        self.wizard_state = ProfileState()
        self.api: Any = None
        """`edgewright.commands.profile.wizard_api`: it takes a moment to be imported, so a thread does it."""
        self.plane: Any = None
        """Packs, profiles and macros of the plane; None while they are not known."""
        self.body: PageBody | None = None

    def compose_body(self) -> ComposeResult:
        """Yield question, page and hint; beside them details on a wide screen."""
        with Horizontal():
            with Vertical(id="left"):
                yield FrameLine(id="question")
                yield Vertical(id="page")
                yield LineView(id="hint")
            yield LineView(id="side")

    # What pages ask for ----------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Return whether something is under way that escape stops."""
        return bool(self._doing)

    @property
    def macros(self) -> Mapping[str, Any]:
        """Return the macros that the profile can refer to."""
        return self.plane.macros if self.plane is not None else {}

    def versions_of(self, name: str) -> list[str]:
        """Return the versions of a profile that the plane has."""
        rows = self.plane.profiles if self.plane is not None else ()
        return [row.version for row in rows if row.name == name]

    def offer_of(self, layer: Layer) -> Any:
        """Return what the plane has of the pack of a layer: this version, else any other one; None without any."""
        offers = [item for item in (self.plane.offers if self.plane is not None else ()) if item.name == layer.name]
        here = [item for item in offers if layer.registry.name in ("", item.registry)] or offers
        return next((item for item in here if item.version == layer.pack_version), here[0] if here else None)

    def store_refusal(self) -> str:
        """Return why nothing can be stored, one sentence; "" when it can."""
        if self.session.read_only:
            return "This session is read-only, so nothing is stored. Leave read-only mode: ctrl+o; or write it: w."
        if self.session.role not in ("", "admin"):
            role = self.session.role
            return f"This credential has the role {role}; storing a profile needs the role admin. w writes it as files."
        return ""

    def on_descendant_focus(self) -> None:
        """Show the keys again: a field takes letters, a list does not."""
        self.show_keys()

    def run_task(self, text: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something that takes its time, unless something else is under way."""
        if not self._doing:
            super().run_task(text, do)

    # The frame -------------------------------------------------------------------------------------------------------

    def steps(self, width: int) -> Line:
        """Return the line of steps."""
        return content.steps_line(self.wizard_state, width)

    def refresh_page(self) -> None:
        """Show everything as it is now."""
        if not self.is_there or not self.size.width:
            return
        if self.body is not None:
            self.body.show()
        self.refresh_around()

    def refresh_around(self) -> None:
        """Show what is around the body: question, hint, details, keys."""
        if not self.is_there or not self.size.width:
            return
        page = self.wizard_state.page
        question = page.question if page is not None else "Is this what you want?"
        if page is not None and page.key == VALUES and self.wizard_state.layers:
            question = f"What are the values of {self.wizard_state.layers[self.wizard_state.layer].key}?"
        self.query_one("#question", FrameLine).set_line(line((question, "strong")))
        side = self.query_one("#side", LineView)
        lines = self.body.side(max(side.room - 1, 20)) if self.body is not None and self.has_class("-wide") else []
        self.set_class(bool(lines), "-sided")
        side.can_focus = False
        side.set_lines(lines)
        self.show_hint()
        self.show_frame()

    def show_hint(self) -> None:
        """Show what explains the thing under the cursor, or what is under way."""
        width = max(self.query_one("#left").size.width - 1, 8)
        lines = [self.doing_line()] if self._doing else self.body.hint(width) if self.body is not None else []
        hint = self.query_one("#hint", LineView)
        hint.can_focus = False
        hint.set_lines([clip_line(item, width) for item in lines[:HINT]])

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the page, and those of every page."""
        if self._doing:
            return [KeyHint("esc", "stop")]
        own = self.body.keys() if self.body is not None else [KeyHint("esc", "back")]
        key = self.key_hint
        return [*own, *key("wizard-whole", "files"), *key("wizard-write", "write"), *key("wizard-why", "explanation")]
