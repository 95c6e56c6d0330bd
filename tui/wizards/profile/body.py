"""What all pages of the profile wizard share: a body between question and hint that talks to its wizard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import BindingType
from textual.containers import Vertical

from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line

if TYPE_CHECKING:
    from tui.wizards.profile.page import ProfileWizardPage
    from tui.wizards.profile.wizard_state import ProfileState


class PageBody(Vertical):
    """The body of one page. It changes the state and asks its wizard for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = "PageBody { height: 1fr; width: 1fr; }"

    @property
    def wizard(self) -> ProfileWizardPage:
        """Return the wizard that this is a page of."""
        return cast("ProfileWizardPage", self.screen)

    @property
    def state(self) -> ProfileState:
        """Return what the wizard knows."""
        return self.wizard.wizard_state

    @property
    def api(self) -> Any:
        """Return what may be asked: `edgewright.commands.profile.wizard_api`."""
        return self.wizard.api

    def begin(self, last: bool = False) -> None:
        """Give the keyboard to what the page begins with."""

    def show(self) -> None:
        """Show everything as it is now: after a check, a change, another size."""

    def store(self) -> None:
        """Take what is typed into the profile: the page is left, or stored."""

    def refusal(self) -> bool:
        """Return whether something on this page must be fixed before the next one; it is shown then."""
        return False

    def hint(self, width: int) -> list[Line]:
        """Return what explains the thing under the cursor."""
        return []

    def side(self, width: int) -> list[Line]:
        """Return what is beside the page on a wide screen."""
        return self.hint(width)

    def keys(self) -> list[KeyHint]:
        """Return the keys of this page, most used first."""
        return []
