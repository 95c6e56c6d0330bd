"""Clusters on the start screen: how many, how they are, and those that their hosts form or end now."""

from __future__ import annotations

from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine.model import Model
from edgewright.wire.protocol import clusters as wire
from tui.screens.pulse.content import ClusterCount, Item

FOLD_OVER = 3
"""More clusters that form than these are one line."""


def cluster_count(model: Model) -> ClusterCount:
    """Return how the clusters are; deleted ones are not counted."""
    rows = [row for row in model.rows(CLUSTERS).values() if row.state != wire.DELETED]
    working = sum(1 for row in rows if _works(row))
    return ClusterCount(
        healthy=sum(1 for row in rows if row.health == "healthy"),
        unhealthy=sum(1 for row in rows if row.health == "unhealthy"),
        unknown=sum(1 for row in rows if row.health not in ("healthy", "unhealthy")) - working,
        working=working,
        simulated=sum(1 for row in rows if row.simulated),
    )


def _works(row: ClusterRow) -> bool:
    return row.forms and row.health != "unhealthy"


def forming_items(model: Model) -> tuple[Item, ...]:
    """Return the clusters that are formed or deleted now, the oldest first; many are one line."""
    rows = sorted((row for row in model.rows(CLUSTERS).values() if _works(row)), key=lambda row: row.created or 0.0)
    if len(rows) > FOLD_OVER:
        return (_many(rows),)
    return tuple(_item(row) for row in rows)


def _item(row: ClusterRow) -> Item:
    what = "ends" if row.state == wire.DELETING else "forms"
    place = f", {row.steps_done} of {row.steps} steps" if row.steps else ""
    step = f": {row.step}" if row.step else ""
    return Item(
        key=f"forming/{row.uid}",
        section="working",
        name=row.name,
        sentence=f"{what}{step}{place}",
        since=row.created,
        detail=(f"The hosts of {row.name} work on it by themselves; its screen has each step.",),
        opens=f"cluster/{row.uid}",
        uids=row.host_uids,
        kind="forming",
    )


def _many(rows: list[ClusterRow]) -> Item:
    names = [row.name for row in rows]
    more = f" and {len(names) - 12:,} more" if len(names) > 12 else ""
    return Item(
        key="forming",
        section="working",
        name=f"{len(rows):,} clusters",
        sentence="form or end",
        since=rows[0].created,
        detail=(f"Clusters: {', '.join(names[:12])}{more}.",),
        opens="clusters/",
        uids=tuple(uid for row in rows for uid in row.host_uids),
        kind="forming",
    )
