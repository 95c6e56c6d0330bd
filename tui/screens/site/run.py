"""One command on many hosts: a row for each host with its result, its output on enter or beside."""

from __future__ import annotations

from typing import Any, ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.fleet.fan_out import UNDER_WAY, FanOut, HostResult
from edgewright.core.text import amount, clean
from tui.frame.ages import age_of
from tui.screens.site.rows import RowsScreen
from tui.verbs.bindings import move_bindings
from tui.verbs.copy import Copyable
from tui.widgets.lines import Line, Piece, Role, columns, cut, line, wrap

SIGNS: dict[str, tuple[str, Role]] = {
    "waiting": ("○", "muted"), "connecting": ("►", "work"), "running": ("►", "work"), "done": ("•", "ok"),
    "failed": ("▲", "bad"), "late": ("▲", "bad"), "ended": ("▬", "parked"), "lost": ("▲", "bad"),
    "not-reached": ("▲", "bad"), "not-begun": ("▬", "parked"),
}  # fmt: skip
RESULT, TOOK = 18, 8
PAUSE = 0.15
"""Seconds in which changes are collected before they are shown."""
MOST_LINES = 400
"""Lines of one host that are shown; all that remain are copied."""


class SiteRunScreen(RowsScreen):
    """The target is the place of the run among those of the session. Leaving the page ends nothing."""

    scope: ClassVar[Scope] = "global"
    view = "site-run"
    BINDINGS = move_bindings({"nav-back": "stop_or_back"})

    def begin(self) -> None:
        """Follow the run."""
        super().begin()
        number = int(self.target) if self.target.isdecimal() else -1
        self.run_of: FanOut | None = next((each for at, each in self.session.runs if at == number), None)
        if self.run_of is not None:
            self.run_of.changed = self._changed

    def on_unmount(self) -> None:
        """Follow it no more."""
        if self.run_of is not None and self.run_of.changed == self._changed:
            self.run_of.changed = lambda target: None

    _waits = False

    def _changed(self, target: str) -> None:
        if self.is_there and self._shown and not self._waits:
            self._waits = True
            self.set_timer(PAUSE, self._show)

    def _show(self) -> None:
        self._waits = False
        self.select()
        self.show_frame()

    @property
    def crumb(self) -> str:
        """The name of the view."""
        return "Run"

    @property
    def is_under_way(self) -> bool:
        """Whether hosts work."""
        return self.run_of is not None and self.run_of.ended is None

    def count(self) -> str:
        """Return how many hosts have ended."""
        run = self.run_of
        if run is None:
            return ""
        ended = sum(result.state not in UNDER_WAY for result in run.results.values())
        return f"{ended} of {amount(len(run.results), 'host')}"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works now."""
        output = self.unfold_hint("output") if self.run_of is not None else ()
        if not self.is_under_way:
            return (*output, "copy")
        assert self.run_of is not None
        return (*output, "nav-back=end all" if self.run_of.is_stopping else "nav-back=begin no more", "copy")

    def heads(self, width: int) -> list[Line]:
        """Return the command, the counts, and the titles of the columns."""
        run = self.run_of
        assert run is not None
        counts = run.counts()
        fine, bad = counts["done"], run.failures()
        waits = sum(counts[state] for state in ("connecting", "running"))
        pieces: list[Piece] = [(f"{fine} done", "ok")]
        pieces += ["   ", (f"{bad} failed", "bad")] if bad else []
        pieces += ["   ", (f"{waits} at work", "work")] if waits else []
        pieces += ["   ", (f"{counts['waiting']} waiting", "muted")] if counts["waiting"] else []
        pieces += (
            ["   ", (f"{counts['not-begun']} not begun: {run.why_stopped}", "parked")] if counts["not-begun"] else []
        )
        if run.is_stopping and self.is_under_way:
            pieces += ["   ", (f"no further host begins: {run.why_stopped}", "warn")]
        root: list[Piece] = [("as root  ", "warn")] if run.what.sudo else []
        first = cut(run.what.command.strip().partition("\n")[0], max(width - 10, 8))
        titles: list[tuple[Piece, int]] = [
            ("", 1), (("HOST", "head"), self._room(width)), (("RESULT", "head"), RESULT), (("TOOK", "head"), -TOOK),
            (("LAST LINE", "head"), self._rest(width)),
        ]  # fmt: skip
        return [line(*root, (first, "accent")), line(*pieces), Line(), columns(titles)]

    def _room(self, width: int) -> int:
        assert self.run_of is not None
        return max(8, min(max(map(len, self.run_of.results), default=8), width // 3))

    def _rest(self, width: int) -> int:
        return max(8, width - 1 - self._room(width) - RESULT - TOOK - 8)

    def rows(self, width: int) -> list[Line]:
        """Return a row for each host, in the order of the plan."""
        return [] if self.run_of is None else [self._row(result, width) for result in self.run_of.results.values()]

    def _row(self, result: HostResult, width: int) -> Line:
        room, rest = self._room(width), self._rest(width)
        took = "" if result.seconds is None else f"{result.seconds:.1f} s"
        if result.state in ("connecting", "running"):
            took = age_of(result.began, self.now)
        sign, role = SIGNS[result.state]
        cells: list[tuple[Piece, int]] = [
            ((sign, role), 1), ((cut(clean(result.target, 200), room), "strong"), room),
            ((cut(result.word, RESULT), role), RESULT), (took, -TOOK), ((cut(result.last_line, rest), "muted"), rest),
        ]  # fmt: skip
        return columns(cells, key=f"at/{result.target}")

    def _of(self, key: str) -> HostResult | None:
        return None if self.run_of is None else self.run_of.results.get(key.removeprefix("at/"))

    def detail(self, key: str, width: int) -> list[Line]:
        """Return what a host printed, or why it did not."""
        result = self._of(key)
        if result is None:
            return []
        rows = [line((clean(result.target, 200), "strong"), "  ", (result.word, SIGNS[result.state][1]))]
        if result.error is not None and result.state != "failed":
            rows += wrap(f"{result.error.message} {result.error.hint}".strip(), width, role="warn")
        elif result.note:
            rows += wrap(result.note, width, role="warn")
        if result.state == "running":
            return rows + self._newest(result, width)
        lines: list[tuple[str, Role]] = [(text, "") for text in result.output.lines]
        lines += [(text, "warn") for text in result.errors.lines]
        for text, role in lines[:MOST_LINES]:
            rows += wrap(text, width, role=role) if text else [Line()]
        if len(lines) > MOST_LINES:
            rows.append(line((f"{len(lines) - MOST_LINES:,} more lines; c copies all", "muted")))
        return rows

    def _newest(self, result: HostResult, width: int) -> list[Line]:
        """Return the end of what a host has printed until now, as much as is in sight."""
        room = max(self.size.height - 10, 6)
        errors = [row for text in result.errors.lines[-room:] for row in wrap(text, width, role="warn")][-room // 3 :]
        texts = result.output.lines[-room:]
        return [*[row for text in texts for row in wrap(text, width) or [Line()]][len(errors) - room :], *errors]

    def empty(self, width: int) -> list[Line]:
        """Return that there is no run."""
        return wrap("This run is not known any more. edgewright site ledger has what came of it.", width, role="muted")

    def copies(self) -> list[Copyable]:
        """Return what can be copied: the output of a host, and the table."""
        result = self._of(self.pointed)
        if self.run_of is None or result is None:
            return []
        texts = [("output", "\n".join(result.output.lines)), ("errors", "\n".join(result.errors.lines))]
        rows = "\n".join(f"{each.target}\t{each.word}\t{each.last_line}" for each in self.run_of.results.values())
        texts += [("all results", rows), ("command", self.run_of.what.command)]
        return [Copyable(label, text, clean(result.target, 80)) for label, text in texts if text]

    def action_stop_or_back(self) -> None:
        """Let no further host begin; again: end those that run; afterwards leave."""
        run: Any = self.run_of
        if not self.is_under_way:
            self.leave()
        elif not run.is_stopping:
            run.no_more("you stopped it")
            self._show()
        else:
            run.end_all()
