"""What is on the screen as plain lines, for a frame without a terminal.

Private Textual API: `Screen._compositor.render_strips` (8.2.8), the only place that has the painted frame as text.
"""

from __future__ import annotations

from typing import Any

from textual.app import App


def screen_text(app: App[Any]) -> str:
    """Return what is on the screen as lines of text, line filters applied, with a line feed after each."""
    width, height = app.size
    filters = [line_filter for line_filter in app.get_line_filters() if line_filter.enabled]
    lines: list[str] = []
    for strip in app.screen._compositor.render_strips():
        segments = list(strip)
        for line_filter in filters:
            segments = line_filter.apply(segments, app.screen.background_colors[0])
        lines.append("".join(segment.text for segment in segments)[:width].rstrip())
    return "\n".join(lines[:height]) + "\n"
