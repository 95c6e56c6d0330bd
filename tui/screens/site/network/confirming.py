"""The question whether new settings stay, with the time that is left for the answer."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from tui.modals.base import DecisionModal

CONFIRM, UNDO = "confirm", "undo"


class ConfirmChangeModal(DecisionModal[str]):
    """Returns `confirm` or `undo`; "" when it was left, or when the time was over: the host decides then."""

    DEFAULT_CSS = """
    ConfirmChangeModal {
        & #message { height: auto; }
        & #left { height: 1; margin-top: 1; color: $warn; }
        & #choices { height: auto; margin-top: 1; }
        & #choices Button { margin-right: 2; min-width: 10; }
    }
    """

    def __init__(self, target: str, address: str, left: Callable[[], int]) -> None:
        """Make the question; `left` returns the seconds that are left."""
        super().__init__()
        self.title_text = f" Confirm the new settings of {target}? "
        self.keys_text = "enter choose  tab next  esc decide later"
        self._message = f"The host has applied the change and answers a new connection ({address})."
        self._left = left

    def compose_body(self) -> ComposeResult:
        """Yield what is known, the time that is left, and the answers."""
        yield Static(self._message, id="message", markup=False)
        yield Static(self._text(), id="left", markup=False)
        with Horizontal(id="choices"):
            yield Button("Later", id="later", compact=True)
            yield Button("Confirm", id="confirm", compact=True, variant="primary")
            yield Button("Restore", id="undo", compact=True)

    def on_mount(self) -> None:
        """Begin to count; nothing is decided by a key typed ahead."""
        self.query_one("#later", Button).focus()
        self.set_interval(1.0, self._count)

    def _text(self) -> str:
        return f"The old settings return in {self._left()} s unless you confirm the new ones."

    def _count(self) -> None:
        if not self.is_there:
            return
        if self._left() <= 0:
            self.dismiss("")
            return
        self.query_one("#left", Static).update(self._text())

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id if event.button.id in (CONFIRM, UNDO) else "")

    def action_leave(self) -> None:
        """Decide later: the page has both answers too."""
        self.dismiss("")
