"""Projects: metadata for the switch in the console, the dashboard list, and their making and unmaking."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from edgewright.hub.clusters import store as cluster_store
from edgewright.hub.clusters import tables as clusters
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.db import schema
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import ProjectRecord, dump
from edgewright.hub.db.shared.rows import locked
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.filter_text import order, passes
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.problems import conflict, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.tenants import shapes
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.db.transaction import Tx

KIND = "project"
_SORTS = {"creationTimestamp": "created", "lastModifiedTimestamp": "modified"}
PROJECT_META = "/v1/projects/{uid}/meta"
PROJECT_VALIDATE = "/v1/projects/{uid}/validate"


def _records(call: Call) -> list[ProjectRecord]:
    """Return the projects in which the caller has a role."""
    seen = (record for record in call.hub.state.projects.values() if call.actor.grants.sees(record.uid))
    return sorted(seen, key=lambda record: (record.name, record.uid))


def _record(call: Call) -> ProjectRecord:
    record = call.hub.state.projects.get(call.uid)
    if record is None:
        raise not_found("project", call.uid)
    return record


async def metadata(call: Call) -> Response:
    """List uid and name of every project; `name` narrows it."""
    wanted = call.request.query_params.get("name", "")
    items = [
        {"metadata": {"uid": record.uid, "name": record.name}}
        for record in _records(call)
        if not wanted or record.name == wanted
    ]
    return call.json({"items": items})


async def summary(call: Call) -> Response:
    """List projects with their counts (`v1ProjectsSummary`)."""
    body = await call.body()
    offset, limit = call.page()
    rule = (body.get("filter") or {}).get("name") or {}
    matches = [record for record in _records(call) if passes(record.name, rule)]
    for field, descending in order(body, "name"):
        matches.sort(key=attrgetter(_SORTS.get(field, "name")), reverse=descending)
    page = matches[offset : offset + limit]
    items = []
    fleet: Counter[str] = Counter()
    async with call.pace() as pace:
        for entry in list(call.hub.state.hosts.values()):
            fleet[entry.record.project_uid] += 1
            if pace.due:
                await pace.rest()
    for record in page:
        document = call.hub.renderer.project(record)
        health = {"errored": 0, "healthy": 0, "running": 0, "unhealthy": 0}
        items.append(
            {
                "metadata": document["metadata"],
                "specSummary": {"logoUrl": "", "teams": [], "users": []},
                "status": {
                    "clustersHealth": health,
                    "status": {"isDisabled": False},
                    "usage": {"alloyCpuCores": 0, "pureCpuCores": 0, "clusters": []},
                    "edgewright": {"hosts": fleet[record.uid]},
                },
            }
        )
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(matches), limit)})


def _get_or_404(tx: Tx, uid: str) -> ProjectRecord:
    """Return a project, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(schema.projects).where(schema.projects.c.uid == uid)))
    if row is None:
        raise not_found("project", uid)
    return ProjectRecord(**row._mapping)


def _document(body: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    return {**stored, **rest, "metadata": merge_metadata(stored.get("metadata") or {}, body.get("metadata") or {})}


def _name(body: dict[str, Any]) -> str:
    name = str((body.get("metadata") or {}).get("name") or "").strip()
    if not name:
        raise problems.invalid(problems.REQUIRED, "metadata.name in body is required")
    return name


async def create(call: Call) -> Response:
    """Make a project."""
    body = await call.body()
    name = _name(body)

    def job(tx: Tx) -> str:
        if tx.first(select(schema.projects.c.uid).where(schema.projects.c.name == name)) is not None:
            raise conflict(f"A project named '{name}' exists already.", "DuplicateName")
        doc = check_record("project", name, dump(_document(body, {})))
        record = ProjectRecord(new_uid(), name, doc, tx.now, tx.now)
        tx.run(schema.projects.insert().values(**msgspec.structs.asdict(record)))
        call.audit(tx, "create", KIND, record.uid, name, f"Project '{name}' is created", record.uid)
        tx.changed(record)
        return record.uid

    return call.created(await call.write(job))


async def get(call: Call) -> Response:
    """Return one project."""
    return call.json(call.hub.renderer.project(_record(call)))


async def update(call: Call) -> Response:
    """Change name, labels and the rest of a project; what is not sent stays (rule P51)."""
    only_meta = call.request.url.path.endswith("/meta")
    body = await call.body()
    body = {"metadata": body} if only_meta else body
    _record(call)
    sent = str((body.get("metadata") or {}).get("name") or "")

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        name = sent or record.name
        other = tx.first(
            select(schema.projects.c.uid).where(schema.projects.c.name == name, schema.projects.c.uid != record.uid)
        )
        if other is not None:
            raise conflict(f"A project named '{name}' exists already.", "DuplicateName")
        document = _document(body, msgspec.json.decode(record.doc))
        doc = check_record("project", name, dump(document), record.doc)
        newer = msgspec.structs.replace(record, name=name, doc=doc, modified=tx.now)
        tx.run(
            schema.projects.update()
            .where(schema.projects.c.uid == record.uid)
            .values(name=name, doc=newer.doc, modified=tx.now)
        )
        call.audit(tx, "update", KIND, record.uid, name, f"Project '{name}' is updated", record.uid)
        tx.changed(newer)

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a project that no host, cluster, registration token, receiver or SSH key uses."""
    _record(call)

    def job(tx: Tx) -> None:
        record = _get_or_404(tx, call.uid)
        stored = tx.first(select(schema.hosts.c.uid).where(schema.hosts.c.project_uid == record.uid))
        if stored is not None:
            raise conflict(f"The project '{record.name}' still has hosts, such as '{stored.uid}'.", "ProjectInUse")
        token = tx.first(select(schema.tokens.c.name).where(schema.tokens.c.project_uid == record.uid))
        if token is not None:
            raise conflict(
                f"The registration token '{token.name}' registers hosts into the project '{record.name}'; "
                "delete the token or give it another project first.",
                "ProjectInUse",
            )
        receiver = tx.first(
            select(schema.alert_receivers.c.name).where(schema.alert_receivers.c.project_uid == record.uid)
        )
        if receiver is not None:
            raise conflict(
                f"The alert receiver '{receiver.name}' belongs to the project '{record.name}'; remove it first.",
                "ProjectInUse",
            )
        key = tx.first(select(schema.ssh_keys.c.name).where(schema.ssh_keys.c.project_uid == record.uid))
        if key is not None:
            raise conflict(
                f"The SSH key '{key.name}' belongs to the project '{record.name}'; delete it first.", "ProjectInUse"
            )
        cluster = tx.first(
            select(clusters.clusters.c.name).where(
                clusters.clusters.c.project_uid == record.uid, clusters.clusters.c.live_name.is_not(None)
            )
        )
        if cluster is not None:
            raise conflict(
                f"The project '{record.name}' has clusters, such as '{cluster.name}'; delete them first.",
                "ProjectInUse",
            )
        cluster_store.purge_project(tx, record.uid)
        tx.run(schema.project_roles.delete().where(schema.project_roles.c.project_uid == record.uid))
        tx.run(schema.projects.delete().where(schema.projects.c.uid == record.uid))
        call.audit(tx, "delete", KIND, record.uid, record.name, f"Project '{record.name}' is deleted", record.uid)
        tx.removed(record)

    await call.write(job)
    return call.empty()


async def validate(call: Call) -> Response:
    """Report what prevents the deletion of a project (`v1ProjectActiveResources`)."""
    record = _record(call)
    hosts = []
    async with call.pace() as pace:
        for entry in list(call.hub.state.hosts.values()):
            if entry.record.project_uid == record.uid:
                hosts.append(entry.record.uid)
            if pace.due:
                await pace.rest()
    hosts.sort()
    tokens = sorted(token.name for token in call.hub.part(Tokens).by_uid.values() if token.project_uid == record.uid)
    keys = sorted(key.name for key in call.hub.state.ssh_keys.values() if key.project_uid == record.uid)
    nothing = {"count": 0, "clusters": []}
    used = [
        {"uid": item.uid, "name": item.record.name}
        for item in call.hub.part(ClusterIndex).by_uid.values()
        if item.record.project_uid == record.uid and item.record.live_name is not None
    ]
    return call.json(
        {
            "appDeployments": {"count": 0, "apps": []},
            "clusters": {"count": len(used), "clusters": used[:50]},
            "virtualClusters": nothing,
            "edgewright": {
                "hosts": {"count": len(hosts), "uids": hosts[:50]},
                "tokens": {"count": len(tokens), "names": tokens[:50]},
                "sshKeys": {"count": len(keys), "names": keys[:50]},
            },
        }
    )


ROUTES = (
    Route("GET", protocol.PROJECTS_METADATA, Access.READ, metadata, query={"name": bodies.NAME}),
    Route("POST", protocol.PROJECTS_SUMMARY, Access.READ, summary, body=shapes.PROJECTS_FILTER, query=bodies.PAGE),
    Route("POST", protocol.PROJECTS, Access.WRITE, create, On.TENANT, body=shapes.PROJECT),
    Route("GET", protocol.PROJECT, Access.READ, get, On.PROJECT),
    Route("PUT", protocol.PROJECT, Access.WRITE, update, On.PROJECT, body=shapes.PROJECT),
    Route("DELETE", protocol.PROJECT, Access.WRITE, delete, On.TENANT),
    Route("PUT", PROJECT_META, Access.WRITE, update, On.PROJECT, body=bodies.META),
    Route("DELETE", PROJECT_VALIDATE, Access.READ, validate, On.PROJECT),
)
