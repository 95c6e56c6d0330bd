"""The message line: the newest thing that was told, with its time, until the next one."""

from __future__ import annotations

from edgewright.core import times
from tui.widgets.lines import Line, Role, cut, line

_SIGNS: dict[str, tuple[str, Role]] = {
    "info": ("", ""),
    "ok": ("• ", "ok"),
    "warn": ("‼ ", "warn"),
    "bad": ("▲ ", "bad"),
}


def message_line(at: float, level: str, text: str, width: int) -> Line:
    """Return the line: time in UTC, a sign unless it is mere information, the sentence."""
    sign, role = _SIGNS.get(level, ("", ""))
    stamp = f"{times.rfc3339(at)[11:19]}Z "
    room = max(width - len(stamp) - len(sign), 4)
    return line((stamp, "muted"), (sign, role), (cut(text.split("\n", 1)[0], room), role if level != "ok" else ""))
