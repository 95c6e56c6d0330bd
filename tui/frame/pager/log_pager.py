"""What the logs of hosts and of builds share: follow, since, search or filter, wrap; the lines stay while it waits."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from edgewright.core import times
from tui.frame.pager.log_buffer import GAP, LogBuffer, LogLine
from tui.frame.pager.pager import ReaderScreen, number_of_lines
from tui.verbs.bindings import move_bindings
from tui.widgets.lines import Line, Role, cut, line, wrap

SPANS: tuple[float | None, ...] = (None, 300.0, 900.0, 3600.0, 86400.0)
"""What the key for "since" goes through, in seconds; None is everything."""


class LogReaderScreen(ReaderScreen):
    """Shows a log at its end. `s` follows, `T` sets since when, `f` shows only the hits of the search, `w` wraps."""

    hints: ClassVar[tuple[str, ...]] = (
        "log-follow=follow",
        "log-since=since",
        "filter=search",
        "log-hits=only hits",
        "log-wrap=wrap",
        "nav-search-next=next hit",
    )
    BINDINGS = move_bindings(
        {
            "log-follow": "follow",
            "log-since": "since",
            "log-hits": "only_hits",
            "log-wrap": "wrap",
        }
    )

    def begin(self) -> None:
        """Begin with everything, wrapped."""
        super().begin()
        self.log_lines = LogBuffer()
        self.following = False
        self.wrapped = True
        self.hits_only = False
        self.since: float | None = None
        """Seconds back from now; None for everything."""
        self._body: list[Line] = []
        self._body_of: tuple[object, ...] = ()
        self._shown_count = 0

    @abstractmethod
    def status(self) -> list[tuple[str, Role]]:
        """Return what is below the lines: what is waited for, what failed and what to press; each one sentence."""

    def follow_changed(self) -> None:
        """Begin or end the repeated fetch."""

    def count(self) -> str:
        """Return how much is shown, and how."""
        parts = ["following"] if self.following else []
        if self.since is not None:
            parts.append(f"since {times.age(self.since)}")
        if self._wanted:
            hit = f"{self._at + 1} of {len(self._hits)}" if self._hits else "no hit"
            parts.append(f"only {self._wanted}" if self.hits_only else f"{self._wanted}: {hit}")
        every, shown = len(self.log_lines.lines), self._shown_count
        parts.append(f"{shown:,} of {number_of_lines(every)}" if shown != every else number_of_lines(every))
        return "  ".join(parts)

    def select(self) -> None:
        """Show the log; the view stays at the end when it was there."""
        if not self.is_there:
            return
        at_end = self.text.scroll_offset.y >= self.text.max_scroll_y
        super().select()
        if at_end:
            self.text.scroll_end(animate=False)

    def text_lines(self, width: int) -> list[Line]:
        """Return the lines of the log, and below them what it waits for."""
        start = None if self.since is None else (self.log_lines.newest or self.now) - self.since
        wanted = self._wanted if self.hits_only else ""
        made_of = (self.log_lines.version, start, wanted, self.wrapped, width)
        if made_of != self._body_of:
            shown = self.log_lines.shown(start, wanted)
            self._shown_count = len(shown)
            self._body = [part for item in shown for part in log_lines_of(item, width, self.wrapped)]
            self._body_of = made_of
        below = [part for text, role in self.status() for part in wrap(text, width, SIGNS.get(role, ""), "  ", role)]
        return [*self._body, *below]

    def _search(self, wanted: str) -> None:
        before = self._wanted
        super()._search(wanted)
        if self.hits_only and self._wanted != before:
            self.select()

    def prompt_left(self, kind: str) -> None:
        """Show every line again when no search is left."""
        super().prompt_left(kind)
        if kind == "search" and self.hits_only:
            self.hits_only = False
            self.select()
            self.show_frame()

    def action_follow(self) -> None:
        """Follow the log, or stop."""
        self.following = not self.following
        self.follow_changed()
        self.select()
        if self.following:
            self.text.scroll_end(animate=False)
        self.show_frame()

    def action_since(self) -> None:
        """Show the lines of the last 5 minutes, 15 minutes, hour, day, or all."""
        self.since = SPANS[(SPANS.index(self.since) + 1) % len(SPANS)]
        self.select()
        self.text.scroll_end(animate=False)
        self.show_frame()

    def action_only_hits(self) -> None:
        """Show only the lines that the search finds, or all lines."""
        if not self._wanted:
            self.action_filter()
        self.hits_only = not self.hits_only
        self.select()
        self.show_frame()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.wrapped = not self.wrapped
        self.select()
        self.show_frame()


SIGNS: dict[str, str] = {"work": "► ", "bad": "▲ ", "warn": "‼ ", "muted": "○ ", "parked": "▬ "}


def log_lines_of(log_line: LogLine, width: int, wrapped: bool) -> list[Line]:
    """Return a line of a log; what looks like an error or a warning is coloured, and has its words."""
    low = log_line.text.lower()
    role: Role = "bad" if "error" in low or "fatal" in low else "warn" if "warn" in low or "refused" in low else ""
    if log_line.text == GAP:
        role = "muted"
    if not wrapped:
        return [line((cut(log_line.text, width), role))]
    return wrap(log_line.text, width, rest="    ", role=role)
