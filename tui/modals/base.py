"""The one look of everything that asks for a decision: a plain box in the middle, its title, its keys at the foot."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.lines import Line, line, text_of

Result = TypeVar("Result")


class DecisionModal(ModalScreen[Result], Generic[Result]):
    """A box with a title, a body that the subclass composes, and its keys. Escape leaves and changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel", show=False, id="modal-leave")]
    DEFAULT_CSS = """
    DecisionModal {
        align: center middle;
        background: $background 60%;
        &:ansi { background: transparent; }
        & > #box {
            width: 90%;
            max-width: 100;
            height: auto;
            max-height: 96%;
            background: $surface;
            border: round $accent;
            border-title-color: $text;
            border-title-style: bold;
            padding: 0 1;
        }
        & #keys { height: 1; color: $muted; }
        & LineView { background: $surface; height: auto; }
        &.-danger > #box { border: round $bad; border-title-color: $bad; }
    }
    """

    title_text: str = ""
    keys_text: str = "esc cancel"

    def compose(self) -> ComposeResult:
        """Lay out the box."""
        with Vertical(id="box") as box:
            box.border_title = self.title_text
            yield from self.compose_body()
            yield Static(self.keys_text, id="keys", markup=False)

    def compose_body(self) -> ComposeResult:
        """Yield what stands between title and keys."""
        yield Widget()

    def action_leave(self) -> None:
        """Leave without a decision."""
        self.dismiss(None)

    def inner_width(self) -> int:
        """Return how many cells a line of the body may take."""
        return max(min(int(self.app.size.width * 0.9), 100) - 6, 12)

    def room_height(self, taken: int = 0) -> int:
        """Return how many lines the body may take beside `taken` others."""
        return max(int(self.app.size.height * 0.96) - 4 - taken, 1)

    def plain_text(self, lines: list[Line]) -> str:
        """Return lines as text, for the clipboard."""
        return text_of(lines or [line()])
