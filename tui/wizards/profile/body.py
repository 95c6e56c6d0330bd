"""What all pages of the profile wizard share: a body between question and hint that talks to its wizard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual.binding import BindingType
from textual.containers import Vertical

from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line

if TYPE_CHECKING:
    from edgewright.core.profiles.model import Layer, Profile
    from tui.session import Session
    from tui.wizards.profile.wizard_state import ProfileState


class ProfileWizardHost(Protocol):
    """What pages ask of the wizard: only the wizard goes to other pages, asks the plane and stores."""

    session: Session
    wizard_state: ProfileState
    api: Any
    """`edgewright.commands.profile.wizard_api`, imported in a thread."""
    plane: Any
    """Packs, profiles and macros of the plane; None while they are not known."""

    @property
    def busy(self) -> bool:
        """Return whether something is under way that escape stops."""

    @property
    def macros(self) -> Mapping[str, Any]:
        """Return the macros that the profile can refer to."""

    def changed(self) -> None:
        """Take note that the profile is another now: it is checked and stored as a draft, soon."""

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

    def store_refusal(self) -> str:
        """Return why nothing can be stored, one sentence; "" when it can."""

    def refresh_page(self) -> None:
        """Show everything as it is now."""

    def refresh_around(self) -> None:
        """Show what is around the body: question, hint, details, keys."""

    def show_hint(self) -> None:
        """Show what explains the thing under the cursor, or what is under way."""

    def announce(self, text: str, level: str) -> None:
        """Report something on the message line."""

    def run_task(self, text: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something that takes its time; escape stops it."""

    def plane_context(self) -> Any:
        """Return the context that calls of the plane run in."""

    def key_hint(self, name: str, label: str) -> list[KeyHint]:
        """Return the key of a movement with its label."""


class PageBody(Vertical):
    """The body of one page. It changes the state and asks its wizard for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = "PageBody { height: 1fr; width: 1fr; }"

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
