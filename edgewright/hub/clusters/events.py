"""Events about clusters."""

from __future__ import annotations

from edgewright.core import times
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.db.events import MAX_TEXT, store_event
from edgewright.hub.db.transaction import Tx
from edgewright.hub.security.secretbox import new_uid
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire


def cluster_event(hub: Services, tx: Tx, record: ClusterRecord, severity: str, reason: str, message: str) -> None:
    """Store an event about a cluster."""
    about = {"kind": wire.KIND, "uid": record.uid, "name": record.name}
    document = {
        "involvedObject": about,
        "relatedObject": dict(about),
        "message": message[:MAX_TEXT],
        "reason": reason,
        "severity": severity,
        "source": {"component": "hub", "host": ""},
        "metadata": {"uid": new_uid(), "creationTimestamp": times.rfc3339(tx.now)},
    }
    store_event(hub.state, tx, document, record.project_uid)
