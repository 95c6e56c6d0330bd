"""A page of a site that is open by SSH, over Doctor: its title, its connection, and what is old while that is lost.

A page defines what it shows (`select`), what it reads (`read_again`, a worker of its own), and which keys work. The
connection is that of Doctor; when it is lost what was read stays, and `stale` is true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.opened import Site
from tui.frame.base import BaseScreen
from tui.frame.title import sites_pieces
from tui.screens.doctor.title import site_title
from tui.screens.site.pages import SitePages
from tui.widgets.lines import Line


class SiteScreen(BaseScreen, SitePages):
    """The target is that of the site; `site` is None when it was closed meanwhile."""

    scope: ClassVar[Scope] = "site"

    def begin(self) -> None:
        """Take the site of the session and follow its changes."""
        super().begin()
        site: Site | None = self.session.sites.get(self.site_target)
        self.site = site
        self._before = "" if site is None else site.state
        if site is not None:
            self._stop_listening = site.listen(self._site_changed)

    _stop_listening: Callable[[], None] = staticmethod(lambda: None)

    @property
    def site_target(self) -> str:
        """The target of the site; a page with more in its own target takes its part of it."""
        return self.target

    @property
    def no_site(self) -> str:
        """Why there is nothing to show, "" with a site."""
        if self.site is not None:
            return ""
        return f"{self.site_target} is not open. Open it: :site open {self.site_target}"

    @property
    def stale(self) -> bool:
        """Whether what was read is older than the connection: it is lost, or ended."""
        return self.site is None or not self.site.is_open

    @property
    def again_hint(self) -> tuple[str, ...]:
        """What `R` does now, for the key line; nothing where it would be refused."""
        if self.site is None or not (self.site.is_open or self.site.is_lost()):
            return ()
        return ("site-again=read again" if self.site.is_open else "site-again=connect again",)

    def head_line(self, width: int) -> Line:
        """Return which site this is and whether the connection is there."""
        if self.site is None:
            return super().head_line(width)
        others = sites_pieces(self.session, self.site)
        return site_title(self.site, self.now, width, self.session.read_only, others)

    def on_unmount(self) -> None:
        """Follow the site no more."""
        self._stop_listening()

    def read_again(self) -> None:
        """Read what the page shows once more; called by `R`, and when the connection is there again."""

    def action_site_again(self) -> None:
        """Read again; while the connection is lost: connect again at once."""
        if self.site is None:
            self.refuse_here(self.no_site)
        elif self.site.is_open:
            self.read_again()
        elif self.site.is_lost():
            self.site.try_now()
        else:
            self.refuse_here(f"There is no connection to {self.site.target}. Go back to Doctor and connect again: R")

    def action_retry(self) -> None:
        """Do the same for the key that asks again everywhere."""
        self.action_site_again()

    def _site_changed(self) -> None:
        site = self.site
        if site is None or not self.is_there:
            return
        before, self._before = self._before, site.state
        if site.is_open and before != "open":
            self.read_again()
        if self._shown:
            self.select()
            self.show_frame()
