"""What was done over SSH from this machine, newest first; the target of the page is the host that it is about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.fleet.ledger import LedgerRow, is_of, read
from edgewright.core import times
from edgewright.core.text import clean
from tui.screens.site.rows import RowsScreen
from tui.verbs.copy import Copyable
from tui.widgets.lines import Line, Piece, columns, cut, wrap, wrapped_facts

MOST = 500
"""Rows that are shown; `edgewright site ledger` has more."""
TIME, VERB, RESULT, TOOK = 16, 15, 14, 8
NARROW, SHORT = 78, 12
"""Cells of the rows below which verbs have fewer: there is a pane with all of a row beside them, or little room."""
WHAT = 20
"""Cells from which what was done has a column: fewer show too little of it."""


def _verb(width: int) -> int:
    return VERB if width >= NARROW else SHORT


class LedgerScreen(RowsScreen):
    """It is read when the page opens, and again by the key that asks again everywhere."""

    scope: ClassVar[Scope] = "global"
    view = "ledger"
    _read: Sequence[LedgerRow] | None = None

    def begin(self) -> None:
        """Read the journal."""
        super().begin()
        self.read_journal()

    @work(group="ledger:read", exclusive=True, exit_on_error=False)
    async def read_journal(self) -> None:
        """Take the rows from the disk, in a thread."""
        context = self.session.make_context() if self.session.make_context is not None else None
        rows = await asyncio.to_thread(read, context.journal if context is not None else None)
        if context is not None:
            await context.aclose()
        self._read = [row for row in rows if not self.target or is_of(row, self.target)]
        self.select()
        self.show_frame()

    @property
    def crumb(self) -> str:
        """The name of the view, and the host."""
        return f"Ledger › {self.target}" if self.target else "Ledger"

    def count(self) -> str:
        """Return how many rows there are."""
        rows = self._read
        return (
            "" if rows is None else f"{min(len(rows), MOST):,} of {len(rows):,}" if len(rows) > MOST else str(len(rows))
        )

    def working_hints(self) -> tuple[str, ...]:
        """Return what works."""
        return (*self.unfold_hint("details"), "copy", "retry=read again") if self._read else ("retry=read again",)

    def heads(self, width: int) -> list[Line]:
        """Return the titles of the columns."""
        room = self._room(width)
        cells: list[tuple[Piece, int]] = [
            (("TIME (UTC)", "head"), TIME), (("HOST", "head"), room), (("VERB", "head"), _verb(width)),
            (("RESULT", "head"), RESULT), (("TOOK", "head"), -TOOK),
        ]  # fmt: skip
        return [columns([*cells, (("WHAT", "head"), self._rest(width))] if self._rest(width) >= WHAT else cells)]

    def _room(self, width: int) -> int:
        return max(10, min(28, width - TIME - _verb(width) - RESULT - TOOK - 8))

    def _rest(self, width: int) -> int:
        return width - TIME - _verb(width) - RESULT - TOOK - self._room(width) - 10

    def rows(self, width: int) -> list[Line]:
        """Return the newest rows."""
        return [self._row(row, width) for row in (self._read or ())[:MOST]]

    def _row(self, row: LedgerRow, width: int) -> Line:
        room, rest = self._room(width), self._rest(width)
        cells: list[tuple[Piece, int]] = [
            (times.rfc3339(row.began)[:16].replace("T", " "), TIME), ((cut(row.host, room), "strong"), room),
            (cut(row.verb.removeprefix("site "), _verb(width)), _verb(width)),
            ((cut(row.result, RESULT), "bad" if row.is_bad else "ok"), RESULT), (row.took, -TOOK),
        ]  # fmt: skip
        return columns([*cells, (cut(row.what, rest), rest)] if rest >= WHAT else cells, key=f"{row.entry}/{row.host}")

    def _of(self, key: str) -> LedgerRow | None:
        return next((row for row in self._read or () if f"{row.entry}/{row.host}" == key), None)

    def detail(self, key: str, width: int) -> list[Line]:
        """Return everything about one row."""
        row = self._of(key)
        if row is None:
            return []
        pairs = [("who", row.who), ("began", times.rfc3339(row.began)[:19] + "Z")]
        pairs += [("ended", times.rfc3339(row.ended)[:19] + "Z")] if row.ended is not None else []
        pairs += [("result", row.result), *([("why", row.message)] if row.message else [])]
        pairs += [("recording", row.recording)] if row.recording else []
        return [
            *wrap(row.what, width, role="strong"),
            *wrapped_facts(pairs, 10, width),
            *wrap(row.cli, width, role="accent"),
        ]

    def empty(self, width: int) -> list[Line]:
        """Return why there is nothing."""
        if self._read is None:
            return wrap("Reading the journal.", width, "► ", "  ")
        about = f" on {clean(self.target, 80)}" if self.target else ""
        return wrap(f"Nothing was done over SSH{about} from this machine.", width, role="muted")

    def copies(self) -> list[Copyable]:
        """Return what can be copied of the row under the cursor."""
        row = self._of(self.pointed)
        if row is None:
            return []
        texts = [("command line", row.cli), ("recording", row.recording), ("host", row.host)]
        return [Copyable(label, text, row.what) for label, text in texts if text]

    def action_retry(self) -> None:
        """Read it again."""
        self.read_journal()
