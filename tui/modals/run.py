"""A verb at work: what it reports while it runs, then what came of it, staying until it was read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from edgewright.core.errors import EdgewrightError
from tui.frame.background_errors import defect_sentence
from tui.modals.base import DecisionModal
from tui.modals.plan_content import error_lines, listing_of, outcome_lines, progress_lines
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Outcome
    from tui.terminal.app import TerminalApp

log = logging.getLogger(__name__)

Apply = Callable[[Callable[[str], None]], Awaitable["Outcome"]]
"""Runs the verb; gets where to report one line of progress."""


class RunModal(DecisionModal["Outcome | None"]):
    """Runs a verb that was agreed to. A clean end closes by itself; a failure stays and shows what to do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "Close", show=False, id="modal-close"),
        Binding("c", "copy", "Copy the result", show=False, id="modal-copy"),
    ]

    def __init__(self, title: str, apply: Apply, stay: bool = False, name_of: Callable[[str], str] = str) -> None:
        """Make the dialog; `name_of` gives the names of the objects of the outcome."""
        super().__init__()
        self._name_of = name_of
        self.title_text = f" {title} "
        self.keys_text = "esc stop waiting"
        self.outcome: Outcome | None = None
        self.finished = False
        self._apply = apply
        self._stay = stay
        self._reports: list[str] = []

    def compose_body(self) -> ComposeResult:
        """Yield where progress and result are shown."""
        yield LineView(id="progress")

    def on_mount(self) -> None:
        """Begin."""
        self._show(progress_lines(self._reports, self.inner_width()))
        self.query_one("#progress", LineView).focus()
        self._run()

    @work(exclusive=True, group="verb:apply", exit_on_error=False)
    async def _run(self) -> None:
        try:
            outcome = await self._apply(self._report)
        except EdgewrightError as error:
            self._end(error_lines(error.message, error.hint, self.inner_width()))
            return
        except Exception as error:
            log.exception("a verb failed")
            self._end(error_lines(defect_sentence(error), "", self.inner_width()))
            return
        self.outcome = outcome
        if outcome.failed or self._stay or self.result_text or listing_of(outcome) is not None:
            self._end(outcome_lines(outcome, self.inner_width(), self._name_of))
        else:
            self.finished = True
            self.dismiss(outcome)

    def _report(self, text: str) -> None:
        self._reports.append(text)
        if self.is_there:
            lines = progress_lines(self._reports, self.inner_width())
            self._show(lines)
            self.query_one("#progress", LineView).scroll_end(animate=False)

    def _end(self, lines: list[Line]) -> None:
        self.finished = True
        self._show(lines)
        self.query_one("#keys", Static).update(f"enter close  ↑↓ read{'  c copy' if self.result_text else ''}")

    def _show(self, lines: list[Line]) -> None:
        view = self.query_one("#progress", LineView)
        view.set_lines(lines)
        view.styles.height = max(min(len(lines), self.room_height(2)), 1)

    @property
    def result_text(self) -> str:
        """The text that the verb made, e.g. that of a token; empty when there is none."""
        text = getattr(self.outcome.result, "text", "") if self.outcome is not None else ""
        return text if isinstance(text, str) else ""

    def action_copy(self) -> None:
        """Copy the text that the verb made; it may be a secret, so no message shows it."""
        if self.result_text:
            cast("TerminalApp", self.app).copied(self.result_text, f"result of{self.title_text}".rstrip(), secret=True)

    def action_close(self) -> None:
        """Close what is finished; a verb that still runs is stopped with escape alone, not by a key typed ahead."""
        if self.finished:
            self.dismiss(self.outcome)

    def action_leave(self) -> None:
        """Close; a verb that still runs is stopped and leaves what it did."""
        if not self.finished:
            self.workers.cancel_group(self, "verb:apply")
        self.dismiss(self.outcome)
