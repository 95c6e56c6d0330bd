"""Looking at the builds once a second, in a thread, while a screen that shows them is in front."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from textual import work

from edgewright.commands.installer.view import look
from edgewright.core.errors import EdgewrightError
from edgewright.core.installer.origin import Installer, installer_of, origin
from tui.frame.base import BaseScreen

if TYPE_CHECKING:
    from edgewright.commands.installer.view import Shown
    from edgewright.store.collections.hosts import HostRow

PAUSE = 1.0
"""Seconds between two looks."""


class WatchesBuilds(BaseScreen):
    """A screen that knows the builds: `self.builds` by id, `None` before the first look."""

    builds: dict[str, Shown] | None = None
    trouble = ""

    @property
    def is_settled(self) -> bool:
        """Whether the builds were looked at once."""
        return self.builds is not None

    def begin(self) -> None:
        """Look now, and then once a second."""
        super().begin()
        self._look()
        self.set_interval(PAUSE, self.look_again)

    def look_again(self) -> None:
        """Look, unless another screen is in front."""
        if self._shown:
            self._look()

    @property
    def _source(self) -> Callable[[], list[Any]]:
        installer = self.session.installer
        if hasattr(installer, "look"):
            result: Callable[[], list[Any]] = installer.look
            return result

        return look

    @work(exclusive=True, group="installers:look", exit_on_error=False)
    async def _look(self) -> None:
        try:
            result = await asyncio.to_thread(self._source)
        except EdgewrightError as error:
            self.trouble = f"{error.message} {error.hint}".strip()
            result = []
        builds = {shown.build.id: shown for shown in result}
        if builds != self.builds:
            self.builds = builds
            if self.is_there:
                self.select()


def hosts_by_build(hosts: Iterable[HostRow], builds: Iterable[Shown]) -> dict[str, list[str]]:
    """Return the hosts that came from each build, as `uid TAB name`, by the build's id."""
    installers: list[Installer] = [installer_of(item.build.id, item.manifest) for item in builds if item.manifest]
    matches: dict[str, list[str]] = {}
    if not installers:
        return matches
    for row in hosts:
        labels = dict(tag.split(":", 1) for tag in row.tags if ":" in tag)
        build = origin(labels, row.token_uid, row.registered, installers)
        if build:
            matches.setdefault(build, []).append(f"{row.uid}\t{row.name or row.uid}")
    return {key: sorted(names, key=lambda item: item.split("\t", 1)[1]) for key, names in matches.items()}
