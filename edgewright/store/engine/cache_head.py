"""The head of a cached fleet: all that the first frame shows, so that the other hosts are read after it.

It contains the complete model but for hosts; of those it contains each one that a first screen speaks of: what is wrong
and its neighbours, what waits for an operator, what was asked for or happened, and the first lines of the table. The
tally is that of the entire fleet, so every count is right.
"""

from __future__ import annotations

from heapq import nsmallest
from typing import Final

import msgspec

from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.problems import DISK_FULL, is_silent
from edgewright.store.collections.selectors import waits_for_approval
from edgewright.store.engine.model import Model
from edgewright.store.every import COLLECTIONS

FIRST_LINES: Final = 250
"""Hosts of the head that are first in the table as it is sorted by itself: no terminal is higher."""
LIMIT: Final = 4000
"""Hosts of a head at the most; when more are spoken of, or the fleet is not bigger, it is read in one go."""
_RANK: Final = {"unhealthy": 1, "unknown": 2, "healthy": 3}


def head_of(model: Model) -> Model | None:
    """Return the model with the hosts of the first frame alone, `None` when that would not be quicker to read."""
    hosts = model.hosts
    if len(hosts) <= LIMIT:
        return None
    spoken: set[str] = set()
    for each in COLLECTIONS:
        if each.hosts_of is not None:
            spoken.update(uid for row in each.of(model).values() for uid in each.hosts_of(row))
    sites: set[str] = set()
    for uid, row in hosts.items():
        if row.health == "unhealthy" or waits_for_approval(row) or (row.disk_percent or 0.0) >= DISK_FULL:
            spoken.add(uid)
            if row.site and is_silent(row):
                sites.add(row.site)
    if len(spoken) > LIMIT:
        return None
    if sites:
        spoken.update(uid for uid, row in hosts.items() if row.site in sites)
    spoken.update(row.uid for row in nsmallest(FIRST_LINES, hosts.values(), key=_place))
    if len(spoken) > LIMIT:
        return None
    return msgspec.structs.replace(model, hosts={uid: row for uid, row in hosts.items() if uid in spoken})


def _place(row: HostRow) -> tuple[int, str, str]:
    """Return the place of the host in the table: what waits for an operator, what is not healthy, then by name."""
    rank = 0 if row.who == "person" and row.health != "healthy" else _RANK.get(row.health, 2)
    return rank, row.name, row.uid
