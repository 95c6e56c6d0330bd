"""A file of a site, to read: its begin, of a log its end, without secrets."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.files.views import View, view
from edgewright.commands.site.opened import Site, unread
from edgewright.commands.site.sizes import size_of
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import amount, clean
from tui.frame.pager.pager import ReaderScreen
from tui.screens.doctor.title import site_title
from tui.screens.site.files_content import shown_path
from tui.widgets.lines import Line, line, wrap

MOST_LINE = 4000


class SiteFileScreen(ReaderScreen):
    """The target is that of the site, a slash, and the path."""

    scope: ClassVar[Scope] = "global"
    view = "site-file"

    def begin(self) -> None:
        """Read the file."""
        super().begin()
        target, _, self._path = self.target.partition("/")
        self.site: Site | None = self.session.sites.get(target)
        self._view: View | None = None
        self._reading_since: float | None = None
        self._problem = "" if self.site is not None else f"{target} is not open. Open it: :site open {target}"
        if self.site is not None:
            self._read(self.site)

    @property
    def crumb(self) -> str:
        """Name the file."""
        return shown_path(self._path)

    def head_line(self, width: int) -> Line:
        """Return which site this is and whether the connection is there."""
        site = self.site
        return super().head_line(width) if site is None else site_title(site, self.now, width, self.session.read_only)

    def count(self) -> str:
        """Return for how long it is read, else what every text shows."""
        since = self._reading_since
        return super().count() if since is None else f"reading {int(max(self.now - since, 0))}s"

    @work(group="site:file", exclusive=True, exit_on_error=False)
    async def _read(self, site: Site) -> None:
        self._reading_since = self.now
        self.show_frame()
        try:
            self._view, self._problem = await view(site, self._path), ""
        except EdgewrightError as error:
            self._problem = unread(error)
        self._reading_since = None
        self.select()
        if self._view is not None and self._view.begin:
            self.text.scroll_end(animate=False)

    def action_retry(self) -> None:
        """Read it again."""
        if self.site is not None:
            self._read(self.site)

    def text_lines(self, width: int) -> list[Line]:
        """Return the text, and what is not in it."""
        if self._view is None:
            if self._problem:
                return wrap(self._problem, width, "‼ ", "  ", role="warn")
            return wrap("Reading at most 64 KB of it in one round trip. esc goes back.", width, "► ", "  ")
        shown = self._view
        problem = wrap(self._problem, width, "‼ ", "  ", role="warn") if self._problem else []
        if shown.binary:
            return [*problem, line((f"{size_of(shown.size)} of data that is not text. Copy it: D in Files", "muted"))]
        notes = []
        if shown.begin:
            notes.append(f"from byte {shown.begin:,} of {shown.size:,} on")
        elif shown.size > len(shown.text.encode()) + 4096:
            notes.append(f"the begin of {size_of(shown.size)}")
        if shown.left_out:
            notes.append(f"{amount(shown.left_out, 'secret')} covered")
        if not shown.text and not notes:
            return [*problem, line(("The file is empty.", "muted"))]
        head = [line((", ".join(notes), "muted"))] if notes else []
        return [*problem, *head, *(line(clean(text, MOST_LINE)) for text in shown.text.splitlines())]
