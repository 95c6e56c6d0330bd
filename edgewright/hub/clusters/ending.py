"""How hosts leave a cluster, and how a cluster ends: by the confirmation of each host, or without it."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core.text import amount
from edgewright.hub.clusters import form, store, tables
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.db.transaction import Tx
from edgewright.hub.services import Services

Json = dict[str, Any]
UNCONFIRMED = "NotConfirmed"


def head_text(head: Json) -> str:
    """Return a head as it is stored."""
    return msgspec.json.encode(head).decode()


def set_condition(head: Json, kind: str, reason: str, message: str, since: float) -> None:
    """Note a condition of a cluster that the plane itself found; an empty message removes it."""
    rest = [row for row in head.get("conditions") or () if row["type"] != kind]
    if message:
        rest.append({"type": kind, "reason": reason, "message": message, "since": since})
    head["conditions"] = rest


def end(hub: Services, tx: Tx, record: ClusterRecord, how: str) -> ClusterRecord:
    """Mark a cluster as deleted; its hosts that did not confirm are free, listed, and still asked to leave.

    Its secrets are deleted, and its name is free.
    """
    head = record.parts
    names = [machine["hostName"] for _pool, machine in form.machines(head)]
    if names:
        text = f"{amount(len(names), 'host')} did not confirm the deletion: {', '.join(names[:10])}."
        set_condition(head, UNCONFIRMED, UNCONFIRMED, text, tx.now)
    newer = msgspec.structs.replace(
        record,
        phase=tables.DELETED_PHASE,
        live_name=None,
        deleted_at=tx.now,
        modified=tx.now,
        head=head_text(head),
    )
    store.put(tx, record, newer)
    if names:
        store.free(tx, newer)
    store.forget_secrets(tx, record.uid)
    message = f"Cluster '{record.name}' is deleted {how}".strip() + "."
    if names:
        message += f" Not confirmed by {', '.join(names[:10])}: reset these hosts before they are used again."
    cluster_event(hub, tx, newer, "Warning" if names else "Info", "ClusterDeleted", message)
    return newer


def confirm(
    hub: Services, tx: Tx, record: ClusterRecord, changed: ClusterRecord, host_uid: str, document: str | None
) -> ClusterRecord:
    """Take the confirmation of a host that it has left; the last one of a cluster that is being deleted ends it.

    `changed` is the record with the generation of `document`, the text of the cluster's document without the host.
    """
    head = record.parts
    form.drop_machine(head, host_uid)
    newer = msgspec.structs.replace(changed, head=head_text(head), modified=tx.now)
    store.put(tx, record, newer, None, document)
    if record.phase == tables.DELETING_PHASE and not store.host_uids(head):
        return end(hub, tx, newer, "and all of its hosts have left")
    message = f"Host '{host_uid}' has left the cluster '{record.name}'."
    cluster_event(hub, tx, newer, "Info", "HostReleased", message)
    return newer
