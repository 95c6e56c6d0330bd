"""The one look of everything that asks for a decision: a plain box in the middle, its title, its keys at the foot."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.frame.links import is_ready

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

    _result: Result | None = None
    _decided = False
    _waits = False

    title_text: str = ""
    keys_text: str = "esc cancel"

    def compose(self) -> ComposeResult:
        """Arrange the box."""
        with Vertical(id="box") as box:
            box.border_title = self.title_text
            yield from self.compose_body()
            yield Static(self.keys_text, id="keys", markup=False)

    def compose_body(self) -> ComposeResult:
        """Yield what is between title and keys."""
        yield Widget()

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave with a result, once: a second press of the key, or work that ends later, removes no other screen.

        What is in front of this dialog stays; the dialog goes when it is in front again. Do not await it: a screen
        that waits for its own removal waits for ever.
        """
        if self._decided or self not in self.app.screen_stack:
            return AwaitComplete()
        self._decided, self._result = True, result
        if self.app.screen is not self:
            self._waits = True
            return AwaitComplete()
        return super().dismiss(result)

    def on_screen_resume(self) -> None:
        """Go, when the decision came while another screen was in front."""
        if self._waits:
            self._waits = False
            super().dismiss(self._result)

    @property
    def is_there(self) -> bool:
        """Whether the widgets can be looked up; ask it in what a worker, a timer or a plane's report calls."""
        return is_ready(self)

    def action_leave(self) -> None:
        """Leave without a decision."""
        self.dismiss(None)

    def inner_width(self) -> int:
        """Return how many cells a line of the body may take."""
        return max(min(int(self.app.size.width * 0.9), 100) - 6, 12)

    def room_height(self, taken: int = 0) -> int:
        """Return how many lines the body may take beside `taken` others."""
        return max(int(self.app.size.height * 0.96) - 4 - taken, 1)
