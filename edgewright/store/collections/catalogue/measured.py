"""How the APIs of clusters were reached from this machine: what was measured last, with its time, for every screen.

The plane knows what became of a stream of its relay; whether there is a direct route, or SSH, is known here alone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import EdgewrightError

MOST = 500
"""Clusters; those that were measured longest ago go first."""


class Look(msgspec.Struct, frozen=True):
    """One way: `yes` or `no`, since when that is so, when it was measured last (epoch seconds), and why not."""

    state: str
    since: float
    at: float
    error: str = ""


Ways = dict[str, Look]
"""By way: `direct`, `ssh`."""


def read() -> dict[str, Ways]:
    """Return what was measured, by the uid of the cluster; nothing where that cannot be read. Blocking."""
    try:
        return msgspec.json.decode(locations.read_private(_path()) or "{}", type=dict[str, Ways])
    except (msgspec.DecodeError, EdgewrightError):
        return {}


def note(uid: str, **ways: tuple[str, str]) -> None:
    """Store the state and the error of ways that were measured now; one that is unknown is left out. Blocking.

    A machine that cannot store it measures again next time: nothing is raised.
    """
    now, every = times.now(), read()
    known = every.pop(uid, {})
    for way, (state, error) in ways.items():
        if state in ("yes", "no"):
            before = known.get(way)
            since = before.since if before is not None and before.state == state else now
            known[way] = Look(state, since, now, error[:200])
    if not known:
        return
    every[uid] = known
    try:
        path = _path()
        locations.ensure(path.parent)
        locations.write_private(path, msgspec.json.encode(dict(list(every.items())[-MOST:])))
    except (EdgewrightError, OSError):
        return


def _path() -> Path:
    return locations.folder("state") / "reach.json"
