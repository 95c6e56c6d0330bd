"""What all pages of the profile wizard share: a body between question and hint that talks to its wizard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from tui.widgets.lines import Line
from tui.wizards.parts.paged import BodyHost, WizardBody

if TYPE_CHECKING:
    from edgewright.core.profiles.model import Layer, Profile
    from tui.wizards.profile.wizard_state import ProfileState


class ProfileWizardHost(BodyHost, Protocol):
    """What pages ask of the wizard: only the wizard goes to other pages, asks the plane and stores."""

    wizard_state: ProfileState
    api: Any
    """`edgewright.commands.profile.wizard_api`, imported in a thread."""
    plane: Any
    """Packs, profiles and macros of the plane; None while they are not known."""

    @property
    def macros(self) -> Mapping[str, Any]:
        """Return the macros that the profile can refer to."""

    async def open_page(self, key: str, row: int = 0) -> None:
        """Go to a page; `row` is the line of the values to be shown."""

    def finish(self, publish: bool) -> None:
        """Store the profile at the plane as a draft, or publish it."""

    async def know_packs(self, profile: Profile) -> None:
        """Ask for the packs of the layers that are not known yet."""

    def plane_missing(self, text: str) -> None:
        """Report that the plane was not asked yet, and ask it again."""

    def versions_of(self, name: str) -> list[str]:
        """Return the versions of a profile that the plane has."""

    def offer_of(self, layer: Layer) -> Any:
        """Return what the plane has of the pack of a layer; None without any."""


class PageBody(WizardBody):
    """The body of one page. It changes the state and asks its wizard for the rest."""

    @property
    def wizard(self) -> ProfileWizardHost:
        """Return the wizard that this is a page of."""
        return cast("ProfileWizardHost", self.screen)

    @property
    def state(self) -> ProfileState:
        """Return what the wizard knows."""
        return self.wizard.wizard_state

    @property
    def api(self) -> Any:
        """Return what may be asked."""
        return self.wizard.api

    def store(self) -> None:
        """Take what is typed into the profile: the page is left, or stored."""

    def refusal(self) -> bool:
        """Return whether something on this page must be fixed before the next one; it is shown then."""
        return False

    def side(self, width: int) -> list[Line]:
        """Return what is beside the page on a wide screen."""
        return self.hint(width)
