"""From the meaning of a piece of text to its style: theme colours by role, looked up once per theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.lines import Line


def role_style(role: str, variables: Mapping[str, str]) -> Style:
    """Return the style of a role from the variables of a theme: its colour, and its text style where colours are few.

    Roles are looked up here and not as component classes: a screen has ten roles in ten widgets, and a hundred
    component classes cost a third of the first frame.
    """
    if role == "strong":
        return Style(bold=True)
    name = "accent" if role == "head" else role
    parts = variables.get(f"{name}-style", "none")
    style = Style.parse("" if parts == "none" else parts)
    if name in variables:
        style += Style(color=Color.parse(variables[name]).rich_color)
    return style + Style(bold=True) if role == "head" else style


class RolePainter:
    """Styles of one widget's roles. `clear` when the theme or a state class changed."""

    def __init__(self, widget: Widget, prefix: str) -> None:
        self._widget = widget
        self._prefix = prefix
        self._styles: dict[str, Style] = {}
        self._combined: dict[tuple[str, tuple[str, ...]], Style] = {}
        self._blank = Strip([], 0)

    def clear(self) -> None:
        """Forget the styles; they are looked up again when next painted."""
        self._styles.clear()
        self._combined.clear()
        self._blank = Strip([], 0)

    @property
    def base(self) -> Style:
        """Return the widget's own style."""
        style = self._styles.get("")
        if style is None:
            style = self._styles[""] = self._widget.rich_style
        return style

    def blank(self, width: int) -> Strip:
        """Return a line without text: most lines of a view are alike, and making one takes as long as a short text."""
        if self._blank.cell_length != width:
            self._blank = Strip.blank(width, self.base)
        return self._blank

    def component(self, name: str) -> Style:
        """Return what the component class adds to the widget's own style."""
        style = self._styles.get(name)
        if style is None:
            full = f"{self._prefix}--{name}"
            style = self._styles[name] = self._widget.get_component_rich_style(full, partial=True)
        return style

    def role(self, role: str) -> Style:
        """Return what `role` adds; nothing for plain text."""
        if not role:
            return Style.null()
        style = self._styles.get(f"role {role}")
        if style is None:
            app = self._widget.app
            variables = {**app.get_theme_variable_defaults(), **app.current_theme.variables}
            style = self._styles[f"role {role}"] = role_style(role, variables)
        return style

    def segments(self, line: Line) -> list[Segment]:
        """Return the segments of a line over the widget's own style."""
        return [Segment(span.text, self.style(span.role)) for span in line.spans]

    def style(self, role: str, state: tuple[str, ...] = ()) -> Style:
        """Return the widget's own style with `role` over it and the component classes `state` over that."""
        style = self._combined.get((role, state))
        if style is None:
            over = Style.null()
            for name in state:
                over += self.component(name)
            style = self._combined[role, state] = self.base + self.role(role) + over
        return style


def changed_span(before: Line, after: Line) -> tuple[int, int] | None:
    """Return the first and one past the last cell in which two lines differ, None when they are alike.

    Both must be of one-cell characters and equal width; the full width is returned when they are not.
    """
    if before == after:
        return None
    old, new = _cells(before.spans), _cells(after.spans)
    width = max(before.width, after.width)
    if len(old) != len(new) or len(old) != before.width or len(new) != after.width:
        return 0, width
    first = next((index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]), None)
    if first is None:
        return None
    last = next(index for index in range(len(old) - 1, -1, -1) if old[index] != new[index])
    return first, last + 1


def _cells(spans: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(character, role) for text, role in spans for character in text]
