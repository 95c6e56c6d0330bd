"""Cluster profiles over the API (Palette's `/v1/clusterprofiles`): of a project, or of the tenant."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from edgewright.core.profiles.model import FIRST_VERSION, Profile
from edgewright.core.profiles.problems import errors
from edgewright.core.profiles.usage import in_use
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import problems, shapes
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.problems import Problem, conflict, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import documents, store, stored
from edgewright.hub.profiles.index import ProfileIndex, ProfileUses
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.resources.profiles import access
from edgewright.hub.resources.profiles.access import KIND, Edited, Stored
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol

Json = dict[str, Any]
_CHECKED = {protocol.H_AUDIT: ""}
"""Checks have the header of an audit entry in Palette; here they leave none."""


def name_of(body: Json) -> str:
    """Return the name in a body; raises 422 without one."""
    name = str((body.get("metadata") or {}).get("name") or "").strip()
    if not name:
        raise invalid(problems.REQUIRED, "metadata.name in body is required")
    return name


def metadata_of(name: str, stored_: Json, sent: Json) -> Json:
    """Return metadata to store; raises 413 for too much of it."""
    merged = merge_metadata(stored_, sent)
    check_record("cluster profile", name, dump(merged))
    return merged


async def create(call: Call) -> Response:
    """Create a version of a profile as a draft, or as published with `publish=true`."""
    body = await call.body()
    name, spec = name_of(body), body.get("spec") or {}
    views, box = call.hub.part(PackIndex).views, call.hub.box
    template, variables = spec.get("template") or {}, spec.get("variables") or []
    content = await access.work(call, lambda: stored.template(template, {}, views, box, variables))
    metadata = metadata_of(name, {}, body.get("metadata") or {})
    publish = call.request.query_params.get("publish") == "true"
    return call.created(await insert(call, name, str(spec.get("version") or FIRST_VERSION), metadata, content, publish))


async def insert(call: Call, name: str, version: str, metadata: Json, content: Json, publish: bool = False) -> str:
    """Store a new version and return its uid; raises 422 with what is wrong in it, 409 for one that exists."""
    refuse_known(call, name, version)
    if publish:
        await check_publish(call, name, version, metadata, content)
    draft, live = (None, content) if publish else (content, None)
    edited = Edited("", draft, live, metadata, name, version, publish)
    made, project = await access.work(call, lambda: access.composed(call, edited)), call.project

    def job(tx: Tx) -> str:
        record = ProfileRecord(new_uid(), name, version, project, publish, made.head, tx.now, tx.now)
        store.insert(tx, record, made.draft, made.live)
        state = "published" if publish else "a draft"
        text = f"Cluster profile '{name}' {version} is created as {state}"
        call.audit(tx, "create", KIND, record.uid, name, text, project)
        return record.uid

    return await call.write(job)


def refuse_known(call: Call, name: str, version: str) -> None:
    """Raise 409 for a name and version that the project has."""
    if version in call.hub.part(ProfileIndex).versions(call.project, name).values():
        raise conflict(f"The cluster profile '{name}' {version} exists already.", "DuplicateProfile")


async def check_publish(call: Call, name: str, version: str, metadata: Json, content: Json) -> None:
    """Raise 422 with every error that stops a publish."""
    profile = await access.work(call, lambda: stored.profile(name, version, metadata, content, call.hub.box))
    wrong = errors(await access.findings(call, profile, True))
    access.refuse(f"The cluster profile {name} {version} cannot be published", wrong)


async def get(call: Call) -> Response:
    """Return a profile with packs and values."""
    call.choice("resourceType")
    now = await access.read(call, access.find(call))
    return call.json(documents.profile(call.hub, now.record, now.draft, now.live))


def _named(now: Stored, meta: Json, spec: Json) -> tuple[Json, str, str]:
    """Return metadata, name and version after a body; what is not sent stays (rule P51)."""
    name = str(meta.get("name") or "").strip() or now.record.name
    return metadata_of(name, now.metadata, meta), name, str(spec.get("version") or now.record.version)


async def update(call: Call) -> Response:
    """Replace the packs; name, labels and version when they are sent. What is not sent stays."""
    call.choice("resourceType")
    access.writable(call)
    body = await call.body()
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}
    views, box = call.hub.part(PackIndex).views, call.hub.box

    def edit(now: Stored) -> Edited:
        present = stored.template(spec.get("template") or {}, now.present, views, box, None)
        return Edited("its packs are updated", present, now.live, *_named(now, meta, spec), now.record.published)

    await access.change(call, "update", edit)
    return call.empty()


async def update_metadata(call: Call) -> Response:
    """Change name, labels, annotations or version of a profile; published content stays published."""
    access.writable(call)
    body = await call.body()
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}

    def edit(now: Stored) -> Edited:
        return Edited("its metadata are updated", now.draft, now.live, *_named(now, meta, spec), now.record.published)

    await access.change(call, "update", edit)
    return call.empty()


async def publish(call: Call) -> Response:
    """Publish the draft; a profile without one stays as it is. Raises 422 with every error."""
    checked = await access.read(call, access.writable(call))
    if checked.draft is None:
        return call.empty()
    record, draft = checked.record, checked.draft
    await check_publish(call, record.name, record.version, checked.metadata, draft)

    def edit(now: Stored) -> Edited:
        if (now.draft, now.record.name, now.record.version) != (draft, record.name, record.version):
            raise conflict(f"The cluster profile '{record.name}' was changed meanwhile; publish it again.", "Changed")
        return Edited("it is published", None, draft, now.metadata, record.name, record.version, True)

    await access.change(call, "action", edit)
    return call.empty()


def _delete(call: Call, tx: Tx, uid: str) -> None:
    record = store.get_or_404(tx, uid)
    refusal = in_use(Profile(record.name, version=record.version), call.hub.part(ProfileUses).of(uid))
    if refusal:
        raise conflict(refusal, "ProfileInUse")
    store.delete(tx, record)
    text = f"Cluster profile '{record.name}' {record.version} is deleted"
    call.audit(tx, "delete", KIND, record.uid, record.name, text, record.project_uid)


async def delete(call: Call) -> Response:
    """Delete a version of a profile; refused with the list while clusters use it."""
    call.choice("resourceType")
    access.writable(call)
    await call.write(lambda tx: _delete(call, tx, call.uid))
    return call.empty()


async def delete_many(call: Call) -> Response:
    """Delete several versions; each that cannot be deleted is in the answer with its reason."""
    body = await call.body()
    index = call.hub.part(ProfileIndex)
    failures, deleted = [], 0
    for uid in dict.fromkeys(str(uid) for uid in body["uids"]):
        record = index.by_uid.get(uid)
        try:
            if record is None or not access.visible(call, record):
                raise not_found("cluster profile", uid)
            call.require("admin", record.project_uid)
            await call.write(lambda tx, uid=uid: _delete(call, tx, uid))  # type: ignore[misc]
            deleted += 1
        except Problem as problem:
            failures.append({"uid": uid, "name": record.name if record else "", "errMsg": problem.message})
    answer = {"deletedCount": deleted, "failures": failures, "isSucceeded": not failures, "message": ""}
    return call.json(answer)


async def clone(call: Call) -> Response:
    """Copy the present content to another name or version, as a draft, in the project of the target."""
    record = access.find(call)
    body = await call.body()
    now = await access.read(call, record)
    name, version = _target(call, record, body.get("metadata") or {})
    metadata, content = now.metadata, now.present
    packs = [
        {**item, "manifests": [{**part, "uid": new_uid()} for part in item["manifests"]]} for item in content["packs"]
    ]
    return call.created(await insert(call, name, version, metadata, {**content, "packs": packs}))


def _target(call: Call, record: ProfileRecord, wanted: Json) -> tuple[str, str]:
    """Return name and version of a clone; raises 403 for another project than the call's, 409 for one that exists."""
    target = wanted.get("target") or {}
    asked = str(target.get("projectUid") or "") if target.get("scope") == "project" else call.project
    if asked and asked != call.project:
        raise problems.bad_request("A clone is made in the project of the header ProjectUid; send that of the target.")
    name, version = str(wanted.get("name") or record.name), str(wanted.get("version") or record.version)
    refuse_known(call, name, version)
    return name, version


async def validate_clone(call: Call) -> Response:
    """Answer 204 when a clone would be possible."""
    record = access.find(call)
    _target(call, record, await call.body())
    return call.empty(_CHECKED)


async def validate_name(call: Call) -> Response:
    """Answer 204 when a name and version are free in the project, 409 when not."""
    query = call.request.query_params
    name, version = query.get("name", ""), query.get("version", "") or FIRST_VERSION
    refuse_known(call, name, version)
    return call.empty(_CHECKED)


_READ = {
    "includePackMeta": shapes.text(),
    "resourceType": shapes.text(32, "spectrocluster", "clustertemplate"),
    "includePackAnnotations": shapes.text(),
}
_PUBLISH = {"publish": shapes.text(8)}
_UPDATE = palette.CLUSTER_PROFILE_UPDATE_ENTITY
ROUTES = (
    Route(
        "POST", protocol.PROFILES, Access.WRITE, create, body=palette.CLUSTER_PROFILE_ENTITY, query=_PUBLISH
    ),
    Route("DELETE", protocol.PROFILES_BULK, Access.WRITE, delete_many, body=palette.BULK_DELETE_REQUEST),
    Route(
        "GET", protocol.PROFILES_VALIDATE_NAME, Access.READ, validate_name,
        query={"name": shapes.text(), "version": shapes.text()},
    ),
    Route("GET", protocol.PROFILE, Access.READ, get, query=_READ),
    Route(
        "PUT", protocol.PROFILE, Access.WRITE, update, On.OBJECT, body=_UPDATE, query=_READ
    ),
    Route("DELETE", protocol.PROFILE, Access.WRITE, delete, On.OBJECT, query=_READ),
    Route(
        "PATCH", protocol.PROFILE_METADATA, Access.WRITE, update_metadata, On.OBJECT, body=palette.PROFILE_META_ENTITY
    ),
    Route("PATCH", protocol.PROFILE_PUBLISH, Access.WRITE, publish, On.OBJECT),
    Route("POST", protocol.PROFILE_CLONE, Access.WRITE, clone, body=palette.CLUSTER_PROFILE_CLONE_ENTITY),
    Route(
        "POST", protocol.PROFILE_CLONE_VALIDATE, Access.READ, validate_clone,
        body=palette.CLUSTER_PROFILE_CLONE_META_INPUT_ENTITY,
    ),
)  # fmt: skip
