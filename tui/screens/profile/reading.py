"""What the screens about profiles share: a version is read from the plane, and resolved in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

from textual import work

from edgewright.commands.kernel import described
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry
from edgewright.commands.profile.reading import ProfileContent, content_of
from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.catalogue.profiles import PROFILES, ProfileRow
from edgewright.store.table import TENANT
from tui.frame.fetch import sentence
from tui.frame.fetched import Fetches
from tui.screens.profile.content import Resolved, Shown
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line

SMALL = 40_000
"""Characters of texts whose lines are made at once: that takes about 10 ms."""
REMOVED = "This version does not exist any more."


class ReadsProfiles(Fetches):
    """Reads the versions that `uids` names; what did not change at the plane is not read again."""

    audit_kind: ClassVar[str] = PROFILES.change_kind
    collections = Fetches.collections | {PROFILES.name}
    _read: dict[tuple[str, float | None], tuple[ProfileContent, Resolved]]

    def begin(self) -> None:
        """Fetch the first time."""
        self._read = {}
        self._lines_of: object = None
        self._lines_key: Hashable = None
        self._lines: list[Line] = []
        super().begin()

    @property
    def uids(self) -> tuple[str, ...]:
        """Return the versions that are shown."""
        return (self.target.partition("/")[0],)

    def shown(self, uid: str) -> Shown | None:
        """Return a version as far as it was read."""
        return (self._things or {}).get(uid)

    def with_uids(self, rows: Sequence[ProfileRow]) -> str:
        """Return the target with the uid of the version in place of the name that was typed."""
        name, slash, rest = self.target.partition("/")
        return f"{uid_of(name, rows)}{slash}{rest}"

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return the versions by uid; the rows of the list are shown before their content is here."""
        result = await described.entries(ctx, PROFILES.noun)
        self.target = self.with_uids([entry.row for entry in result.items])
        versions: dict[str, Any] = {}
        for uid in self.uids:
            entry = next((each for each in result.items if each.row.uid == uid), None)
            if entry is not None:
                versions[uid] = self._with_content(_shown(entry, result))
        if self._things is None and versions:
            self._things = dict(versions)
            self.select()
        for uid, shown in versions.items():
            if shown.content is None:
                versions[uid] = await self._complete(ctx, shown)
        return versions

    def _with_content(self, shown: Shown) -> Shown:
        read = self._read.get((shown.row.uid, shown.row.modified))
        if read is None:
            return shown
        return shown._replace(content=read[0], resolved=read[1])

    async def _complete(self, ctx: CommandContext, shown: Shown) -> Shown:
        try:
            content = await content_of(ctx, shown.entry)
            resolved = await asyncio.to_thread(Resolved.of, content)
        except EdgewrightError as error:
            return shown._replace(error=sentence(error))
        if not content.notes:  # what could not be read is asked for again
            self._read[shown.row.uid, shown.row.modified] = content, resolved
        return shown._replace(content=content, resolved=resolved)

    def made(self, of: object, key: Hashable, size: int, make: Callable[[], list[Line]]) -> list[Line]:
        """Return the lines of a thing, made once for a key; of more than `SMALL` characters they are made in a thread.

        What was shown before stays until they are there.
        """
        if of is not self._lines_of or key != self._lines_key:
            if size > SMALL:
                self._make(of, key, make)
                return self._lines or [line(("► ", "work"), "Working ...")]
            self._lines_of, self._lines_key, self._lines = of, key, make()
        return self._lines

    @work(exclusive=True, group="profile:lines", exit_on_error=False)
    async def _make(self, of: object, key: Hashable, make: Callable[[], list[Line]]) -> None:
        lines = await asyncio.to_thread(make)
        self._lines_of, self._lines_key, self._lines = of, key, lines
        if self.is_there:
            self.select()

    def named(self, what: str) -> str:
        """Return `what` for the crumb line, with the version in front unless the path names it already."""
        shown = self.shown(self.uids[0])
        path = getattr(self.app, "path", ())
        return what if shown is None or ("profile", self.uids[0]) in path else f"{shown.row.reference} {what}"

    def action_retry(self) -> None:
        """Read everything again."""
        self._read.clear()
        self.fetch()

    def waiting(self, uid: str, width: int) -> list[Line]:
        """Return what is shown while nothing was read, or why nothing can be."""
        shown = self.shown(uid)
        if shown is None and self._error:
            return self.problem(width)
        if self._things is None:
            return [line(("► ", "work"), "Loading ...")]
        if shown is None:
            return [line(("○ ", "muted"), REMOVED)]
        if shown.error:
            return [line(("▲ ", "bad"), shown.error)]
        return [line(("► ", "work"), "Reading its packs ...")] if shown.content is None else []

    def dim(self) -> None:
        """Show everything as of the past while the plane cannot be asked."""
        if self.is_there:
            for view in self.query(LineView):
                view.set_dimmed(self.session.store.model.source.away)

    def views(self, *names: str) -> list[LineView]:
        """Return views of lines by their ids."""
        return [self.query_one(f"#{name}", LineView) for name in names]


def uid_of(name: str, rows: Sequence[ProfileRow]) -> str:
    """Return the uid of a version that is named by `NAME:VERSION`, or by a name with one version; else `name`."""
    if any(row.uid == name for row in rows):
        return name
    matches = [row.uid for row in rows if name in (row.reference, row.name)]
    return matches[0] if len(matches) == 1 else name


def _shown(entry: Entry, result: described.Entries) -> Shown:
    row: ProfileRow = entry.row
    same = [each.row for each in result.items if (each.row.name, each.row.project_uid) == (row.name, row.project_uid)]
    project = result.projects.get(row.project_uid, row.project_uid) or TENANT
    return Shown(entry, tuple(same), project)
