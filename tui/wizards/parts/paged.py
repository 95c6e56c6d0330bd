"""What wizards share whose pages have bodies: the body, what it asks of its wizard, and the frame around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol

from textual.binding import BindingType
from textual.containers import Vertical

from tui.session import Session
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, clip_line
from tui.wizards.parts.frame import WizardFrame


class BodyHost(Protocol):
    """What the bodies of any such wizard ask of it: only the wizard goes to other pages and asks the plane."""

    session: Session

    @property
    def busy(self) -> bool:
        """Return whether something is under way that escape stops."""

    def changed(self) -> None:
        """Take note that the answers are others now: they are checked and stored as a draft, soon."""

    def store_refusal(self) -> str:
        """Return why nothing can be created or stored, one sentence; "" when it can."""

    def refresh_page(self) -> None:
        """Show everything as it is now."""

    def refresh_around(self) -> None:
        """Show what is around the body: question, hint, keys."""

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


class WizardBody(Vertical):
    """The body of one page. It changes the state and asks its wizard for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = "WizardBody { height: 1fr; width: 1fr; }"

    def begin(self, last: bool = False) -> None:
        """Give the keyboard to what the page begins with."""

    def show(self) -> None:
        """Show everything as it is now: after a check, a change, another size."""

    def hint(self, width: int) -> list[Line]:
        """Return what explains the thing under the cursor."""
        return []

    def keys(self) -> list[KeyHint]:
        """Return the keys of this page, most used first."""
        return []


class PagedWizard(WizardFrame):
    """The frame around a body: hint, keys, one task at a time."""

    hint_lines: ClassVar[int] = 3
    """Lines for what explains the thing under the cursor."""
    written: ClassVar[str] = "file"
    """What the key of the complete text shows."""
    body: WizardBody | None

    @property
    def busy(self) -> bool:
        """Return whether something is under way that escape stops."""
        return bool(self._doing)

    def on_descendant_focus(self) -> None:
        """Show the keys again: a field takes letters, a list does not."""
        self.show_keys()

    def run_task(self, text: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something that takes its time, unless something else is under way."""
        if not self._doing:
            super().run_task(text, do)

    def refresh_page(self) -> None:
        """Show everything as it is now."""
        if not self.is_there or not self.size.width:
            return
        if self.body is not None:
            self.body.show()
        self.refresh_around()

    def refresh_around(self) -> None:
        """Show what is around the body: question, hint, keys."""
        raise NotImplementedError

    def show_hint(self) -> None:
        """Show what explains the thing under the cursor, or what is under way."""
        width = max(self.query_one("#left").size.width - 1, 8)
        lines = [self.doing_line()] if self._doing else self.body.hint(width) if self.body is not None else []
        hint = self.query_one("#hint", LineView)
        hint.can_focus = False
        hint.set_lines([clip_line(item, width) for item in lines[: self.hint_lines]])

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the page, and those of every page."""
        if self._doing:
            return [KeyHint("esc", "stop")]
        own = self.body.keys() if self.body is not None else [KeyHint("esc", "back")]
        key = self.key_hint
        return [
            *own,
            *key("wizard-whole", self.written),
            *key("wizard-write", "write"),
            *key("wizard-why", "explanation"),
        ]
