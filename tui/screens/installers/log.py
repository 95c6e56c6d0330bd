"""The log of a build; it is followed while it is open, unless the user stops that."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from edgewright.commands.kernel.base import Scope
from tui.frame.pager.log_polled import PolledLogScreen

LINES = 2000


class InstallerLogScreen(PolledLogScreen):
    """Shows the log of build `target`."""

    scope: ClassVar[Scope] = "global"
    view = "installer-log"

    def read_lines(self) -> list[str]:
        """Return the last lines of the build's log."""
        source: Any = self.session.installer
        if source is None:
            from edgewright.commands.installer import wizard_api as source
        return cast("list[str]", source.build_log(self.target, LINES))
