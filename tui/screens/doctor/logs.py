"""The log of a unit of a host that is open by SSH: its last lines, read again while they are followed."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.opened import Site
from edgewright.core.errors import NotFound
from tui.frame.pager.log_polled import PolledLogScreen
from tui.screens.doctor.title import site_title
from tui.widgets.lines import Line

PAUSE = 3.0
"""Seconds between two looks; each is one round trip."""


class SiteLogScreen(PolledLogScreen):
    """The target is that of the site, a slash, and the unit; the connection is that of Doctor, which is below."""

    scope: ClassVar[Scope] = "global"
    view = "site-log"
    pause = PAUSE

    @property
    def _unit(self) -> str:
        return self.target.rpartition("/")[2]

    @property
    def crumb(self) -> str:
        """Name the log."""
        return f"log of {self._unit}"

    @property
    def _site(self) -> Site | None:
        site: Site | None = self.session.sites.get(self.target.rpartition("/")[0])
        return site

    def head_line(self, width: int) -> Line:
        """Return which site this is and whether the connection is there."""
        site = self._site
        return super().head_line(width) if site is None else site_title(site, self.now, width, self.session.read_only)

    async def fetch_lines(self) -> list[str]:
        """Return the last lines of the unit. Raises `NotFound`, and what reading it raises."""
        target = self.target.rpartition("/")[0]
        site = self._site
        if site is None:
            raise NotFound(f"{target} is not open any more.", f"Open it: :site open {target}")
        return await site.log(self._unit)
