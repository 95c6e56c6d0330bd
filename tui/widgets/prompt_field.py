"""The field of the prompt with the sign before it; in a module of its own because the first frame does not show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input, Static

Completions = Callable[[str], Sequence[str]]
"""Returns what a text may become, best first."""
PromptSign = Static


class _Completion(Suggester):
    def __init__(self, completions: Completions) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._completions = completions

    async def get_suggestion(self, value: str) -> str | None:
        return next((text for text in self._completions(value) if text.startswith(value) and text != value), None)


class PromptField(Input):
    """The field in which filters and commands are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.leave_prompt", "Cancel", show=False, id="prompt-leave"),
        Binding("up", "screen.prompt_history(-1)", "Earlier", show=False, id="prompt-earlier"),
        Binding("down", "screen.prompt_history(1)", "Later", show=False, id="prompt-later"),
        Binding("tab", "screen.prompt_complete", "Complete", show=False, id="prompt-complete"),
    ]


def parts(completions: Completions) -> tuple[PromptSign, PromptField]:
    """Return sign and field, to be mounted."""
    field = PromptField(compact=True, select_on_focus=False, suggester=_Completion(completions))
    field.cursor_blink = False
    return PromptSign("", id="prompt-sign", markup=False), field
