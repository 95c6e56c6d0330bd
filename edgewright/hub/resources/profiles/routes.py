"""Cluster profiles over the API (Palette's `/v1/clusterprofiles`): of a project, or of the tenant."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core.profiles.model import FIRST_VERSION
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
from edgewright.hub.resources.profiles.access import KIND
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
    index = call.hub.part(PackIndex)
    content = stored.template(spec.get("template") or {}, {}, index, call.hub.box, spec.get("variables") or [])
    metadata = metadata_of(name, {}, body.get("metadata") or {})
    publish = call.request.query_params.get("publish") == "true"
    return call.created(await insert(call, name, str(spec.get("version") or FIRST_VERSION), metadata, content, publish))


async def insert(call: Call, name: str, version: str, metadata: Json, content: Json, publish: bool = False) -> str:
    """Store a new version and return its uid; raises 422 with what is wrong in it, 409 for one that exists."""
    profile = access.model(call, name, version, metadata, content)
    if publish:
        await check_publish(call, name, version, metadata, content)
    draft, live = (None, content) if publish else (content, None)
    head, project = stored.head(metadata, draft, live, profile), call.project

    def job(tx: Tx) -> str:
        record = ProfileRecord(new_uid(), name, version, project, publish, head, tx.now, tx.now)
        store.insert(tx, record, draft, live)
        state = "published" if publish else "a draft"
        call.audit(
            tx, "create", KIND, record.uid, name, f"Cluster profile '{name}' {version} is created as {state}", project
        )
        return record.uid

    return await call.write(job)


async def check_publish(call: Call, name: str, version: str, metadata: Json, content: Json) -> None:
    """Raise 422 with every error that stops a publish."""
    profile = stored.profile(name, version, metadata, content, call.hub.box)
    access.refuse(
        f"The cluster profile {name} {version} cannot be published", errors(await access.findings(call, profile, True))
    )


async def get(call: Call) -> Response:
    """Return a profile with packs and values."""
    call.choice("resourceType")
    record = access.find(call)
    draft, live = await access.content(call, record)
    return call.json(documents.profile(call.hub, record, draft, live))


async def update(call: Call) -> Response:
    """Replace the packs; name, labels and version when they are sent. What is not sent stays (rule P51)."""
    call.choice("resourceType")
    access.writable(call)
    body = await call.body()
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}
    index, box = call.hub.part(PackIndex), call.hub.box

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        draft, live = store.texts(tx.connection, record.uid)
        present = stored.template(spec.get("template") or {}, draft or live or {}, index, box, None)
        name = str(meta.get("name") or "").strip() or record.name
        version = str(spec.get("version") or record.version)
        metadata = metadata_of(name, record.parts["metadata"], meta)
        profile = access.model(call, name, version, metadata, present)
        head = stored.head(metadata, present, live, profile)
        newer = msgspec.structs.replace(record, name=name, version=version, head=head, modified=tx.now)
        store.put(tx, record, newer, present, live)
        text = f"Cluster profile '{name}' {version} is updated"
        call.audit(tx, "update", KIND, record.uid, name, text, record.project_uid)

    await call.write(job)
    return call.empty()


async def update_metadata(call: Call) -> Response:
    """Change name, labels, annotations or version of a profile; published content stays published."""
    access.writable(call)
    body = await call.body()
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        draft, live = store.texts(tx.connection, record.uid)
        name = str(meta.get("name") or "").strip() or record.name
        version = str(spec.get("version") or record.version)
        metadata = metadata_of(name, record.parts["metadata"], meta)
        profile = access.model(call, name, version, metadata, draft or live or {})
        head = stored.head(metadata, draft, live, profile)
        newer = msgspec.structs.replace(record, name=name, version=version, head=head, modified=tx.now)
        store.put(tx, record, newer, draft, live)
        text = f"Metadata of cluster profile '{name}' {version} are updated"
        call.audit(tx, "update", KIND, record.uid, name, text, record.project_uid)

    await call.write(job)
    return call.empty()


async def publish(call: Call) -> Response:
    """Publish the draft; a profile without one stays as it is. Raises 422 with every error."""
    record = access.writable(call)
    draft, _live = await access.content(call, record)
    if draft is None:
        return call.empty()
    await check_publish(call, record.name, record.version, record.parts["metadata"], draft)

    def job(tx: Tx) -> None:
        now = store.get_or_404(tx, call.uid)
        present, _old = store.texts(tx.connection, now.uid)
        if present is None:
            return
        if present != draft or (now.name, now.version) != (record.name, record.version):
            raise conflict(f"The cluster profile '{now.name}' was changed meanwhile; publish it again.", "Changed")
        meta = now.parts["metadata"]
        profile = stored.profile(now.name, now.version, meta, present, call.hub.box)
        head = stored.head(meta, None, present, profile)
        newer = msgspec.structs.replace(now, published=True, head=head, modified=tx.now)
        store.put(tx, now, newer, None, present)
        text = f"Cluster profile '{now.name}' {now.version} is published"
        call.audit(tx, "action", KIND, now.uid, now.name, text, now.project_uid)

    await call.write(job)
    return call.empty()


def _delete(call: Call, tx: Tx, uid: str) -> None:
    record = store.get_or_404(tx, uid)
    meta = record.parts["metadata"]
    model = stored.profile(record.name, record.version, meta, {**_EMPTY}, None)
    refusal = in_use(model, call.hub.part(ProfileUses).of(uid))
    if refusal:
        raise conflict(refusal, "ProfileInUse")
    store.delete(tx, record)
    text = f"Cluster profile '{record.name}' {record.version} is deleted"
    call.audit(tx, "delete", KIND, record.uid, record.name, text, record.project_uid)


_EMPTY: Json = {"type": "cluster", "cloudType": stored.CLOUD, "packs": [], "variables": []}


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
    draft, live = await access.content(call, record)
    wanted = body.get("metadata") or {}
    name, version = _target(call, record, wanted)
    metadata = record.parts["metadata"]
    content: Json = draft or live or {}
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
    if version in call.hub.part(ProfileIndex).versions(call.project, name).values():
        raise conflict(f"The cluster profile '{name}' {version} exists already.", "DuplicateProfile")
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
    if version in call.hub.part(ProfileIndex).versions(call.project, name).values():
        raise conflict(f"The cluster profile '{name}' {version} exists already.", "DuplicateProfile")
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
