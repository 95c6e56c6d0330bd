"""The read model: one immutable picture of all that the sources reported, and the patches between two pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from edgewright.store.collection import Collection
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import MessageRow, Row
from edgewright.store.every import COLLECTIONS

R = TypeVar("R", bound=Row)

HOSTS: Final = "hosts"
MESSAGES: Final = "messages"
SOURCE: Final = "source"
PULSE: Final = "pulse"
ACKNOWLEDGED: Final = "acknowledged"
SITE_HOSTS: Final = "site_hosts"
SITE_CLUSTERS: Final = "site_clusters"
"""What is open by SSH, apart from what a plane has: no sum, no problem and no list of a plane contains it."""

KEYED: Final = (*(each.name for each in COLLECTIONS), ACKNOWLEDGED, SITE_HOSTS, SITE_CLUSTERS)
"""What the model has as dicts, in the order of their patches."""
NAMES: Final = frozenset({*KEYED, MESSAGES, SOURCE, PULSE})
"""What a screen may subscribe to."""

MESSAGE_LIMIT: Final = 500
"""Newest lines of the message log that the model stores."""
PULSE_MINUTES: Final = 60
"""Length of the ring behind the sparkline of the last hour."""


class SourceStatus(msgspec.Struct, frozen=True):
    """What the feed of the plane is doing.

    `state`: `idle` (nothing yet), `cache` (last known fleet from disk), `loading`, `live` (change stream), `polling`
    (no stream to be had), `lost`, `refused` or `replay`. `since` is when that state began, `next_try` when the next
    attempt is due, `contact` when the plane last answered. `done` of `total` shows how far the first fill is.
    """

    state: str = "idle"
    message: str = ""
    since: float | None = None
    next_try: float | None = None
    done: int = 0
    total: int = 0
    contact: float | None = None
    plane: str = ""
    """`hub` or `palette`, `""` while unknown."""
    version: str = ""
    role: str = ""
    """What the plane lets this credential do: `admin` or `viewer`, `""` while unknown."""
    caller: str = ""
    """What was shown to the plane, e.g. `API key noc-wall`."""
    certificates: tuple[tuple[str, float, bool], ...] = ()
    """The plane's own certificates: name, end (epoch seconds), and whether the plane renews it by itself."""
    handling: bool = False
    """Whether the plane stores who handles a problem; without it a console acknowledges for itself alone."""
    missing: tuple[str, ...] = ()
    """Names of the ports (`clients.ports`) that the source does not have; empty while that is unknown."""

    @property
    def away(self) -> bool:
        """Whether what the model contains is old because the plane cannot be asked now."""
        return self.state in ("lost", "refused", "cache", "idle")


class Minute(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One minute in which the plane was reached: heartbeats in it and the states of the hosts at its end."""

    minute: int
    """Epoch minutes UTC."""
    heartbeats: int = 0
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0


class Tally(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many hosts are in each state; updated by the reducer, so that a title line costs no pass over 30,000."""

    total: int = 0
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0
    unpaired: int = 0
    ready: int = 0
    in_use: int = 0
    simulated: int = 0
    observed: int = 0


class Patch(msgspec.Struct, frozen=True):
    """One difference between two models.

    `op` is `put`, `delete` or `reset` (the entire collection may differ: select again). `fields` names what changed of
    a row that was there before; it is empty for a new row, a deleted one and a reset.
    """

    collection: str
    key: str = ""
    op: Literal["put", "delete", "reset"] = "put"
    fields: tuple[str, ...] = ()
    new: bool = False
    """The row was not there before."""


class Picture(msgspec.Struct, frozen=True):
    """What the model has beside its collections."""

    seq: int = 0
    """Sequence number of the last event that is in it."""
    at: float = 0.0
    """Time of that event."""
    hosts: dict[str, HostRow] = {}
    messages: tuple[MessageRow, ...] = ()
    source: SourceStatus = SourceStatus()
    pulse: tuple[Minute, ...] = ()
    acknowledged: dict[str, float] = {}
    tally: Tally = Tally()
    site_hosts: dict[str, HostRow] = {}
    """Hosts that are open by SSH, by `ssh:TARGET`."""
    site_clusters: dict[str, ClusterRow] = {}
    """Their clusters, under the same keys."""

    def rows(self, collection: Collection[R]) -> Mapping[str, R]:
        """Return the rows of a collection by key."""
        rows: Mapping[str, R] = getattr(self, collection.name)
        return rows

    @property
    def complete(self) -> bool:
        """Whether all hosts are here; for the first frame of a big fleet most are still on disk, only counted."""
        return len(self.hosts) >= self.tally.total


if TYPE_CHECKING:

    class Model(Picture, frozen=True):
        """All that is known: a dict of rows by key for each of `COLLECTIONS` (`model.rows(TOKENS)`), and `Picture`.

        A model is never changed, its dicts included: the reducer makes a newer one that shares what stayed equal.
        """

        def __init__(self, **parts: Any) -> None: ...
else:
    Model = msgspec.defstruct(
        "Model",
        [(each.name, dict[str, each.row], {}) for each in COLLECTIONS if each.name != HOSTS],
        bases=(Picture,),
        module=__name__,
        frozen=True,
    )
