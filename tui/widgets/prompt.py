"""The line in which filters and commands are typed: history, completion, and what is wrong while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct, field
from textual.containers import Horizontal
from textual.message import Message

from tui.widgets.lines import Line, clip_line, line, wrap

if TYPE_CHECKING:
    from textual.widgets import Input

    from tui.widgets.prompt_field import PromptField, PromptSign

HISTORY = 100
"""Earlier answers that are stored."""


class Asking(Struct):
    """One kind of prompt: its sign, and who judges and completes what is typed."""

    kind: str
    """`filter`, `command` or a name of the screen's own; it comes back in every message."""
    sign: str
    value: str = ""
    judge: Callable[[str], Line] = lambda text: line()
    """Returns what to show below the field for the text so far: help, or the error with its place."""
    complete: Callable[[str], Sequence[str]] = lambda text: ()
    """Returns complete texts that the text so far may become, best first."""
    history: list[str] = field(default_factory=list)
    """Earlier answers, oldest first; an answer is added to it."""
    wrong: Callable[[str], str] = lambda text: ""
    """Returns why a text is not an answer, `""` for one; enter then leaves what was typed where it can be corrected."""


class Prompt(Horizontal):
    """Hidden until `ask`; then it has the keyboard, and the screen the class `-prompt`, until enter or escape.

    Its field is made when the screen was shown: the first frame waits for nothing that it does not show.
    """

    DEFAULT_CSS = """
    Prompt {
        height: 1;
        display: none;
        background: $background;
        &.-open { display: block; }
        & > #prompt-sign { width: auto; color: $accent; text-style: bold; }
        & > Input {
            width: 1fr; height: 1; border: none; padding: 0; background: $background; color: $foreground;
            &:focus { border: none; background-tint: transparent 0%; }
            & > .input--suggestion { color: $muted; text-style: none; }
        }
    }
    """

    class Changed(Message):
        """The text changed; `status` is what the check reports about it."""

        def __init__(self, kind: str, text: str, status: Line) -> None:
            super().__init__()
            self.kind = kind
            self.text = text
            self.status = status

    class Answered(Message):
        """Enter was pressed."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind = kind
            self.text = text

    class Left(Message):
        """Escape was pressed: what was typed is not meant."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._asking: Asking | None = None
        self._place = 0
        self._parts: tuple[PromptSign, PromptField] | None = None

    def on_mount(self) -> None:
        """Make the field behind the first frame of the screen."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if self._parts is None and self.is_attached:
            self._parts = import_module("tui.widgets.prompt_field").parts(self.completions)
            self.mount(*self._parts)

    @property
    def is_open(self) -> bool:
        """Whether something is asked now."""
        return self._asking is not None

    @property
    def text(self) -> str:
        """Return what is typed so far."""
        return self._parts[1].value if self._parts else ""

    def ask(self, asking: Asking) -> None:
        """Open for `asking`."""
        self._asking = asking
        self._place = len(asking.history)
        self._fill()
        self._sign.update(asking.sign)
        with self.prevent(self._field.Changed):
            self._field.value = asking.value
        self._field.cursor_position = len(asking.value)
        self.add_class("-open")
        self.screen.add_class("-prompt")
        self.screen.set_focus(self._field, scroll_visible=False)  # now: the next key may be here already
        self._changed(asking.value)

    def close(self) -> None:
        """Close without a message."""
        self._asking = None
        self.remove_class("-open")
        self.screen.remove_class("-prompt")
        self._field.blur()

    def leave(self) -> None:
        """Close and report that the answer is cancelled."""
        if self._asking is not None:
            kind = self._asking.kind
            self.close()
            self.post_message(self.Left(kind))

    def older(self, step: int) -> None:
        """Show the answer `step` places further in the history (-1: the one before)."""
        if self._asking is None or not self._asking.history:
            return
        history = self._asking.history
        self._place = min(max(self._place + step, 0), len(history))
        self._put(history[self._place] if self._place < len(history) else "")

    def take_completion(self) -> None:
        """Put what all completions share, or the first one when nothing more is shared."""
        typed = self._field.value
        matches = [completion for completion in self.completions(typed) if completion != typed]
        if not matches:
            return
        shared = _common_start(matches)
        self._put(shared if len(shared) > len(typed) and shared.startswith(typed) else matches[0])

    def completions(self, value: str) -> Sequence[str]:
        """Return what `value` may become, best first."""
        return self._asking.complete(value) if self._asking is not None else ()

    @property
    def _sign(self) -> PromptSign:
        assert self._parts is not None, "the field is made before it is asked for"
        return self._parts[0]

    @property
    def _field(self) -> PromptField:
        assert self._parts is not None, "the field is made before it is asked for"
        return self._parts[1]

    def _put(self, text: str) -> None:
        self._field.value = text
        self._field.cursor_position = len(text)

    def _changed(self, text: str) -> None:
        if self._asking is not None:
            self.post_message(self.Changed(self._asking.kind, text, self._asking.judge(text)))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Judge what is typed."""
        event.stop()
        self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer."""
        event.stop()
        if self._asking is None:
            return
        kind, text = self._asking.kind, event.value.strip()
        if self._asking.wrong(text):
            return
        if text and (not self._asking.history or self._asking.history[-1] != text):
            self._asking.history.append(text)
            del self._asking.history[:-HISTORY]
        self.close()
        self.post_message(self.Answered(kind, text))


def status_lines(status: Line, width: int) -> list[Line]:
    """Return what the judge reports in at most two lines of `width` cells: the cause of a wrong text is not cut."""
    if status.width <= width:
        return [status]
    first, *rest = wrap(status.plain, width, role=status.spans[-1].role)
    more = line((" ".join(part.plain for part in rest), status.spans[-1].role))
    return [first, clip_line(more, width)] if rest else [first]


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    for index, character in enumerate(first):
        if index >= len(last) or last[index] != character:
            return first[:index]
    return first
