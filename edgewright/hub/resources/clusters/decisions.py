"""What an operator decides where hosts and plane disagree about a cluster: adopt, override, retry (P85, P86, P106)."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core.clusters.model import CONTROL_PLANE
from edgewright.core.roles import ADMIN, OPERATOR
from edgewright.core.text import amount
from edgewright.hub.clusters import ending, form, status, store, tables
from edgewright.hub.clusters.adopting import reported
from edgewright.hub.clusters.adopting.reported import Report
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.clusters.members import document_at
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.db.hosts import find_host, raise_generation
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import conflict, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.operations.routes import make_operation
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_LISTED = 1_000
"""Clusters that are listed at most."""


async def listing(call: Call) -> Response:
    """Return the clusters that hosts report and that the plane does not know, or knows with another document."""
    index = call.hub.part(ClusterIndex)
    rows = []
    for uid, reports in sorted(reported.undecided(call.hub, call.scope).items())[:_LISTED]:
        item = index.by_uid.get(uid)
        name = item.record.name if item is not None else reports[0].work.name
        state = reported.UNKNOWN if item is None else reported.DIFFERS
        hosts = [
            {
                "uid": report.entry.record.uid,
                "name": report.name,
                "role": report.work.role,
                "lineage": report.work.lineage,
                "generation": report.work.generation,
                "digest": report.work.digest,
                "projectUid": report.entry.record.project_uid,
            }
            for report in reports
        ]
        message = reported.sentence(name, uid, state)
        rows.append({"uid": uid, "name": name, "state": state, "message": message, "hosts": hosts})
    return call.json({"items": rows})


async def adopt(call: Call) -> Response:
    """Ask a control plane for the document that the hosts have; with it the plane takes the cluster over."""
    body = await call.body()
    host, digest = str(body.get("hostUid") or ""), str(body.get("digest") or "")
    item = call.hub.part(ClusterIndex).by_uid.get(call.uid)
    if item is not None and not access.visible(call, item):
        item = None
    reports = reported.all_of(call.hub, call.uid, call.scope)
    if item is None and not reports:
        raise not_found("cluster", call.uid)
    project = item.record.project_uid if item is not None else reports[0].entry.record.project_uid
    call.require(ADMIN, project)
    name = item.record.name if item is not None else reports[0].work.name
    if any(report.entry.record.project_uid != project for report in reports):
        text = f"The hosts of the cluster '{name}' are in several projects; move them into one first."
        raise conflict(text, wire.E_ADOPTION)
    chosen = _source(call, item, name, reports, host, digest)
    source = chosen.entry.record.uid
    asked: Json = {
        "id": new_uid(),
        "hostUid": source,
        "digest": chosen.work.digest,
        "by": call.origin,
        "since": call.now,
    }
    message = f"Cluster '{name}' is to be adopted with the document of the host '{chosen.name}'"

    def job(tx: Tx) -> None:
        lock_hosts(tx, [source])
        record = _put(call, tx, item, name, project, asked)
        if find_host(tx, source) is not None:
            raise_generation(tx, source, "cluster")
        call.audit(tx, "action", wire.KIND, record.uid, name, message, project)
        cluster_event(call.hub, tx, record, "Info", "ClusterAdopting", f"{message} by {call.origin}.")

    await call.write(job)
    return call.json({"hostUid": asked["hostUid"], "digest": asked["digest"]}, 202)


def _source(call: Call, item: Cluster | None, name: str, reports: list[Report], host: str, digest: str) -> Report:
    """Return the control plane whose document is taken; raises 409 for none, and where they report different ones."""
    if item is not None and item.record.phase not in (tables.ACTIVE, tables.ADOPTING_PHASE):
        raise conflict(f"The cluster '{name}' is deleted here; reset its hosts instead.", wire.E_STATE)
    own = item.record.digest if item is not None and item.record.phase == tables.ACTIVE else ""
    others = [report for report in reports if report.work.digest != own]
    if not others:
        raise conflict(f"The hosts of the cluster '{name}' have the document of this plane.", wire.E_NOTHING)
    controls = [report for report in others if report.work.role == CONTROL_PLANE]
    if own and item is not None:  # others may report anything about it
        trusted = {uid for uid in store.host_uids(item.head) if reported.role_in(item, uid) == CONTROL_PLANE}
        controls = [report for report in controls if report.entry.record.uid in trusted]
    if host:
        controls = [report for report in controls if host == report.entry.record.uid]
    if digest:
        controls = [report for report in controls if digest == report.work.digest]
    if item is not None and item.record.phase == tables.ACTIVE:
        lineage = call.hub.lineage.value
        controls = [report for report in controls if report.work.lineage != lineage]
    if not controls:
        text = f"No control plane of the cluster '{name}' reports a document of another history"
        text += f" on the host '{host[:128]}'" if host else ""
        text += f" with the digest {digest[:12]}" if digest else ""
        raise conflict(f"{text}; wait for the next facts of its hosts.", wire.E_NOTHING)
    if len({report.work.digest for report in controls}) > 1:
        names = ", ".join(f"{report.name}: {report.work.digest[:12]}" for report in controls[:5])
        text = f"The control planes of the cluster '{name}' report different documents ({names})"
        raise conflict(f"{text}; name the host whose document is taken: hostUid, --host.", wire.E_ADOPTION)
    return max(controls, key=lambda report: (report.work.generation, report.entry.live.at or 0.0))


def _put(call: Call, tx: Tx, item: Cluster | None, name: str, project: str, asked: Json) -> ClusterRecord:
    """Store that a cluster is to be adopted."""
    if item is None:
        head = {**form.new_head({}, {}, call.now), "adoption": asked}
        head["author"] = {"uid": call.actor.uid, "name": call.actor.name, "email": ""}
        record = ClusterRecord(
            call.uid, name, project, None, tables.ADOPTING_PHASE, 1, "", ending.head_text(head), tx.now, tx.now
        )
        store.insert_adopting(tx, record)
        return record
    now = store.get_or_404(tx, item.uid)
    if now != item.record:
        raise conflict(f"The cluster '{name}' was changed meanwhile; adopt it again.", wire.E_EDITED)
    head = now.parts
    head["adoption"] = asked
    ending.set_condition(head, wire.E_ADOPTION, "", "", tx.now)
    newer = msgspec.structs.replace(now, head=ending.head_text(head), modified=tx.now)
    store.put(tx, now, newer)
    return newer


async def override(call: Call) -> Response:
    """Let the hosts that have another document take that of the plane: one operation `accept` for each (P86)."""
    item = access.writable(call, access.find(call))
    record = item.record
    waiting: list[Json] = []
    late: list[Json] = []
    for member in status.members(call.hub, item):
        entry = call.hub.state.hosts.get(member.machine["hostUid"])
        offered = document_at(entry, item.uid).get("offered") if entry is not None else None
        if isinstance(offered, dict):
            (waiting if offered.get("digest") == record.digest else late).append(member.machine)
    if late:
        names = ", ".join(machine["hostName"] for machine in late[:5])
        text = f"{names} of the cluster '{record.name}' have not fetched the present document of this plane yet"
        raise conflict(f"{text}; wait for their next facts.", wire.E_NOTHING)
    if not waiting:
        text = f"No host of the cluster '{record.name}' has another document than this plane."
        raise conflict(text, wire.E_NOTHING)
    params = {"document": item.uid, "digest": record.digest}

    def job(tx: Tx) -> list[Json]:
        lock_hosts(tx, store.host_uids(item.head))
        now = store.get_or_404(tx, item.uid)
        if now.digest != record.digest:
            raise conflict(f"The cluster '{record.name}' was changed meanwhile; look at it again.", wire.E_EDITED)
        if now.parts.get("adoption"):
            head = now.parts
            head.pop("adoption")
            store.put(tx, now, msgspec.structs.replace(now, head=ending.head_text(head), modified=tx.now))
        rows = _asked(call, tx, waiting, protocol.OP_ACCEPT, params)
        message = f"Cluster '{record.name}': the document of the plane replaces that of {amount(len(rows), 'host')}"
        cluster_event(call.hub, tx, now, "Warning", "ClusterOverridden", f"{message}, by {call.origin}.")
        return rows

    return call.json({"items": await call.write(job)}, 202)


async def retry(call: Call) -> Response:
    """Start steps again that wait for an operator, on all members or on the one that is named (P85)."""
    body = await call.body()
    item, wanted = access.find(call), str(body.get("hostUid") or "")
    call.require(OPERATOR, item.record.project_uid)
    waiting = [
        member.machine
        for member in status.members(call.hub, item)
        if member.progress is not None
        and (member.progress.get("waitingFor") == "operator" or member.progress.get("errorClass"))
        and wanted in ("", member.machine["hostUid"])
    ]
    if not waiting:
        text = f"No host of the cluster '{item.record.name}' has a step that failed or waits for an operator."
        raise conflict(text, wire.E_NOTHING)

    def job(tx: Tx) -> list[Json]:
        lock_hosts(tx, [machine["hostUid"] for machine in waiting])
        return _asked(call, tx, waiting, protocol.OP_RETRY, {})

    return call.json({"items": await call.write(job)}, 202)


def _asked(call: Call, tx: Tx, machines: list[Json], kind: str, params: Json) -> list[Json]:
    """Make an operation of each host, which is an entry of the audit log each."""
    ask = partial(make_operation, call, tx, kind)
    return [
        {
            "hostUid": machine["hostUid"],
            "hostName": machine["hostName"],
            "operation": ask(dict(params), None, machine["hostUid"]),
        }
        for machine in machines
    ]


_HOST = shapes.obj(
    uid=shapes.text(), name=shapes.text(), role=shapes.text(), lineage=shapes.text(), generation=shapes.INTEGER,
    digest=shapes.text(), projectUid=shapes.text(),
)  # fmt: skip
_ITEM = shapes.obj(
    uid=shapes.text(), name=shapes.text(), state=shapes.text(), message=shapes.text(), hosts=shapes.many(_HOST)
)
_ASKED = shapes.obj(
    items=shapes.many(shapes.obj(hostUid=shapes.text(), hostName=shapes.text(), operation=shapes.text()))
)
ROUTES = (
    Route("GET", wire.REPORTED, Access.READ, listing, returns=shapes.obj(items=shapes.many(_ITEM))),
    Route(
        "POST", wire.ADOPT, Access.WRITE, adopt, On.OBJECT,
        body=shapes.obj(hostUid=shapes.name(), digest=shapes.name(64)),
        returns=shapes.obj(hostUid=shapes.text(), digest=shapes.text()), status=202,
    ),
    Route("POST", wire.OVERRIDE, Access.WRITE, override, On.OBJECT, returns=_ASKED, status=202),
    Route(
        "POST", wire.RETRY, Access.OPERATE, retry, On.OBJECT, body=shapes.obj(hostUid=shapes.name()), returns=_ASKED,
        status=202,
    ),
)  # fmt: skip
