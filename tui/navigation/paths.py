"""Paths of the console: the crumb line shows one, Esc goes one place up in it.

A path is not the history of visits (`tui.navigation.history` has that, for `-`, `[` and `]`). The key or name of a main
view starts a new path; opening what the cursor is on extends the present one.
"""

from __future__ import annotations

from tui.navigation.views import OBJECTS

Place = tuple[str, str]
"""View and target."""
Path = tuple[Place, ...]
"""Places from the outermost to the one in front. One that does not begin with the start view has it above it, unseen:
Esc on the first place of a path goes there."""

OVERLAYS = frozenset({"help", "messages"})
"""Views about the place below them: one takes the place of another, and the history does not list them."""
ABOVE = {
    **{view: list_ for list_, view in OBJECTS.items()},
    "installer-log": "installers",
    "installer-new": "installers",
    "profile-diff": "profiles",
    "profile-preview": "profiles",
}
"""The list that has the objects of a view: it is the place above one that was opened by name."""


def new_path(view: str, target: str = "") -> Path:
    """Return the path of a view that is opened by its key or its name: `Hosts`, `Hosts › edge-1`."""
    above = ABOVE.get(view)
    return ((above, ""), (view, target)) if above else ((view, target),)


def extended(path: Path, view: str, target: str = "") -> Path:
    """Return the path one place further; a place that is on the path already is returned to."""
    place = (view, target)
    if place in path:
        return path[: path.index(place) + 1]
    if view in OVERLAYS and path and path[-1][0] in OVERLAYS:
        path = path[:-1]
    return (*path, place)


def stack_of(path: Path, home: Place) -> Path:
    """Return the places that are open for `path`: `home` is always below."""
    return path if path[:1] == (home,) else (home, *path)
