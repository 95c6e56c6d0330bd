"""Clusters over the API: made, checked, read, renamed, deleted (Palette's `/v1/spectroclusters`)."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core import times
from edgewright.core.clusters.document import canonical
from edgewright.core.clusters.validate import problems as rules
from edgewright.core.profiles.problems import ERROR
from edgewright.core.profiles.problems import Problem as Finding
from edgewright.core.roles import ADMIN
from edgewright.hub.clusters import attach, documents, ending, form, resolver, status, store, tables
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.host_facts import ProjectHosts, facts_of
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.hosts import find_host, raise_generation
from edgewright.hub.db.records import dump
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.palette_bodies import clusters as palette
from edgewright.hub.http.problems import Problem, bad_request, conflict
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.profiles.work import ProfileWork
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Edited, Loaded
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_CHECKED = {protocol.H_AUDIT: ""}


def project_of(call: Call) -> str:
    """Return the project in which a cluster is made: that of the header, else `Default`; raises 400 without one."""
    default = call.hub.state.default_project()
    project = call.project or (default.uid if default is not None else "")
    if project not in call.hub.state.projects:
        raise bad_request("Name the project of the cluster in the header ProjectUid.", protocol.E_PROJECT_REQUIRED)
    return project


def metadata_of(name: str, stored: Json, sent: Json) -> Json:
    """Return metadata to store; raises 413 for too much of it."""
    merged = merge_metadata(stored, sent)
    check_record("cluster", name, dump(merged))
    return merged


def name_of(body: Json) -> str:
    """Return the name in a body; raises 422 for none, and for one that Kubernetes does not take."""
    return form.check_name(str((body.get("metadata") or {}).get("name") or "").strip())


def refuse_known(call: Call, project: str, name: str, uid: str = "") -> None:
    """Raise 409 for a name that another cluster of the project has."""
    for item in call.hub.part(ClusterIndex).by_uid.values():
        record = item.record
        if record.live_name == name and record.project_uid == project and record.uid != uid:
            raise store.name_taken(name)


class Draft:
    """A cluster that is to be made: everything but its row."""

    def __init__(self, uid: str, name: str, project: str, head: Json, profiles: list[Json]) -> None:
        self.uid, self.name, self.project, self.head, self.profiles = uid, name, project, head, profiles
        self.masked: dict[str, dict[str, str]] = {}

    def set_variables(self, sent: dict[str, Any]) -> None:
        """Part the values of masked variables from those of others."""
        for profile in self.profiles:
            values = attach.merge_variables(profile, {}, sent.get(profile["uid"]))
            hidden = attach.masked_names(profile)
            profile["variables"] = {name: value for name, value in values.items() if name not in hidden}
            secret = {name: value for name, value in values.items() if name in hidden}
            if secret:
                self.masked[profile["uid"]] = secret


async def drafted(call: Call, body: Json) -> Draft:
    """Return a cluster as a body describes it, with copies of its profiles; raises 404, 409 and 422."""
    name, project = name_of(body), project_of(call)
    head = form.new_head(body, ProjectHosts(call.hub, project), call.now)
    head["metadata"] = metadata_of(name, {}, body.get("metadata") or {})
    user = call.hub.state.users.get(call.actor.uid)
    head["author"] = {
        "uid": call.actor.uid,
        "name": f"{user.first_name} {user.last_name}".strip() if user is not None else call.actor.name,
        "email": user.email if user is not None else "",
    }
    controls = [machine for pool, machine in form.machines(head) if form.is_control_plane(pool["config"])]
    head["initHostUid"] = controls[0]["hostUid"] if controls else ""
    sent = (body.get("spec") or {}).get("profiles") or []
    profiles = await attach.attached_all(call.hub, project, sent)
    head["profiles"] = [attach.shown(profile) for profile in profiles]
    access.mark_simulated(call.hub, head)
    draft = Draft(new_uid(), name, project, head, profiles)
    draft.set_variables({str(item.get("uid")): item.get("variables") for item in sent})
    return draft


async def resolved(call: Call, draft: Draft, secret: bytes, fetch: bool) -> resolver.Resolved:
    """Return the resolution of a draft; what is wrong is in it. Without `fetch` it is a check, which viewers may do."""
    inputs = await access.inputs_of(
        call.hub,
        draft.uid,
        draft.name,
        draft.project,
        draft.head,
        draft.profiles,
        draft.masked,
        secret,
        call.caller,
        fetch=fetch,
        macros=None if fetch else access.macros_shown(call, draft.project),
    )
    return await call.hub.part(ProfileWork).run(call.caller, partial(resolver.resolve, inputs))


async def create(call: Call) -> Response:
    """Make a cluster and claim its hosts; they begin by themselves. Raises 409 and 422."""
    draft = await drafted(call, await call.body())
    call.require(ADMIN, draft.project)
    refuse_known(call, draft.project, draft.name)
    secret, sealed = store.new_sealed_secret(call.hub.box)
    result = await resolved(call, draft, secret, fetch=True)
    document = access.checked(call.hub, draft.name, draft.head, draft.uid, result)
    access.take(draft.head, result)
    text, head = canonical(document).decode(), access.head_text(draft.name, draft.head)

    def job(tx: Tx) -> str:
        record = ClusterRecord(
            draft.uid, draft.name, draft.project, draft.name, tables.ACTIVE, 1, document.digest, head, tx.now, tx.now
        )
        store.insert(tx, record, draft.profiles, text, sealed)
        access.put_content(call.hub, tx, record, result.content.public, result.content.private, draft.masked)
        count = len(store.host_uids(draft.head))
        message = f"Cluster '{record.name}' is created with {count} host{'' if count == 1 else 's'}"
        call.audit(tx, "create", wire.KIND, record.uid, record.name, message, record.project_uid)
        cluster_event(call.hub, tx, record, "Info", "ClusterCreated", f"{message} by {call.origin}.")
        return record.uid

    return call.created(await call.write(job))


async def validate(call: Call) -> Response:
    """Return what is wrong with a cluster without making it: by pool, and by pack of each profile."""
    body = await call.body()
    findings: list[Finding] = []
    draft: Draft | None = None
    try:
        draft = await drafted(call, body)
        refuse_known(call, draft.project, draft.name)
        secret, _sealed = store.new_sealed_secret(call.hub.box)
        result = await resolved(call, draft, secret, fetch=False)
        findings += result.problems
        if result.document is not None:
            findings += rules(result.document, facts_of(call.hub, draft.head, draft.uid))
    except Problem as problem:
        if problem.status not in (404, 409, 422):
            raise
        findings.append(Finding(ERROR, "", "", problem.message, "", str(problem.code)))
    wrong = [finding for finding in findings if finding.severity == ERROR]
    keys = {pack["name"] for profile in (draft.profiles if draft else ()) for pack in profile["content"]["packs"]}
    pools = [_entry("", "", [finding for finding in wrong if finding.layer not in keys])]
    profiles = []
    for profile in draft.profiles if draft else ():
        rows = [
            _entry(pack["name"], pack["name"], [finding for finding in wrong if finding.layer == pack["name"]])
            for pack in profile["content"]["packs"]
        ]
        profiles.append({"uid": profile["uid"], "packs": {"results": rows}})
    warnings = [access.sentence(finding) for finding in findings if finding.severity != ERROR]
    answer: Json = {"machinePools": {"results": [row for row in pools if row["errors"]]}, "profiles": profiles}
    return call.json({**answer, protocol.EXTENSION: {"warnings": warnings}} if warnings else answer)


def _entry(name: str, title: str, findings: list[Finding]) -> Json:
    errors = [{"code": finding.code or wire.E_INVALID, "message": access.sentence(finding)} for finding in findings]
    return {"name": name, "displayName": title, "errors": errors}


async def validate_name(call: Call) -> Response:
    """Answer 204 when a name is free in the project, 409 when not."""
    name = call.request.query_params.get("name", "")
    if name:
        refuse_known(call, project_of(call), form.check_name(name, "name"))
    return call.empty(_CHECKED)


async def get(call: Call) -> Response:
    """Return a cluster with its profiles and their values."""
    item = access.find(call)
    loaded = await access.load(call.hub, item.uid)
    return call.json(documents.cluster(call.hub, item, loaded.wanted.profiles, call.now))


async def state(call: Call) -> Response:
    """Return the state alone."""
    item = access.find(call)
    return call.json({"status": {"state": status.state(item, status.members(call.hub, item))}})


async def update_metadata(call: Call) -> Response:
    """Change labels and annotations. The name stays: it is in certificates and kubeconfigs."""
    item = access.find(call)
    sent = (await call.body()).get("metadata") or {}
    name = str(sent.get("name") or "").strip()
    if name and name != item.record.name:
        raise conflict(f"The cluster '{item.record.name}' cannot be renamed; its certificates have the name.", "Rename")

    def edit(now: Loaded) -> Edited:
        now.head["metadata"] = metadata_of(now.record.name, now.head["metadata"], sent)
        return Edited("its labels and annotations are changed", now.head)

    await access.change(call, item, "update", edit)
    return call.empty()


async def location(call: Call) -> Response:
    """Set where a cluster is."""
    item = access.find(call)
    sent = (await call.body()).get("location") or {}

    def edit(now: Loaded) -> Edited:
        now.head["clusterConfig"]["location"] = sent
        return Edited("its location is set", now.head)

    await access.change(call, item, "update", edit)
    return call.empty()


async def timezone(call: Call) -> Response:
    """Set the time zone of a cluster."""
    item = access.find(call)
    zone = (await call.body())["timezone"]

    def edit(now: Loaded) -> Edited:
        now.head["clusterConfig"]["timezone"] = zone
        return Edited(f"its time zone is {zone}", now.head, again=True)

    await access.change(call, item, "update", edit)
    return call.empty()


async def os_patch(call: Call) -> Response:
    """Store the settings of OS patches, which clients read back; nothing patches hosts yet."""
    item = access.find(call)
    sent = (await call.body()).get("osPatchConfig") or {}

    def edit(now: Loaded) -> Edited:
        now.head["clusterConfig"]["machineManagementConfig"] = {"osPatchConfig": sent}
        return Edited("its settings of OS patches are stored", now.head)

    await access.change(call, item, "update", edit)
    return call.empty()


async def delete(call: Call) -> Response:
    """Ask all hosts to leave; with `forceDelete`, and 15 minutes later, end it without those that did not confirm."""
    force = call.request.query_params.get("forceDelete", "") == "true"
    item = access.find(call)
    call.require(ADMIN, item.record.project_uid)
    loaded = await access.load(call.hub, item.uid)
    record = loaded.record
    if record.phase == tables.ADOPTING_PHASE:
        await _cancel(call, record)
        return call.empty()
    if record.phase == tables.DELETED_PHASE:
        raise conflict(f"The cluster '{record.name}' is deleted already.", wire.E_DELETED)
    if record.phase == tables.DELETING_PHASE:
        if force:
            await _force(call, record)
        return call.empty()
    if force:
        text = f"The cluster '{record.name}' is not being deleted; delete it first, and by force if that does not end."
        raise conflict(text, wire.E_FORCE_TOO_EARLY)
    for _pool, machine in form.machines(loaded.head):
        form.release(machine)
    made = await access.compose_end(call.hub, call.caller, loaded)

    def job(tx: Tx) -> bool:
        lock_hosts(tx, store.host_uids(loaded.head))
        now = store.get_or_404(tx, record.uid)
        if now != record:
            return False
        newer = msgspec.structs.replace(made.record, phase=tables.DELETING_PHASE, deleting_at=tx.now, modified=tx.now)
        store.put(tx, now, newer, None, made.document)
        message = f"Cluster '{record.name}' is being deleted"
        call.audit(tx, "delete", wire.KIND, record.uid, record.name, message, record.project_uid)
        cluster_event(call.hub, tx, newer, "Info", "ClusterDeleting", f"{message} by {call.origin}.")
        return True

    if not await call.write(job):
        raise conflict(f"The cluster '{record.name}' was changed meanwhile; delete it again.", wire.E_EDITED)
    return call.empty()


async def _cancel(call: Call, record: ClusterRecord) -> None:
    """Give up an adoption: the hosts were never asked to leave, and continue."""
    asked = str((record.parts.get("adoption") or {}).get("hostUid") or "")

    def job(tx: Tx) -> None:
        lock_hosts(tx, [asked])
        now = store.get_or_404(tx, record.uid)
        if now.phase != tables.ADOPTING_PHASE:
            raise conflict(f"The cluster '{record.name}' was adopted meanwhile; delete it again.", wire.E_EDITED)
        store.purge(tx, now)
        message = f"The adoption of the cluster '{record.name}' is given up"
        call.audit(tx, "delete", wire.KIND, record.uid, record.name, message, record.project_uid)
        if find_host(tx, asked) is not None:  # another cluster's document may be asked of it now
            raise_generation(tx, asked, "cluster")

    await call.write(job)


async def _force(call: Call, record: ClusterRecord) -> None:
    since = record.deleting_at or record.modified
    left = since + wire.FORCE_AFTER - call.now
    if left > 0:
        moment = times.rfc3339(since + wire.FORCE_AFTER)
        text = (
            f"The cluster '{record.name}' can be deleted by force from {moment} on; its hosts have until then to leave."
        )
        raise conflict(text, wire.E_FORCE_TOO_EARLY)

    def job(tx: Tx) -> None:
        lock_hosts(tx, store.host_uids(record.parts))
        now = store.get_or_404(tx, record.uid)
        if now.phase == tables.DELETED_PHASE:
            return  # its last host confirmed, or another request was first
        ending.end(call.hub, tx, now, f"by {call.origin}, by force")
        message = f"Cluster '{record.name}' is deleted by force"
        call.audit(tx, "delete", wire.KIND, record.uid, record.name, message, record.project_uid)

    await call.write(job)


_READ = {
    name: shapes.text(32)
    for name in ("includeTags", "resolvePackValues", "includePackMeta", "profileType", "includeNonSpectroLabels")
}
_BODY = palette.SPECTRO_EDGE_NATIVE_CLUSTER_ENTITY
ROUTES = (
    Route("POST", wire.CREATE, Access.WRITE, create, body=_BODY),
    Route("POST", wire.VALIDATE, Access.READ, validate, body=_BODY),
    Route("GET", wire.VALIDATE_NAME, Access.READ, validate_name, query={"name": shapes.text()}),
    Route("GET", wire.CLUSTER, Access.READ, get, query=_READ),
    Route("DELETE", wire.CLUSTER, Access.WRITE, delete, On.OBJECT, query={"forceDelete": shapes.text(8)}),
    Route("GET", wire.STATUS, Access.READ, state),
    Route(
        "PATCH", wire.METADATA, Access.WRITE, update_metadata, On.OBJECT, body=palette.OBJECT_META_INPUT_ENTITY_SCHEMA
    ),
    Route(
        "PUT", wire.LOCATION, Access.WRITE, location, On.OBJECT, body=palette.SPECTRO_CLUSTER_LOCATION_INPUT_ENTITY
    ),
    Route("PATCH", wire.TIMEZONE, Access.WRITE, timezone, On.OBJECT, body=palette.TIMEZONE_UPDATE_ENTITY),
    Route("PATCH", wire.OS_PATCH, Access.WRITE, os_patch, On.OBJECT, body=palette.OS_PATCH_ENTITY),
)  # fmt: skip
