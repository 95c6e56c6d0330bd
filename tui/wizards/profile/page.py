"""The screen of the profile wizard around its pages: question, body, hint, and what is beside them on a wide screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from edgewright.core.profiles.model import Layer
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line
from tui.wizards.parts.paged import PagedWizard
from tui.wizards.parts.writing import store_refusal
from tui.wizards.profile import content
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.pages import VALUES
from tui.wizards.profile.wizard_state import ProfileState


class ProfileWizardPage(PagedWizard):
    """What the wizard shows. Its pages ask it for what only the wizard may do."""

    written = "files"
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
        return store_refusal(self.session, "stored", "storing a profile", "writes it as files")

    # The frame -------------------------------------------------------------------------------------------------------

    def steps(self, width: int) -> Line:
        """Return the line of steps."""
        return content.steps_line(self.wizard_state, width)

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
