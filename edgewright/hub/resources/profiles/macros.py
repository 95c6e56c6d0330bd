"""Macros of a project (Palette's `/v1/projects/{uid}/macros`) and of the tenant (our own path)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import OPERATOR, covers
from edgewright.hub.db.shared.rows import queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import problems
from edgewright.hub.http.palette_bodies import macros as shapes
from edgewright.hub.http.problems import Problem, conflict, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.profiles import store
from edgewright.hub.profiles.index import MOST_MACROS, MacroIndex
from edgewright.hub.profiles.tables import MacroRecord
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol

KIND = "macro"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)


def _document(call: Call, *projects: str) -> dict[str, Any]:
    """Return macros, those of later projects before those of earlier ones. Viewers get covered values."""
    index = call.hub.part(MacroIndex)
    rows: dict[str, dict[str, str]] = {}
    for project in projects:
        shown = covers(call.actor.grants.role(project), OPERATOR)
        for name, record in index.of(project).items():
            rows[name] = {"name": name, "value": call.hub.box.unseal(record.value_encrypted) if shown else COVER}
    return {"macros": [rows[name] for name in sorted(rows)]}


async def of_project(call: Call) -> Response:
    """List the macros of a project."""
    _project(call)
    return call.json(_document(call, call.uid))


async def of_scope(call: Call) -> Response:
    """List the macros of the tenant."""
    return call.json(_document(call, ""))


async def usable(call: Call) -> Response:
    """List the macros that profiles of the scope can use: those of the tenant, with those of the project over them."""
    return call.json(_document(call, "", call.project) if call.project else _document(call, ""))


def _project(call: Call) -> str:
    """Return the project in the path; raises 404. Without a path it is the tenant."""
    if call.uid and call.uid not in call.hub.state.projects:
        raise not_found("project", call.uid)
    return call.uid


def _sent(body: dict[str, Any]) -> dict[str, str]:
    rows = body.get("macros") or []
    sent: dict[str, str] = {}
    for number, row in enumerate(rows):
        name = str(row.get("name") or "")
        if not NAME.fullmatch(name):
            raise invalid(
                problems.PATTERN,
                f"macros.{number}.name in body should be letters, digits, _ and -, and begin with a letter",
            )
        if name in sent:
            raise invalid(problems.UNIQUE, f"macros in body has '{name}' twice")
        sent[name] = str(row.get("value") or "")
    return sent


def _write(call: Call, tx: Tx, project: str, sent: dict[str, str], mode: str) -> None:
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
    for name, value in sent.items():
        before = stored.get(name)
        if before is not None and value in (COVER, call.hub.box.unseal(before.value_encrypted)):
            continue
        uid = before.uid if before is not None else new_uid()
        record = MacroRecord(uid, project, name, call.hub.box.seal(value), tx.now)
        store.put_macro(tx, record, before is None)
        action, text = ("create", "created") if before is None else ("update", "updated")
        call.audit(tx, action, KIND, uid, name, f"Macro '{name}' is {text}", project)


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


_BODY = shapes.MACROS
ROUTES = (
    Route("GET", protocol.PROFILES_MACROS, Access.READ, usable),
    Route("GET", protocol.PROJECT_MACROS, Access.READ, of_project, On.PROJECT),
    Route("POST", protocol.PROJECT_MACROS, Access.WRITE, add, On.PROJECT, body=_BODY),
    Route("PATCH", protocol.PROJECT_MACROS, Access.WRITE, change, On.PROJECT, body=_BODY),
    Route("PUT", protocol.PROJECT_MACROS, Access.WRITE, replace, On.PROJECT, body=_BODY),
    Route("DELETE", protocol.PROJECT_MACROS, Access.WRITE, delete, On.PROJECT, body=_BODY),
    Route("GET", protocol.OWN_MACROS, Access.READ, of_scope, On.TENANT, returns=_BODY),
    Route("POST", protocol.OWN_MACROS, Access.WRITE, add, On.TENANT, body=_BODY),
    Route("PATCH", protocol.OWN_MACROS, Access.WRITE, change, On.TENANT, body=_BODY),
    Route("PUT", protocol.OWN_MACROS, Access.WRITE, replace, On.TENANT, body=_BODY),
    Route("DELETE", protocol.OWN_MACROS, Access.WRITE, delete, On.TENANT, body=_BODY),
)
