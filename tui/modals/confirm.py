"""The question before anything is changed: the plan, Cancel first where there is no way back, else the verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static
from textual.widgets.button import ButtonVariant

from tui.modals.base import DecisionModal
from tui.modals.plan_content import plan_lines
from tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Danger, Plan
    from tui.terminal.app import TerminalApp


class ConfirmModal(DecisionModal[bool]):
    """Shows a plan and returns True only when the user confirmed; everything else leaves things as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", show=False, id="confirm-previous"),
        Binding("right", "app.focus_next", show=False, id="confirm-next"),
        Binding("down", "scroll(1)", "Read on", show=False, id="modal-down"),
        Binding("up", "scroll(-1)", "Read back", show=False, id="modal-up"),
        Binding("pagedown", "scroll(8)", show=False, id="modal-page-down"),
        Binding("pageup", "scroll(-8)", show=False, id="modal-page-up"),
        Binding("c", "copy", "Copy the command line", show=False, id="modal-copy"),
    ]
    DEFAULT_CSS = """
    ConfirmModal {
        & #choices { height: auto; margin-top: 1; }
        & #choices Button { margin-right: 2; min-width: 10; }
        & #typed-label { width: auto; padding: 0 1; }
        & #typed { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        & #typed-wrong { height: auto; color: $warn; }
    }
    """

    def __init__(self, plan: Plan, danger: Danger = "write", careful: bool = False) -> None:
        """Make the dialog; Cancel is the default if `careful`, and wherever something is lost."""
        super().__init__(classes="-danger" if danger == "destructive" else "")
        self.plan = plan
        self.danger = danger
        self.careful = careful or danger == "destructive" or bool(plan.cannot_undo) or plan.confirm_text is not None
        """Whether Cancel is the default: what is done cannot be undone, or takes something from users."""
        self.title_text = f" {plan.title} "
        self.keys_text = "enter choose  tab next  ↑↓ read  c copy command  esc cancel"

    def compose_body(self) -> ComposeResult:
        """Yield the plan, then Cancel before Go, with the place to type the name."""
        yield LineView(id="plan")
        with Horizontal(id="choices"):
            if not self.careful:
                yield Button("Go", id="go", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)
            if self.plan.confirm_text is None:
                if self.careful:
                    variant: ButtonVariant = "error" if self.danger == "destructive" else "primary"
                    yield Button("Go", id="go", compact=True, variant=variant)
            else:
                yield Static(f"type {self.plan.confirm_text} to go:", id="typed-label", markup=False)
                typed = Input(id="typed", compact=True)
                typed.cursor_blink = False
                yield typed
        yield Static("", id="typed-wrong", markup=False)

    def on_mount(self) -> None:
        """Show the plan; the focus is on Cancel, or on Go where that can be undone."""
        view = self.query_one("#plan", LineView)
        view.can_focus = False
        lines = plan_lines(self.plan, self.inner_width())
        view.set_lines(lines)
        view.styles.height = max(min(len(lines), self.room_height(4)), 1)
        self.query_one("#typed-wrong").display = False
        self.query_one("#cancel" if self.careful else "#go", Button).focus()

    def action_scroll(self, step: int) -> None:
        """Move the plan without taking the focus from the answers."""
        self.query_one("#plan", LineView).scroll_relative(y=step, animate=False)

    def action_copy(self) -> None:
        """Copy the command line that does the same."""
        if self.plan.cli:
            cast("TerminalApp", self.app).copied(self.plan.cli, "command line of this plan")

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(False)

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(True)

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip() == self.plan.confirm_text:
            self.dismiss(True)
            return
        wrong = self.query_one("#typed-wrong", Static)
        wrong.update(f"That is not {self.plan.confirm_text}. Nothing was done.")
        wrong.display = True

    def action_leave(self) -> None:
        """Escape is Cancel."""
        self.dismiss(False)
