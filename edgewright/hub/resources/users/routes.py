"""Users over the API (Palette's `/v1/users`); admins of the tenant change them, others of the tenant read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core.filters import palette as listfilter
from edgewright.core.roles import highest
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import UserRecord, dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies
from edgewright.hub.http.filter_text import order, passes
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.palette_bodies import users as shapes
from edgewright.hub.http.problems import bad_request, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import text
from edgewright.hub.resources.users import activation, render, rules, store
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "user"
_SORTS: dict[str, Callable[[UserRecord], Any]] = {
    "name": lambda record: render.display_name(record).casefold(),
    "creationTimestamp": lambda record: record.created,
}
_FILTERS = ("metadata.uid", "metadata.name", "spec.emailId", "status.isActive")


def _record(call: Call) -> UserRecord:
    record = call.hub.state.users.get(call.uid)
    if record is None:
        raise not_found("user", call.uid)
    return record


def _sorted(call: Call) -> list[UserRecord]:
    records = call.hub.state.users.values()
    return sorted(records, key=lambda record: (render.display_name(record).casefold(), record.uid))


def _link(call: Call, record: UserRecord) -> str:
    """Return the activation link for an admin; empty for everyone else."""
    if not call.is_admin:
        return ""
    return activation.link(record, call.hub.box, str(call.request.base_url), call.now)


def _values(record: UserRecord) -> dict[str, str]:
    active = "true" if record.active else "false"
    return dict(zip(_FILTERS, (record.uid, render.display_name(record), record.email, active), strict=True))


async def listing(call: Call) -> Response:
    """List the users (`v1Users`), paged; `limit=0`, which Palette's SDK sends for all, is the largest page."""
    try:
        alternatives = listfilter.parse(call.request.query_params.get("filters", ""), _FILTERS)
    except ValueError as error:
        raise bad_request(str(error)) from None
    result = _sorted(call)
    if alternatives:
        result = [
            record
            for record in result
            if any(
                all((_values(record)[term.property] == term.value) is not term.negated for term in terms)
                for terms in alternatives
            )
        ]
    every = call.request.query_params.get("limit") == "0"
    offset, limit = call.page()
    limit = len(result) if every else limit
    page = result[offset : offset + limit]
    items = []
    async with call.pace() as pace:
        for record in page:
            items.append(render.user(record, call.hub.state, _link(call, record)))
            if pace.due:
                await pace.rest()
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(result), limit)})


async def metadata(call: Call) -> Response:
    """List uid, name and email address of every user (`v1UsersMetadata`)."""
    items = [
        {"uid": record.uid, "name": render.display_name(record), "emailId": record.email} for record in _sorted(call)
    ]
    return call.json({"items": items})


async def summary(call: Call) -> Response:
    """List users with their roles (`v1UsersSummaryList`), filtered by name and email address."""
    body = await call.body()
    wanted = body.get("filter") or {}
    name, email = wanted.get("name") or {}, wanted.get("emailId") or {}
    results = [
        record for record in _sorted(call) if passes(render.display_name(record), name) and passes(record.email, email)
    ]
    for field, descending in order(body, "name"):
        results.sort(key=_SORTS[field], reverse=descending)
    items = []
    async with call.pace() as pace:
        for record in results:
            items.append(render.summary(record, call.hub.state, _link(call, record)))
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


async def create(call: Call) -> Response:
    """Create a user, who is active once the activation link was used."""
    body = await call.body()
    spec = body.get("spec") or {}
    email, properties = rules.check_email(spec.get("emailId")), rules.read_properties(spec)
    doc = check_record(KIND, email, dump({"metadata": merge_metadata({}, body.get("metadata") or {})}))

    def job(tx: Tx) -> str:
        record = UserRecord(
            uid=new_uid(),
            email=email,
            first_name=properties.get("first_name", ""),
            last_name=properties.get("last_name", ""),
            role=properties.get("role", ""),
            created=tx.now,
            active=False,
            doc=doc,
            modified=tx.now,
            **activation.new_code(call.hub.box, tx.now),
        )
        store.insert(tx, record)
        message = f"User '{email}' is created{_with_roles(record)}"
        call.audit(tx, "create", KIND, record.uid, email, message)
        return record.uid

    return call.created(await call.write(job))


def _with_roles(record: UserRecord) -> str:
    return f" with the role {highest(record.roles)} of the tenant" if record.role else ""


async def get(call: Call) -> Response:
    """Return one user."""
    record = _record(call)
    return call.json(render.user(record, call.hub.state, _link(call, record)))


async def update(call: Call) -> Response:
    """Change a user; what is not sent stays (rule P51)."""
    body = await call.body()
    changes = rules.read_properties(body.get("spec") or {})

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        _change(call, tx, record, changes, body.get("metadata") or {})

    await call.write(job)
    return call.empty()


async def patch(call: Call) -> Response:
    """Change single properties of a user (`v1UserPatch`); `/status/isActive` ends or restores the access."""
    operations = await call.body()
    if not isinstance(operations, list):
        raise bad_request("The request body is a list of operations.")
    changes = rules.read_patch([operation for operation in operations if operation])
    await call.write(lambda tx: _change(call, tx, store.get_or_404(tx, call.uid), changes, {}))
    return call.empty()


def _change(call: Call, tx: Tx, record: UserRecord, changes: dict[str, Any], metadata: dict[str, Any]) -> None:
    if metadata:
        document = {"metadata": merge_metadata(_metadata(record), metadata)}
        changes = {**changes, "doc": check_record(KIND, record.email, dump(document), record.doc)}
    if changes.get("active") is False:
        changes = {**changes, **activation.NONE}
    newer = store.update(tx, record, **changes)
    what = [
        text
        for changed, text in (
            (newer.email != record.email, f"has the email address {newer.email}"),
            (newer.roles != record.roles, f"has the role {highest(newer.roles) or 'none'} of the tenant"),
            (newer.active != record.active, "is active" if newer.active else "is not active any more"),
        )
        if changed
    ] or ["is updated"]
    call.audit(tx, "update", KIND, record.uid, newer.email, f"User '{record.email}' {' and '.join(what)}")


def _metadata(record: UserRecord) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(record.doc)
    return document.get("metadata") or {}


async def delete(call: Call) -> Response:
    """Delete a user; API keys, sessions and open streams end at once."""

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        keys = store.delete(tx, record)
        ended = f"; {keys} API keys ended" if keys else ""
        call.audit(tx, "delete", KIND, record.uid, record.email, f"User '{record.email}' is deleted{ended}")

    await call.write(job)
    return call.empty()


async def invite(call: Call) -> Response:
    """Make a new activation link, which replaces an older one; Palette would send it by email."""

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        store.update(tx, record, **activation.new_code(call.hub.box, tx.now))
        call.audit(tx, "update", KIND, record.uid, record.email, f"A new activation link is made for '{record.email}'")

    await call.write(job)
    return call.empty()


async def tenant_roles(call: Call) -> Response:
    """Return the roles of a user for the tenant (`v1UserRolesEntity`)."""
    return call.json({"roles": render.role_references(_record(call).roles), "inheritedRoles": []})


async def set_tenant_roles(call: Call) -> Response:
    """Replace the roles of a user for the tenant (`v1UserRoleUIDs`)."""
    body = await call.body()
    changes = {"role": " ".join(rules.read_roles(body.get("roles") or [], "roles"))}
    await call.write(lambda tx: _change(call, tx, store.get_or_404(tx, call.uid), changes, {}))
    return call.empty()


async def project_roles(call: Call) -> Response:
    """Return the roles of a user in projects (`v1ProjectRolesEntity`)."""
    return call.json({"projects": render.project_roles(_record(call), call.hub.state)})


async def set_project_roles(call: Call) -> Response:
    """Replace the roles of a user in projects (`v1ProjectRolesPatch`); a project that is not named has none then."""
    body = await call.body()
    wanted = rules.read_project_roles(body, call.hub.state.projects)
    names = {uid: record.name for uid, record in call.hub.state.projects.items()}

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        store.set_project_roles(tx, record, wanted)
        mine = ", ".join(f"{highest(stored)} in {names.get(uid, uid)}" for uid, stored in wanted.items()) or "none"
        message = f"User '{record.email}' has the project roles: {mine}"
        call.audit(tx, "update", KIND, record.uid, record.email, message[:1000])

    await call.write(job)
    return call.empty()


async def resource_roles(call: Call) -> Response:
    """Return the roles of a user for tagged resources: this hub has none."""
    _record(call)
    return call.json({"resourceRoles": []})


async def workspace_roles(call: Call) -> Response:
    """Return the roles of a user in workspaces: this hub has none."""
    if call.params["userUid"] not in call.hub.state.users:
        raise not_found("user", call.params["userUid"])
    return call.json({"projects": []})


ROUTES = (
    Route("GET", protocol.USERS, Access.READ, listing, On.TENANT, query={**bodies.PAGE, "filters": text()}),
    Route("POST", protocol.USERS, Access.WRITE, create, On.TENANT, body=shapes.USER_ENTITY),
    Route("GET", protocol.USERS_META, Access.READ, metadata, On.TENANT),
    Route("POST", protocol.USERS_SUMMARY, Access.READ, summary, On.TENANT, body=shapes.USERS_SUMMARY_SPEC),
    Route("GET", protocol.USER, Access.READ, get, On.TENANT),
    Route("PUT", protocol.USER, Access.WRITE, update, On.TENANT, body=shapes.USER_UPDATE_ENTITY),
    Route("PATCH", protocol.USER, Access.WRITE, patch, On.TENANT, body=shapes.USER_PATCH),
    Route("DELETE", protocol.USER, Access.WRITE, delete, On.TENANT),
    Route("PATCH", protocol.USER_PASSWORD_RESET, Access.WRITE, invite, On.TENANT),
    Route("GET", protocol.USER_ROLES, Access.READ, tenant_roles, On.TENANT),
    Route("PUT", protocol.USER_ROLES, Access.WRITE, set_tenant_roles, On.TENANT, body=shapes.USER_ROLE_UIDS),
    Route("GET", protocol.USER_PROJECTS, Access.READ, project_roles, On.TENANT),
    Route("PUT", protocol.USER_PROJECTS, Access.WRITE, set_project_roles, On.TENANT, body=shapes.PROJECT_ROLES_PATCH),
    Route("GET", protocol.USER_RESOURCE_ROLES, Access.READ, resource_roles, On.TENANT),
    Route("GET", protocol.USER_WORKSPACE_ROLES, Access.READ, workspace_roles, On.TENANT),
    Route(
        "POST",
        protocol.ACTIVATIONS,
        Access.OPEN,
        activation.activate,
        body=activation.BODY,
        returns=activation.ANSWER,
        status=201,
    ),
)
