"""What the user answers with, one widget for each kind of question. They take plain values and post `Given`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.widgets.lines import Line, clip_line, line
from tui.widgets.roles import RolePainter

STEP: list[BindingType] = [
    Binding("down", "screen.field(1)", "Next field", show=False, id="wizard-down"),
    Binding("up", "screen.field(-1)", "Field before", show=False, id="wizard-up"),
]
TURN: list[BindingType] = [
    Binding("right,space", "turn(1)", "Next answer", show=False, id="wizard-turn"),
    Binding("left", "turn(-1)", "Answer before", show=False, id="wizard-turn-back"),
    Binding("enter", "screen.enter", "Continue", show=False, id="wizard-enter"),
]
RADIO_LINES = 4
"""So many answers are on a line each; more are on one line."""


def ask_screen(widget: Widget, action: str) -> None:
    """Let the screen do `action` when this widget is done with its key: it may take the widget away."""
    widget.screen.call_later(widget.screen.run_action, action)


class Given(Message):
    """Something was answered; `raw` is as it was typed."""

    def __init__(self, key: str, raw: Any) -> None:
        super().__init__()
        self.key = key
        self.raw = raw


class Painted(Widget, can_focus=True):
    """A control that paints lines of its own; the line that the keys work on is marked while it has them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"painted--cursor"}
    DEFAULT_CSS = """
    Painted {
        height: auto; width: 1fr; background: $background;
        & > .painted--cursor { background: $row-cursor-background; text-style: $row-cursor-style; }
    }
    """

    def __init__(self, key: str) -> None:
        super().__init__(classes="control")
        self.key = key
        self._painter = RolePainter(self, "painted")

    def lines(self, width: int) -> list[Line]:
        """Return what is shown; the line whose key is not empty is the one under the cursor."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are."""
        return max(len(self.lines(width)), 1)

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        width = self.size.width
        shown = self.lines(width)
        base = self._painter.base
        if y >= len(shown):
            return Strip.blank(width, base)
        item = clip_line(shown[y], width)
        over = self._painter.component("cursor") if item.key and self.has_focus else Style.null()
        strip = Strip([Segment(span.text, base + self._painter.role(span.role) + over) for span in item.spans])
        return strip.adjust_cell_length(width, base).crop(0, width)

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._painter.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()


class ChoiceControl(Painted):
    """One of a few: a line each, beside each other when they fit, else the one chosen with its place among all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "down(1)", "Next answer", show=False, id="wizard-down"),
        Binding("up", "down(-1)", "Answer before", show=False, id="wizard-up"),
        *TURN,
    ]

    def __init__(self, key: str, choices: Sequence[tuple[str, str]], value: str) -> None:
        super().__init__(key)
        self._choices = tuple(choices)
        self.value = value

    def put(self, value: Any) -> None:
        """Show another answer."""
        self.value = str(value)
        self.refresh(layout=True)

    @property
    def _at(self) -> int:
        return next((at for at, (value, _) in enumerate(self._choices) if value == self.value), -1)

    def _upright(self, width: int) -> bool:
        return 0 < len(self._choices) <= RADIO_LINES

    def lines(self, width: int) -> list[Line]:
        """Return the answers with the one chosen marked."""
        at = self._at
        if not self._choices:
            return [line(("there is nothing to choose from", "muted"))]
        if self._upright(width):
            return [
                line(f"({'•' if place == at else ' '}) {label}", key="on" if place == max(at, 0) else "")
                for place, (_, label) in enumerate(self._choices)
            ]
        row = "  ".join(f"({'•' if place == at else ' '}) {label}" for place, (_, label) in enumerate(self._choices))
        if len(row) <= width:
            return [line(row, key="on")]
        label = self._choices[at][1] if at >= 0 else "choose one"
        return [
            line(("‹ ", "accent"), label, (" ›", "accent"), (f"  {at + 1} of {len(self._choices)}", "muted"), key="on")
        ]

    def action_turn(self, step: int) -> None:
        """Take the next answer or the one before; round at the ends."""
        if self._choices:
            self._take((self._at + step) % len(self._choices) if self._at >= 0 else 0)

    def action_down(self, step: int) -> None:
        """Go to the answer below or above where each has a line, else to the next field."""
        at = max(self._at, 0) + step
        if self._upright(self.size.width) and 0 <= at < len(self._choices):
            self._take(at)
        else:
            ask_screen(self, f"field({step})")

    def _take(self, place: int) -> None:
        self.put(self._choices[place][0])
        self.post_message(Given(self.key, self.value))

    def on_click(self, event: events.Click) -> None:
        """Take what was clicked."""
        if self._upright(self.size.width) and event.y < len(self._choices):
            self._take(event.y)
        elif not self._upright(self.size.width):
            self.action_turn(1)


class FlagControl(Painted):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [*STEP, *TURN]

    def __init__(self, key: str, value: bool) -> None:
        super().__init__(key)
        self.value = value

    def put(self, value: Any) -> None:
        """Show another answer."""
        self.value = bool(value)
        self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the box and its word."""
        return [line("[■] yes" if self.value else "[ ] no", key="on")]

    def action_turn(self, step: int) -> None:
        """Turn it round."""
        self.put(not self.value)
        self.post_message(Given(self.key, self.value))

    def on_click(self) -> None:
        """Turn it round."""
        self.action_turn(1)


class TextControl(Input):
    """One line of text; dots in place of a secret."""

    BINDINGS: ClassVar[list[BindingType]] = [*STEP]

    def __init__(self, key: str, value: str, placeholder: str = "", hidden: bool = False) -> None:
        super().__init__(
            value, placeholder=placeholder, password=hidden, compact=True, select_on_focus=False, classes="control"
        )
        self.key = key
        self.cursor_blink = False

    def put(self, value: Any) -> None:
        """Show another answer."""
        text = "" if value is None else str(value)
        if text != self.value.strip():
            with self.prevent(Input.Changed):
                self.value = text
            self.cursor_position = len(text)

    async def action_submit(self) -> None:
        """Continue: enter ends this field."""
        ask_screen(self, "enter")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Post what is here now."""
        event.stop()
        self.post_message(Given(self.key, event.value))


class AreaControl(TextArea):
    """Several lines of text: one thing on each. Enter on an empty last line continues, as tab does."""

    def __init__(self, key: str, value: str, placeholder: str = "") -> None:
        super().__init__(
            value,
            soft_wrap=False,
            compact=True,
            highlight_cursor_line=False,
            placeholder=placeholder,
            classes="control",
        )
        self.key = key
        self.cursor_blink = False
        self._answer_of = value

    def put(self, value: Any) -> None:
        """Show another answer."""
        text = area_text(value)
        if text != area_text(self.text.split("\n")):
            self.load_text(text)
            self._answer_of = text

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Post what is here now."""
        event.stop()
        if self.text != self._answer_of:
            self._answer_of = self.text
            self.post_message(Given(self.key, self.text.split("\n")))

    async def on_key(self, event: events.Key) -> None:
        """Let enter leave an empty last line; elsewhere it begins a new one."""
        row, _ = self.cursor_location
        if event.key == "enter" and row == self._last and not self.document.get_line(row).strip():
            event.stop()
            event.prevent_default()
            ask_screen(self, "enter")

    @property
    def _last(self) -> int:
        return self.document.line_count - 1

    def action_cursor_down(self, select: bool = False) -> None:
        """Go one line down, from the last one to the next field."""
        if not select and self.cursor_location[0] == self._last:
            ask_screen(self, "field(1)")
        else:
            super().action_cursor_down(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Go one line up, from the first one to the field before."""
        if not select and self.cursor_location[0] == 0:
            ask_screen(self, "field(-1)")
        else:
            super().action_cursor_up(select)

    def action_cursor_page_down(self) -> None:
        """Leave this key to the page."""
        ask_screen(self, "page(1)")

    def action_cursor_page_up(self) -> None:
        """Leave this key to the page."""
        ask_screen(self, "page(-1)")


def area_text(value: Any) -> str:
    """Return lines, or a map as `key=value` lines, as one text."""
    if isinstance(value, dict):
        return "\n".join(f"{key}={item}" for key, item in value.items())
    return "\n".join(str(item).rstrip() for item in value or ()).rstrip("\n")
