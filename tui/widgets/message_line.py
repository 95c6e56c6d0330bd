"""The message line: the newest message with its time, on two lines when one is too short for its cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from edgewright.core import times
from tui.widgets.lines import Line, Role, line, wrap


class MessageRow(Protocol):
    """A message as the store has it; `at` is epoch seconds UTC."""

    @property
    def seq(self) -> int: ...  # noqa: D102
    @property
    def at(self) -> float: ...  # noqa: D102
    @property
    def level(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def reply(self) -> bool: ...  # noqa: D102


AnyRow = TypeVar("AnyRow", bound=MessageRow)

FADE = 20.0
"""Seconds for which a message that asks for nothing (info, ok) is shown."""
REPLY_FADE = 60.0
"""Seconds for which the refusal of a key or command is shown, unless a view is opened before."""
LINES = 2
MORE = "… ({} shows all)"
"""End of a message that is too long for the lines, with the key or command that shows the rest."""

_SIGNS: dict[str, tuple[str, Role]] = {
    "info": ("", ""),
    "ok": ("• ", "ok"),
    "warn": ("‼ ", "warn"),
    "bad": ("▲ ", "bad"),
}


def shown_message(messages: Sequence[AnyRow], now: float, read: int = 0) -> AnyRow | None:
    """Return the message that the line shows at `now` (epoch seconds), None when it is empty.

    The newest one, until the next when it needs attention. Information fades after `FADE`; the refusal of a key or a
    command (`MessageRow.reply`) after `REPLY_FADE`, or when a view was opened after it: `read` is the newest event
    before that.
    """
    if not messages:
        return None
    newest = messages[-1]
    age = now - newest.at
    if newest.reply:
        return None if age > REPLY_FADE or newest.seq <= read else newest
    if newest.level in ("info", "ok") and age > FADE:
        return None
    return newest


def message_lines(
    row: MessageRow | None, width: int, most: int = LINES, key: Callable[[], str] = lambda: "!"
) -> list[Line]:
    """Return the message in at most `most` lines: time in UTC, a sign unless it is mere information, the sentence.

    `key` returns what shows all messages here, "" where nothing does; it is asked for a message that is too long.
    """
    if row is None:
        return []
    sign, role = _SIGNS.get(row.level, ("", ""))
    stamp = f"{times.rfc3339(row.at)[11:19]}Z "
    lead = len(stamp) + len(sign)
    room = max(width - lead, 8)
    parts = [part.plain for part in wrap(row.text, room)]
    if len(parts) > most:
        parts = [*parts[: most - 1], _shortened(" ".join(parts[most - 1 :]), room, key())]
    text_role = role if row.level != "ok" else ""
    first = line((stamp, "muted"), (sign, role), (parts[0], text_role))
    return [first, *(line(" " * lead, (part, text_role)) for part in parts[1:])]


def _shortened(text: str, room: int, key: str) -> str:
    more = MORE.format(key) if key else "…"
    if room <= len(more):
        return text[: room - 1] + "…"
    stored = wrap(text, room - len(more))[0].plain
    return stored.rstrip(" ,;:") + more
