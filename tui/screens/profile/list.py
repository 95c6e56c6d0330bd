"""All versions of profiles: the list of their table, where two can be compared and one read as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.frame.links import open_key
from tui.frame.lists.described import DescribedListing, list_screen
from tui.screens.profile import content
from tui.screens.profile.content import Shown
from tui.screens.profile.screen import compare
from tui.widgets.lines import Line, blocks

if TYPE_CHECKING:
    _Profiles = DescribedListing
else:
    _Profiles = list_screen("profile")


class ProfilesScreen(_Profiles):
    """Lists profiles; `=` compares the two that are marked, or the one under the cursor with the version before."""

    hints = (
        "nav-open=open", "filter", "profile-new", "profile-edit", "profile-import=import", "profile-preview",
        "profile-diff", "profile-clone", "profile-version", "mark", "profile-publish", "profile-tag", "profile-export",
        "profile-delete",
    )  # fmt: skip

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the stack of the version under the cursor, with its variables, versions and clusters."""
        entry = (self._things or {}).get(key)
        if entry is None:
            return self.problem(width)
        rows = [each.row for each in (self._things or {}).values()]
        same = tuple(row for row in rows if (row.name, row.project_uid) == (entry.row.name, entry.row.project_uid))
        shown = Shown(entry, same, self._look.project(entry.row.project_uid))
        parts = [
            [*self.problem(width), *content.headline(shown, width), *content.stack(shown, width, low=True)],
            content.versions(shown, width, self.now, ""),
            content.clusters(shown, width),
            content.variables(shown, width),
            content.facts(shown, width, self.now),
        ]
        return [line._replace(key="") for line in blocks(parts)]

    def action_compare(self) -> None:
        """Compare two marked versions, the older first, or the one under the cursor with the version before it."""
        targets = self.targets()
        rows = [entry.row for entry in (self._things or {}).values()]
        if len(targets) > 2:
            self.app.refuse("Two versions are compared: mark two, or none.")  # type: ignore[attr-defined]
        elif targets:
            marked = [row for row in rows if row.uid in targets]
            here = next(row for row in rows if row.uid == targets[0])
            same = [row for row in rows if (row.name, row.project_uid) == (here.name, here.project_uid)]
            compare(self, marked if len(marked) > 1 else same, targets[0], targets[1] if len(targets) > 1 else "")

    def action_yaml(self) -> None:
        """Show the profile under the cursor as it is exported, in YAML."""
        if self.table.cursor_key:
            open_key(self.app, f"profile-yaml/{self.table.cursor_key}")
