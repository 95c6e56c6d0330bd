"""The messages of this session: everything that was on the message line, newest last."""

from __future__ import annotations

from edgewright.core import times
from edgewright.store.engine import model as names
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import Line, Role, line, wrap

_SIGNS: dict[str, tuple[str, Role]] = {"ok": ("•", "ok"), "warn": ("‼", "warn"), "bad": ("▲", "bad")}


class MessagesScreen(ReaderScreen):
    """Shows the message log and stays at its end."""

    view = "messages"
    collections = frozenset({names.MESSAGES})

    def text_lines(self, width: int) -> list[Line]:
        """Return all messages, each in full."""
        out: list[Line] = []
        for message in self.session.store.model.messages:
            sign, role = _SIGNS.get(message.level, (" ", ""))
            reported = wrap(message.text, max(width - 12, 10))
            for index, part in enumerate(reported):
                lead = f"{times.rfc3339(message.at)[11:19]}Z " if index == 0 else " " * 10
                glyph = f"{sign} " if index == 0 else "  "
                text = (part.plain, role if role in ("warn", "bad") else "")
                out.append(line((lead, "muted"), (glyph, role), text))
        return out or [line(("No messages yet in this session.", "muted"))]

    def select(self) -> None:
        """Show the messages, the newest in sight."""
        super().select()
        if self.is_there:
            self.text.scroll_end(animate=False)
