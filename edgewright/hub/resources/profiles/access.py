"""What every operation on a profile does: find it, read its content, check it, store it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from edgewright.core.packs.pack import Pack
from edgewright.core.profiles import checks, scope
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import Problem as Finding
from edgewright.core.profiles.problems import errors
from edgewright.core.roles import ADMIN
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Call
from edgewright.hub.packs import use
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import store, stored
from edgewright.hub.profiles.index import MacroIndex, ProfileIndex
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.profiles.prepare import check, prepare, resolved

KIND = "clusterprofile"
Json = dict[str, Any]
_SHOWN = 10
"""Findings that an answer names one by one."""


def visible(call: Call, record: ProfileRecord) -> bool:
    """Return whether the caller sees a profile: those of its scope, and those of the tenant."""
    return not record.project_uid or call.scope.covers(record.project_uid)


def find(call: Call) -> ProfileRecord:
    """Return the profile of the call; raises 404, also for one of another project."""
    record = call.hub.part(ProfileIndex).by_uid.get(call.uid)
    if record is None or not visible(call, record):
        raise not_found("cluster profile", call.uid)
    return record


def writable(call: Call) -> ProfileRecord:
    """Return the profile of the call for a change; raises 404, and 403 for a role that is too low in its project."""
    record = find(call)
    call.require(ADMIN, record.project_uid)
    return record


async def content(call: Call, record: ProfileRecord) -> tuple[Json | None, Json | None]:
    """Return draft and published content; raises 404 when it was deleted meanwhile."""
    draft, live = await call.hub.read(partial(store.texts, uid=record.uid))
    if draft is None and live is None:
        raise not_found("cluster profile", record.uid)
    return draft, live


def model(call: Call, name: str, version: str, metadata: Json, present: Json) -> Profile:
    """Return the model of a content; raises 422 for what no stored profile may have, draft or not."""
    profile = stored.profile(name, version, metadata, present, call.hub.box)
    refuse(f"The cluster profile {name} {version}", errors(checks.check_form(profile)))
    return profile


def refuse(what: str, findings: list[Finding]) -> None:
    """Raise 422 with the findings, each with its place; do nothing without one."""
    if findings:
        rows = [finding.sentence() for finding in findings[:_SHOWN]]
        more = f" {len(findings) - _SHOWN} more." if len(findings) > _SHOWN else ""
        codes = {finding.code for finding in findings if finding.code}
        code = codes.pop() if len(codes) == 1 else "InvalidProfile"
        raise Problem(422, code, f"{what}: {' '.join(rows)}{more}")


async def change(call: Call, action: str, edit: Callable[[Json, ProfileRecord], tuple[Json, str]]) -> ProfileRecord:
    """Change the present content of a profile by `edit`, which returns it and what the audit log calls the change.

    The change is made on what is stored at that moment, in the writer. A published profile gets a draft.
    """
    writable(call)

    def job(tx: Tx) -> ProfileRecord:
        record = store.get_or_404(tx, call.uid)
        draft, live = store.texts(tx.connection, record.uid)
        present, text = edit(draft or live or {}, record)
        meta = record.parts["metadata"]
        profile = model(call, record.name, record.version, meta, present)
        newer = msgspec.structs.replace(record, head=stored.head(meta, present, live, profile), modified=tx.now)
        store.put(tx, record, newer, present, live)
        message = f"Cluster profile '{record.name}' {record.version}: {text}"
        call.audit(tx, action, KIND, record.uid, record.name, message, record.project_uid)
        return newer

    return await call.write(job)


async def packs_of(call: Call, profile: Profile) -> dict[str, Pack | None]:
    """Return the packs of the layers by layer key, with their texts; those that no registry has are left out."""
    index = call.hub.part(PackIndex)
    result: dict[str, Pack | None] = {}
    for layer in profile.layers:
        if layer.type == "manifest":
            continue
        registry = layer.registry.uid
        try:
            result[layer.key] = await use.complete(call.hub, layer.name, layer.pack_version, registry)
        except Problem as problem:
            if problem.status == 404 and registry not in index.registries:
                continue  # a pack of a registry that this hub does not have: nothing to check its values with
            raise
    return result


async def findings(call: Call, profile: Profile, publish: bool) -> list[Finding]:
    """Return everything that is wrong with a profile, its values, packs and references; checked off the event loop."""
    packs, macros = await packs_of(call, profile), macros_of(call)

    def look() -> list[Finding]:
        prepared = prepare(profile, packs)
        return [*check(prepared, publish), *resolved(prepared, scope.Context(macros=macros, partial=True)).problems]

    return await asyncio.to_thread(look)


def macros_of(call: Call) -> dict[str, scope.Macro]:
    """Return the macros that a profile of the call's scope resolves with: those of the project over the tenant's."""
    index, box = call.hub.part(MacroIndex), call.hub.box
    tenant, project = (
        {name: box.unseal(record.value_encrypted) for name, record in index.of(of).items()} for of in ("", call.project)
    )
    return scope.macros(project if call.project else {}, tenant, {})
