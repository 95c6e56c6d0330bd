"""The calls of hosts: their document, what they report, the kubeconfigs that a control plane hands over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core.clusters.document import as_json, canonical, read
from edgewright.hub.clusters import delivery, ending, form, resolver, store, tables
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.index import Cluster, ClusterIndex, Reports
from edgewright.hub.clusters.tables import ClusterRecord, ReportRecord
from edgewright.hub.db.document_bounds import limited
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.auth import HOST
from edgewright.hub.http.problems import Problem, conflict, forbidden, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.profiles.work import ProfileWork
from edgewright.hub.resources.clusters import access, recovery
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_GAUGES = frozenset({"dbSize", "lag", "age", "at", "since", "disk", "percent", "leaseTransitions", "renewedAt"})
"""Values that move all the time: they are in the newest row only, never in the change log."""
_TRIES = 5


def member_of(call: Call) -> tuple[Cluster, Json, Json]:
    """Return the cluster of the call with the calling host's pool and machine.

    Raises 404 for a cluster that the plane does not know, 403 for a host that does not belong to it.
    """
    item = call.hub.part(ClusterIndex).by_uid.get(call.uid)
    if item is None:
        raise not_found("cluster", call.uid)
    for pool, machine in item.machines():
        if machine["hostUid"] == call.actor.uid:
            return item, pool, machine
    text = f"The host '{call.actor.uid[:128]}' does not belong to the cluster '{item.record.name}'."
    raise forbidden(text)


async def desired(call: Call) -> Response:
    """Return the document; a host that belongs to the cluster gets its own part with it."""
    is_host = call.actor.role == HOST
    item = member_of(call)[0] if is_host else access.find(call)
    stored = await call.hub.read(partial(delivery.load, hub=call.hub, uid=item.uid))
    if stored is None or not stored.document:  # one that is being adopted has none yet
        raise not_found("cluster", item.uid)
    lineage = call.hub.lineage.value
    document = delivery.document_of(stored, lineage)
    etag = f'"{lineage}-{document.generation}"'
    if call.request.headers.get("if-none-match", "").removeprefix("W/").strip() == etag:
        return Response(status_code=304, headers={"ETag": etag})
    body: Json = {"document": as_json(document)}
    if is_host:
        body["slice"] = delivery.slice_of(call.hub, document, stored, call.actor.uid)
    return call.json(body, headers={"ETag": etag})


async def host_state(call: Call) -> Response:
    """Take what a host reports of itself in the cluster; `released` confirms that it has left."""
    item, _pool, machine = member_of(call)
    body = await call.body()
    text = limited(body, wire.MAX_HOST_STATE, "The report of the host")
    released = str(body.get("released") or "")
    if released and machine["state"] == wire.ABSENT and released == machine["releaseId"]:
        await _confirm(call, item, call.actor.uid)
        return call.empty()
    if released:
        wanted = machine["releaseId"] or "none"
        raise conflict(f"The release '{released[:64]}' is not the one that was asked for ({wanted}).", wire.E_STATE)
    call.hub.intake.admit_request(call.actor.uid)
    before = call.hub.part(Reports).document(item.uid, call.actor.uid)
    shown = _steady(before) != _steady(body)
    report = ReportRecord(item.uid, call.actor.uid, 0, call.now, text)
    await _put(call, report, shown)
    return call.empty()


async def _put(call: Call, report: ReportRecord, shown: bool) -> None:
    """Store a report; memory of this process has it in either case."""
    reports = call.hub.part(Reports)

    def job(tx: Tx) -> None:
        store.put_report(tx, report, shown)
        tx.after(lambda: reports.put(report))

    await call.write(job)


async def _confirm(call: Call, item: Cluster, uid: str) -> None:
    """Remove a host that has left; raises 409 when the cluster is changed all the time."""
    for _ in range(_TRIES):
        loaded = await access.load(call.hub, item.uid)
        record, text = loaded.record, None
        form.drop_machine(loaded.head, uid)
        if record.phase != tables.DELETED_PHASE and store.host_uids(loaded.head):
            made = await access.compose_end(call.hub, call.caller, loaded)
            record, text = made.record, made.document

        def job(tx: Tx, before: Any = loaded, made: ClusterRecord = record, text: str | None = text) -> bool:
            lock_hosts(tx, store.host_uids(before.record.parts))
            now = store.get_or_404(tx, item.uid)
            if now != before.record:
                return False
            changed = msgspec.structs.replace(now, generation=made.generation, digest=made.digest)
            ending.confirm(call.hub, tx, now, changed, uid, text)
            return True

        if await call.write(job):
            return
    raise conflict(f"The cluster '{item.record.name}' is changed by others; report again.", wire.E_EDITED)


async def observed(call: Call) -> Response:
    """Take the complete report of the leader; that of an older leader is refused."""
    item, pool, machine = member_of(call)
    if not form.is_control_plane(pool["config"]):
        text = f"The host '{machine['hostName']}' is a worker; only a control plane reports the cluster."
        raise Problem(403, wire.E_NOT_MEMBER, text)
    body = await call.body()
    text = limited(body, wire.MAX_OBSERVED, "The report of the cluster")
    call.hub.intake.admit_request(call.actor.uid)
    transitions = int(body.get("leaseTransitions") or 0)
    reports = call.hub.part(Reports)
    shown = _steady(reports.document(item.uid)) != _steady(body) or reports.to_log(item.uid, call.now)
    report = ReportRecord(item.uid, "", transitions, call.now, text)

    def job(tx: Tx) -> None:
        newest = store.transitions_of(tx, item.uid)
        if transitions < newest:
            sentence = (
                f"The leader of the cluster '{item.record.name}' has changed since ({newest} times, not {transitions})."
            )
            raise conflict(sentence, wire.E_OLDER_LEADER)
        store.put_report(tx, report, shown)
        tx.after(lambda: reports.put(report, shown))

    await call.write(job)
    proof = body.get("bootstrap") or {}
    if item.head["done"] is None and proof.get("caSpkiSha256"):
        await _formed(call, item, proof)
    for uid in recovery.removed(item, body):
        await _confirm(call, item, uid)
    return call.empty()


async def _formed(call: Call, item: Cluster, proof: Json) -> None:
    """Store the proof that the cluster was formed: from then on no host forms it again."""
    done = {
        "at": str(proof.get("at") or ""),
        "caSpkiSha256": str(proof.get("caSpkiSha256") or ""),
        "kubeSystemUid": str(proof.get("kubeSystemUid") or ""),
    }
    loaded = await access.load(call.hub, item.uid)
    if loaded.head["done"] is not None or loaded.record.phase != tables.ACTIVE:
        return
    loaded.head["done"] = done
    generation = loaded.record.generation + 1
    document = await call.hub.part(ProfileWork).run(
        call.caller, partial(resolver.with_members, read(loaded.document), loaded.head, generation)
    )
    head, text = ending.head_text(loaded.head), canonical(document).decode()

    def job(tx: Tx) -> None:
        lock_hosts(tx, store.host_uids(loaded.head))
        now = store.get_or_404(tx, item.uid)
        if now != loaded.record:
            return  # it was changed meanwhile; the next report brings the proof again
        newer = msgspec.structs.replace(now, head=head, generation=generation, digest=document.digest, modified=tx.now)
        store.put(tx, now, newer, None, text)
        cluster_event(call.hub, tx, newer, "Info", "ClusterFormed", f"Cluster '{now.name}' is formed.")

    await call.write(job)


def _steady(value: Any) -> Any:
    """Return a report without the values that move all the time."""
    if isinstance(value, Mapping):
        return {key: _steady(item) for key, item in value.items() if key not in _GAUGES}
    return [_steady(item) for item in value] if isinstance(value, list) else value


async def put_kubeconfigs(call: Call) -> Response:
    """Store the kubeconfigs that a control plane made, sealed."""
    item, pool, machine = member_of(call)
    if not form.is_control_plane(pool["config"]) or machine["state"] == wire.ABSENT:
        text = f"The host '{machine['hostName']}' is not a control plane of the cluster '{item.record.name}'."
        raise Problem(403, wire.E_NOT_MEMBER, text)
    body = await call.body()

    def job(tx: Tx) -> None:
        for name, key in ((store.ADMIN_CONFIG, "admin"), (store.CLIENT_CONFIG, "client")):
            if body.get(key):
                store.put_secret(tx, call.hub.box, item.uid, name, str(body[key]))
        message = f"The kubeconfigs of the cluster '{item.record.name}' are renewed"
        call.audit(tx, "update", wire.KIND, item.uid, item.record.name, message, item.record.project_uid)

    await call.write(job)
    return call.empty()


_NODE = shapes.obj(
    name=shapes.name(), uid=shapes.text(64), ready=shapes.FLAG, version=shapes.text(64), cordoned=shapes.FLAG,
    age=shapes.NUMBER,
)  # fmt: skip
_LAYER = shapes.obj(
    name=shapes.name(), state=shapes.text(32), version=shapes.text(64), message=shapes.text(1024), drift=shapes.FLAG,
    contested=shapes.ANY, digest=shapes.text(64),
)  # fmt: skip
_ETCD = shapes.obj(
    id=shapes.text(32), name=shapes.name(), voter=shapes.FLAG, healthy=shapes.FLAG, leader=shapes.FLAG,
    dbSize=shapes.INTEGER, lag=shapes.INTEGER, alarms=shapes.TEXTS,
)  # fmt: skip
_CERTIFICATE = shapes.obj(name=shapes.name(), node=shapes.name(), notAfter=shapes.WHEN)
_BOOTSTRAP = shapes.obj(at=shapes.text(40), caSpkiSha256=shapes.text(64), kubeSystemUid=shapes.text(64))
OBSERVED = shapes.obj(
    leaseTransitions=shapes.INTEGER,
    leader=shapes.name(),
    nodes=shapes.many(_NODE, 500),
    etcd=shapes.many(_ETCD, 20),
    layers=shapes.many(_LAYER, 200),
    certificates=shapes.many(_CERTIFICATE, 500),
    reach=shapes.ANY,
    lastSnapshot=shapes.ANY,
    bootstrap=_BOOTSTRAP,
)
HOST_STATE = shapes.obj(
    lineage=shapes.text(16),
    generation=shapes.INTEGER,
    appliedDigest=shapes.text(64),
    layers=shapes.ANY,
    booted=shapes.ANY,
    versions=shapes.ANY,
    pins=shapes.obj(ok=shapes.INTEGER, of=shapes.INTEGER),
    vip=shapes.obj(held=shapes.FLAG, since=shapes.text(40), mac=shapes.text(32)),
    api=shapes.obj(ready=shapes.FLAG),
    disk=shapes.ANY,
    settings=shapes.text(500),
    released=shapes.name(64),
)
KUBECONFIGS = shapes.obj(admin=shapes.text(wire.MAX_KUBECONFIG), client=shapes.text(wire.MAX_KUBECONFIG))
ROUTES = (
    Route(
        "GET", wire.DESIRED, Access.ANY_HOST_OR_READ, desired, On.OBJECT, headers=("If-None-Match",),
        returns=shapes.obj(document=shapes.ANY, slice=shapes.ANY),
    ),
    Route("PUT", wire.HOST_STATE, Access.ANY_HOST, host_state, body=HOST_STATE),
    Route("PUT", wire.OBSERVED, Access.ANY_HOST, observed, body=OBSERVED),
    Route("PUT", wire.KUBECONFIGS, Access.ANY_HOST, put_kubeconfigs, body=KUBECONFIGS),
)  # fmt: skip
