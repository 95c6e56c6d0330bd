"""Edge hosts: pre-registration, reading, labels, reports of the host, deletion (Palette's `/v1/edgehosts`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response as Empty

from edgewright.core.hosts.hosts import HostState
from edgewright.core.hosts.tags import labels_to_tags
from edgewright.core.roles import ADMIN
from edgewright.hub.clusters.delivery import access_sign
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.db.hosts import (
    delete_host,
    find_host,
    get_host_or_404,
    insert_host,
    raise_generation,
    save_host,
)
from edgewright.hub.db.records import HostRecord, dump
from edgewright.hub.db.shared.rows import queue
from edgewright.hub.http import bodies
from edgewright.hub.http.merge import merge_metadata, merge_tunnel
from edgewright.hub.http.problems import Problem, bad_request, conflict
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.resources.hosts import shapes
from edgewright.hub.resources.hosts.register import host_document, require_uid, stored
from edgewright.hub.resources.operations.routes import pending_operations
from edgewright.hub.security.secretbox import digest
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "edgehost"
_BY_USER = ("labels", "annotations")


async def create(call: Call) -> Response:
    """Pre-register a host (rule P13)."""
    body = await call.body()
    uid = require_uid(body)
    spec = body.get("spec") or {}
    pairing_key = str(spec.pop("hostPairingKey", "") or "")
    device = {**(spec.pop("device", None) or {}), "archType": spec.pop("archType", None) or "amd64"}
    if spec.get("tunnelConfig"):
        spec["tunnelConfig"] = merge_tunnel({}, spec["tunnelConfig"])
    body["spec"] = {**spec, "device": device}
    project = call.project or _only_project(call)
    if project not in call.hub.state.projects:
        raise bad_request("Name the project of the host in the header ProjectUid.", protocol.E_PROJECT_REQUIRED)
    call.require(ADMIN, project)

    def job(tx: Tx) -> None:
        queue(tx, f"host {uid}")
        if find_host(tx, uid) is not None:
            raise conflict(f"The UID '{uid}' is registered already.", protocol.E_DUPLICATE_HOST)
        record = HostRecord(
            uid=uid,
            project_uid=project,
            state=HostState.UNPAIRED.value,
            doc=dump(host_document(body, uid, None)),
            created=tx.now,
            modified=tx.now,
            generation=1,
            registered_at=None,
            registration_hash=None,
            credential_hash=None,
            pending_hash=None,
            pairing_hash=digest(pairing_key) if pairing_key else None,
            token_uid=None,
            address="",
        )
        insert_host(tx, record)
        call.audit(tx, "create", KIND, uid, uid, f"Edge host '{uid}' is pre-registered", project)

    await call.write(job)
    return call.created(uid)


def _only_project(call: Call) -> str:
    """Return the project of a call that names none: `Default`, or the only one that the caller may see; else `""`."""
    default = getattr(call.hub.state.default_project(), "uid", "")
    projects = call.scope.projects
    if projects is None or default in projects:
        return str(default)
    return next(iter(projects)) if len(projects) == 1 else ""


async def get(call: Call) -> Response:
    """Return a host."""
    return call.json(call.hub.renderer.detail(call.host()))


async def update(call: Call) -> Response:
    """Take a host's facts (rule P20), or a user's change of labels and name."""
    body = await call.body()
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        current = stored(record)
        if call.actor.is_user:
            _update_by_user(call, tx, record, body)
            return
        document = host_document({**body, "metadata": {}}, call.uid, current)
        if dump(document) != record.doc:
            save_host(tx, record, doc=dump(document))

    await call.write(job)
    return call.empty()


def _update_by_user(call: Call, tx: Tx, record: HostRecord, body: dict[str, Any]) -> None:
    """Apply name, labels and annotations that a user sends; the device only before registration (rule P54).

    Raises 400 for another device than a registered host reports: the host would not know, and never correct it.
    """
    document = stored(record)
    meta, device = body.get("metadata") or {}, (body.get("spec") or {}).get("device")
    labels = document["metadata"].get("labels") or {}
    document["metadata"] = merge_metadata(document["metadata"], {key: meta[key] for key in _BY_USER if key in meta})
    if meta.get("name"):
        document["metadata"]["name"] = meta["name"]
    if device is not None and device != (document["spec"].get("device") or {}):
        if record.registered_at is not None:
            raise bad_request(
                f"The device of the host '{call.uid}' is what the host reports; leave spec.device out, or send it back "
                "unchanged."
            )
        document["spec"]["device"] = device
    call.audit(tx, "update", KIND, call.uid, call.uid, f"Edge host '{call.uid}' is updated", record.project_uid)
    if (document["metadata"].get("labels") or {}) != labels:
        raise_generation(tx, call.uid, "metadata.labels", doc=dump(document))
    elif dump(document) != record.doc:
        save_host(tx, record, doc=dump(document))


async def update_meta(call: Call) -> Response:
    """Replace the labels of a host, and its name if one is given."""
    body = await call.body()
    entry = call.host()
    if entry.record.registered_at is None and not call.hub.options.simulate_palette:
        pass  # Palette refuses labels before registration; here a pre-registered host can be tagged at once
    elif entry.record.registered_at is None:
        raise Problem(400, protocol.E_HOST_NOT_REGISTERED, f"The edge host '{call.uid}' has not registered yet.")
    meta = body.get("metadata") or {}

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        document = stored(record)
        document["metadata"]["labels"] = meta.get("labels") or {}
        if meta.get("name"):
            document["metadata"]["name"] = meta["name"]
        raise_generation(tx, call.uid, "metadata.labels", doc=dump(document))
        tags = ", ".join(labels_to_tags(document["metadata"]["labels"])) or "none"
        call.audit(
            tx, "update", KIND, call.uid, call.uid, f"Tags of edge host '{call.uid}' are now: {tags}"[:1000],
            record.project_uid,
        )  # fmt: skip

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a host's record; its credential ends (rule P16)."""
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        if record.state == HostState.IN_USE.value:
            owner = call.hub.part(ClusterIndex).of_host(call.uid)
            name = "a cluster" if owner is None else f"the cluster '{owner.record.name}'"
            text = f"The host '{call.uid}' is part of {name}; release it there first, or declare it lost."
            raise conflict(text, protocol.E_HOST_IN_USE)
        delete_host(tx, record)
        message = f"Edge host '{call.uid}' is deleted"
        call.audit(tx, "delete", KIND, call.uid, call.uid, message, record.project_uid)
        event = host_event(call.uid, call.uid, "Info", "HostDeleted", f"{message} by {call.origin}.")
        store_event(call.hub.state, tx, event, record.project_uid)

    await call.write(job)
    return call.empty()


async def pairing_key(call: Call) -> Response:
    """Set the pairing key of a host that has not registered yet."""
    body = await call.body()
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        if record.registered_at is not None:
            raise bad_request(f"The host '{call.uid}' has registered already; a pairing key changes nothing now.")
        key = body.get("hostPairingKey")
        save_host(tx, record, pairing_hash=digest(key) if key else None)
        message = f"The pairing key of edge host '{call.uid}' is {'set' if key else 'removed'}"
        call.audit(tx, "update", KIND, call.uid, call.uid, message, record.project_uid)

    await call.write(job)
    return call.empty()


async def checksum(call: Call) -> Response:
    """Store the checksum that a host reports of itself."""
    body = await call.body()
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        document = stored(record)
        document["spec"].setdefault("host", {})["hostChecksum"] = body.get("hostCheckSum", "")
        save_host(tx, record, doc=dump(document))
        if call.actor.is_user:
            message = f"The checksum of edge host '{call.uid}' is set"
            call.audit(tx, "update", KIND, call.uid, call.uid, message, record.project_uid)

    await call.write(job)
    return call.empty()


async def tunnel_config(call: Call) -> Response:
    """Switch remote SSH on or off (rule P30)."""
    body = await call.body()
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        document = stored(record)
        before = document["spec"].get("tunnelConfig") or {}
        after = merge_tunnel(before, body)
        document["spec"]["tunnelConfig"] = after
        if after != before:
            raise_generation(tx, call.uid, "spec.tunnelConfig", doc=dump(document))
        message = f"Remote SSH of edge host '{call.uid}' is {after.get('remoteSsh', 'disabled')}"
        call.audit(tx, "update", KIND, call.uid, call.uid, message, record.project_uid)

    await call.write(job)
    return call.empty()


async def tunnel_status(call: Call) -> Response:
    """Store what a host reports about its tunnel; the newest wins (rule P30)."""
    body = await call.body()
    call.host()

    def job(tx: Tx) -> None:
        record = get_host_or_404(tx, call.uid)
        document = stored(record)
        document.setdefault("status", {})["tunnelStatus"] = body
        save_host(tx, record, doc=dump(document))

    await call.write(job)
    return call.empty()


async def config(call: Call) -> Response:
    """Return the desired state of a host (rule P22)."""
    entry = call.host()
    # One generation for the entire answer, taken before the operations are read: an operation that is made meanwhile
    # then has a higher one, and the agent comes back for it. The other way round it would never ask again.
    generation = entry.record.generation
    spec = entry.document().get("spec") or {}
    position = Position(call.hub.lineage.value, generation)
    etag = f'"{position.tag}"'
    known = call.request.headers.get("if-none-match", "").removeprefix("W/").strip('" ')
    if known == position.tag:  # never for a bare number: that of an agent v0.1.0 may belong to another lineage
        return Empty(status_code=304, headers={"ETag": etag})
    operations = await pending_operations(call.hub, call.uid)
    tunnel = {"remoteSsh": "disabled", "remoteSshTempUser": "disabled", **(spec.get("tunnelConfig") or {})}
    cluster = call.hub.part(ClusterIndex).of_host(call.uid)
    desired: dict[str, Any] = {
        "clusterUids": [] if cluster is None else [cluster.uid],
        "tunnelConfig": tunnel,
        "edgewright": {
            "generation": generation,
            "lineage": position.lineage,
            "interval": call.hub.options.heartbeat,
            "silenceLimit": call.hub.options.silence_limit,
            "operations": operations,
            "cluster": None if cluster is None else _position(call, cluster, position.lineage),
        },
    }
    adopted, lacking = (
        call.hub.part(ClusterIndex).adopted_by(call.uid),
        call.hub.part(ClusterIndex).content_of(call.uid),
    )
    if adopted is not None:  # rule P106
        asked = adopted.head["adoption"]
        desired["edgewright"]["adopt"] = {"id": asked["id"], "uid": adopted.uid, "digest": asked["digest"]}
    if lacking is not None:  # rule P108
        desired["edgewright"]["content"] = {"uid": lacking.uid, "digests": lacking.head["wanted"]["digests"]}
    return call.json(desired, headers={"ETag": etag})


def _position(call: Call, cluster: Cluster, lineage: str) -> dict[str, Any]:
    """Return which document of its cluster a host is to have; absence of it never means removal (rule P100)."""
    record = cluster.record
    access = access_sign(call.hub, record.uid, cluster.head.get("registries") or ())
    place = {"lineage": lineage, "generation": record.generation, "digest": record.digest}
    return {"uid": record.uid, **place, "access": access}


_HOST = protocol.HOST
ROUTES = (
    Route("POST", protocol.HOSTS, Access.WRITE, create, On.OBJECT, body=shapes.HOST_CREATE),
    Route("GET", _HOST, Access.HOST_OR_READ, get, On.HOST),
    Route("PUT", _HOST, Access.HOST_OR_OPERATE, update, On.HOST, body=bodies.HOST, guards_observed=True),
    Route("DELETE", _HOST, Access.WRITE, delete, On.HOST, guards_observed=True),
    Route("PUT", protocol.HOST_META, Access.OPERATE, update_meta, On.HOST, body=bodies.NAMED, guards_observed=True),
    Route(
        "PATCH",
        protocol.HOST_PAIRING_KEY,
        Access.OPERATE,
        pairing_key,
        On.HOST,
        body=shapes.PAIRING_KEY,
        guards_observed=True,
    ),
    Route(
        "PATCH",
        protocol.HOST_CHECKSUM,
        Access.HOST_OR_OPERATE,
        checksum,
        On.HOST,
        body=shapes.CHECKSUM,
        guards_observed=True,
    ),
    Route(
        "PATCH",
        protocol.HOST_TUNNEL_CONFIG,
        Access.OPERATE,
        tunnel_config,
        On.HOST,
        body=bodies.TUNNEL_CONFIG,
        guards_observed=True,
    ),
    Route("PATCH", protocol.HOST_TUNNEL_STATUS, Access.HOST, tunnel_status, On.HOST, body=shapes.TUNNEL_STATUS),
    Route("GET", protocol.HOST_CONFIG, Access.HOST_OR_READ, config, On.HOST),
)
