"""How the APIs of clusters were reached from this machine: what was measured last, with its time, for every screen.

The plane knows what became of a stream of its relay; whether there is a direct route, or SSH, is known here alone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.catalogue import reached

MOST = 500
"""Clusters; those that were measured longest ago go first."""
STATES = ("yes", "no", "open")
MOST_AUTHORITY = 8192
"""Characters of a CA that is stored."""


class Look(msgspec.Struct, frozen=True):
    """One way: its state, since when that is so, when it was measured last (epoch seconds), and why not.

    `yes` and `no` are proven; `open`: something answers, and nothing here knows the CA of the cluster yet.
    """

    state: str
    since: float
    at: float
    error: str = ""


Ways = dict[str, Look]
"""By way: `direct`, `ssh`."""


def read() -> dict[str, Ways]:
    """Return what was measured, by the uid of the cluster; nothing where that cannot be read. Blocking."""
    try:
        return msgspec.json.decode(locations.read_private(reached.path()) or "{}", type=dict[str, Ways])
    except (msgspec.DecodeError, EdgewrightError):
        return {}


def note(uid: str, authority_: str = "", /, **ways: tuple[str, str]) -> None:
    """Store the state and the error of ways that were measured now; one that is unknown is left out. Blocking.

    `authority_` is the CA of the cluster, as a kubeconfig has it. A machine that cannot store it measures again next
    time: nothing is raised.
    """
    now, every = times.now(), read()
    known = every.pop(uid, {})
    for way, (state, error) in ways.items():
        if state in STATES:
            before = known.get(way)
            since = before.since if before is not None and before.state == state else now
            known[way] = Look(state, since, now, error[:200])
    if known:
        _write(reached.path(), {**every, uid: known})
    if authority_ and len(authority_) <= MOST_AUTHORITY and authority(uid) != authority_:
        _write(_authorities(), {**_read_authorities(uid), uid: authority_})


def authority(uid: str) -> str:
    """Return the CA of a cluster that a verb of this machine has used, base64 of PEM; "" for none. Blocking."""
    return _read_authorities().get(uid, "")


def _read_authorities(without: str = "") -> dict[str, str]:
    try:
        known = msgspec.json.decode(locations.read_private(_authorities()) or "{}", type=dict[str, str])
    except (msgspec.DecodeError, EdgewrightError):
        return {}
    return {uid: text for uid, text in known.items() if uid != without}


def _write(path: Path, every: dict[str, Any]) -> None:
    with suppress(EdgewrightError, OSError):
        locations.ensure(path.parent)
        locations.write_private(path, msgspec.json.encode(dict(list(every.items())[-MOST:])))


def _authorities() -> Path:
    return locations.folder("state") / "authorities.json"
