"""Macros of a project (Palette's `/v1/projects/{uid}/macros`) and of the tenant (`/v1/tenants/{tenantUid}/macros`)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from starlette.responses import Response

from edgewright.core import times
from edgewright.core.profiles.variables import COVER
from edgewright.hub.db.shared.rows import queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import bodies, problems
from edgewright.hub.http.palette_bodies import macros as palette
from edgewright.hub.http.problems import Problem, conflict, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import ANY, FLAG, WHEN, many, obj, text
from edgewright.hub.profiles import store
from edgewright.hub.profiles.index import MOST_MACROS, MacroIndex
from edgewright.hub.profiles.tables import MacroRecord
from edgewright.hub.resources.profiles import access
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

KIND = "macro"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)
EXTENSION = "edgewright"


class Sent(NamedTuple):
    """A macro in a body; `masked` is `None` where the body does not have it, as those of Palette's clients."""

    value: str
    masked: bool | None


def shown_value(call: Call, record: MacroRecord) -> str:
    """Return the value for the caller: covered when it is masked, and for viewers."""
    return call.hub.box.unseal(record.value_encrypted) if access.readable(call, record) else COVER


def _document(call: Call, *projects: str) -> dict[str, Any]:
    """Return macros, those of later projects before those of earlier ones."""
    index = call.hub.part(MacroIndex)
    rows: dict[str, dict[str, Any]] = {}
    for project in projects:
        for name, record in index.of(project).items():
            rows[name] = {"name": name, "value": shown_value(call, record)}
            if record.masked:
                rows[name][EXTENSION] = {"masked": True}
    return {"macros": [rows[name] for name in sorted(rows)]}


async def of_project(call: Call) -> Response:
    """List the macros of a project, or of the tenant."""
    return call.json(_document(call, _project(call)))


async def usable(call: Call) -> Response:
    """List the macros that profiles of the scope can use: those of the tenant, with those of the project over them."""
    return call.json(_document(call, "", call.project) if call.project else _document(call, ""))


def _order(record: MacroRecord) -> tuple[str, str, str]:
    return record.name.casefold(), record.name, record.project_uid


async def listing(call: Call) -> Response:
    """List the macros that the caller may see, of the tenant and of projects, by name, paged; without values."""
    records = call.hub.part(MacroIndex).by_uid.values()
    shown = sorted(
        (record for record in records if not record.project_uid or call.scope.covers(record.project_uid)), key=_order
    )
    offset, limit = call.page()
    items = [entry(record) for record in shown[offset : offset + limit]]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(items), len(shown), limit)})


def entry(record: MacroRecord) -> dict[str, Any]:
    """Return a macro as lists and the change stream have it: without its value, which not every reader may see."""
    modified = times.rfc3339(record.modified)
    spec = {"projectUid": record.project_uid, "masked": record.masked}
    return {"metadata": {"uid": record.uid, "name": record.name, "lastModifiedTimestamp": modified}, "spec": spec}


def _project(call: Call) -> str:
    """Return the project of the path, "" for that of the tenant; raises 404 for one that does not exist."""
    tenant = call.params.get("tenantUid", "")
    if tenant and tenant != call.hub.state.tenant_uid:
        raise not_found("tenant", tenant)
    if call.uid and call.uid not in call.hub.state.projects:
        raise not_found("project", call.uid)
    return call.uid


def _sent(body: dict[str, Any]) -> dict[str, Sent]:
    rows = body.get("macros") or []
    sent: dict[str, Sent] = {}
    for number, row in enumerate(rows):
        name = str(row.get("name") or "")
        if not NAME.fullmatch(name):
            raise invalid(
                problems.PATTERN,
                f"macros.{number}.name in body should be letters, digits, _ and -, and begin with a letter",
            )
        if name in sent:
            raise invalid(problems.UNIQUE, f"macros in body has '{name}' twice")
        sent[name] = Sent(str(row.get("value") or ""), (row.get(EXTENSION) or {}).get("masked"))
    return sent


def _write(call: Call, tx: Tx, project: str, sent: dict[str, Sent], mode: str) -> None:
    """Store macros: `post` adds, `patch` adds or changes, `put` replaces all, `delete` removes."""
    queue(tx, f"macros {project}")
    retain_project(tx, project)
    stored = store.macros_of(tx, project)
    if mode == "post":
        double = next((name for name in sent if name in stored), None)
        if double is not None:
            raise conflict(f"A macro named '{double}' exists already.", "DuplicateName")
    removed = set(stored) - set(sent) if mode == "put" else set(sent) if mode == "delete" else set()
    if mode == "delete":
        missing = next((name for name in sent if name not in stored), None)
        if missing is not None:
            raise not_found("macro", missing)
    for name in sorted(removed):
        store.delete_macro(tx, stored[name])
        call.audit(tx, "delete", KIND, stored[name].uid, name, f"Macro '{name}' is deleted", project)
    if mode == "delete":
        return
    if len(set(stored) - removed | set(sent)) > MOST_MACROS:
        raise Problem(409, "TooManyMacros", f"A project has at most {MOST_MACROS} macros; delete one first.")
    for name, macro in sent.items():
        record = _changed(call, tx, project, name, macro, stored.get(name))
        if record is None:
            continue
        new = name not in stored
        store.put_macro(tx, record, new)
        action, done = ("create", "created") if new else ("update", "updated")
        call.audit(tx, action, KIND, record.uid, name, f"Macro '{name}' is {done}", project)


def _changed(call: Call, tx: Tx, project: str, name: str, sent: Sent, before: MacroRecord | None) -> MacroRecord | None:
    """Return a macro as it is to be stored, `None` for one that does not change. A covered value is the stored one.

    Raises 422 for a covered value where none is stored, and for one that is no longer to be masked: it would be shown.
    """
    covered = sent.value == COVER
    if covered and before is None:
        raise invalid(problems.REQUIRED, f"The value of the macro '{name}' is covered; send the value")
    if covered and before is not None and before.masked and sent.masked is False:
        raise invalid(problems.REQUIRED, f"The macro '{name}' is masked; send its value to show it from now on")
    if before is None:
        return MacroRecord(new_uid(), project, name, call.hub.box.seal(sent.value), tx.now, bool(sent.masked))
    masked = before.masked if sent.masked is None else sent.masked
    same = covered or sent.value == call.hub.box.unseal(before.value_encrypted)
    if same and masked == before.masked:
        return None
    value = before.value_encrypted if same else call.hub.box.seal(sent.value)
    return MacroRecord(before.uid, project, name, value, tx.now, masked)


async def add(call: Call) -> Response:
    """Add macros; raises 409 for one that exists."""
    return await _change(call, await call.body(), "post")


async def change(call: Call) -> Response:
    """Add macros, or change their values."""
    return await _change(call, await call.body(), "patch")


async def replace(call: Call) -> Response:
    """Replace all macros."""
    return await _change(call, await call.body(), "put")


async def delete(call: Call) -> Response:
    """Delete macros by name; raises 404 for one that does not exist."""
    return await _change(call, await call.body(), "delete")


async def _change(call: Call, body: dict[str, Any], mode: str) -> Response:
    project, sent = _project(call), _sent(body)
    await call.write(lambda tx: _write(call, tx, project, sent, mode))
    return call.empty()


_PALETTE = palette.MACROS.fields["macros"].item or ANY
_MACRO = obj(**_PALETTE.fields, edgewright=obj(masked=FLAG))
_BODY = obj(macros=many(_MACRO))
"""Palette's `v1Macros` with our part of each macro beside it."""
_ENTRY = obj(
    metadata=obj(uid=text(), name=text(), lastModifiedTimestamp=WHEN),
    spec=obj(projectUid=text(), masked=FLAG),
)
ROUTES = (
    Route("GET", protocol.PROFILES_MACROS, Access.READ, usable),
    Route(
        "GET", protocol.OWN_MACROS, Access.READ, listing, query=bodies.PAGE,
        returns=obj(items=many(_ENTRY), listmeta=ANY),
    ),
    Route("GET", protocol.PROJECT_MACROS, Access.READ, of_project, On.PROJECT),
    Route("POST", protocol.PROJECT_MACROS, Access.WRITE, add, On.PROJECT, body=_BODY),
    Route("PATCH", protocol.PROJECT_MACROS, Access.WRITE, change, On.PROJECT, body=_BODY),
    Route("PUT", protocol.PROJECT_MACROS, Access.WRITE, replace, On.PROJECT, body=_BODY),
    Route("DELETE", protocol.PROJECT_MACROS, Access.WRITE, delete, On.PROJECT, body=_BODY),
    Route("GET", protocol.TENANT_MACROS, Access.READ, of_project, On.TENANT),
    Route("POST", protocol.TENANT_MACROS, Access.WRITE, add, On.TENANT, body=_BODY),
    Route("PATCH", protocol.TENANT_MACROS, Access.WRITE, change, On.TENANT, body=_BODY),
    Route("PUT", protocol.TENANT_MACROS, Access.WRITE, replace, On.TENANT, body=_BODY),
    Route("DELETE", protocol.TENANT_MACROS, Access.WRITE, delete, On.TENANT, body=_BODY),
)  # fmt: skip
