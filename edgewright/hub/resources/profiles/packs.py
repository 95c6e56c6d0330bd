"""Packs, manifests and variables of a profile, one by one."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from edgewright.hub.http import problems, shapes
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.problems import conflict, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import documents, stored
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.resources.profiles import access
from edgewright.wire import protocol

Json = dict[str, Any]


def _pack(content: Json, name: str) -> Json:
    """Return a pack of the content by its name; raises 404."""
    match: Json | None = next((item for item in content["packs"] if item["name"] == name), None)
    if match is None:
        raise not_found("pack of the cluster profile", name)
    return match


def _manifest(pack: Json, uid: str) -> Json:
    match: Json | None = next((part for part in pack["manifests"] if part["uid"] == uid), None)
    if match is None:
        raise not_found("manifest", uid)
    return match


def _with(content: Json, pack: Json) -> Json:
    """Return the content with a pack in place of the one with its name."""
    packs = [pack if item["name"] == pack["name"] else item for item in content["packs"]]
    return {**content, "packs": packs}


async def _present(call: Call) -> access.Stored:
    return await access.read(call, access.find(call))


async def listing(call: Call) -> Response:
    """Return the packs with their values."""
    present = (await _present(call)).present
    return call.json(documents.packs(present, call.hub.part(PackIndex)))


async def get(call: Call) -> Response:
    """Return one pack."""
    present = (await _present(call)).present
    index = call.hub.part(PackIndex)
    item = _pack(present, call.params["packName"])
    full = documents.pack(item, index)
    registry = {"uid": item["registryUid"], "name": index.registry_name(item["registryUid"])}
    return call.json({"metadata": full["metadata"], "spec": {"pack": full["spec"], "registry": registry}})


async def config(call: Call) -> Response:
    """Return values and manifests of one pack; with `packUid` only when the profile has that version of it."""
    now = await _present(call)
    item = _pack(now.present, call.params["packName"])
    wanted = call.request.query_params.get("packUid", "")
    scope = "project" if now.record.project_uid else "tenant"
    matches = [documents.pack_config(item, scope)] if wanted in ("", item["uid"]) else []
    return call.json({"items": matches})


async def update_refs(call: Call) -> Response:
    """Change tag, values and manifests of the packs that a body names; the others, and what is not sent, stay."""
    access.writable(call)
    sent, views = (await call.body()).get("packs") or [], call.hub.part(PackIndex).views

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        for entry in sent:
            before = _pack(content, str(entry["name"]))
            parts = {part["uid"]: part for part in before["manifests"]}
            for part in entry.get("manifests") or ():
                fresh = stored.manifest(part, before["manifests"])
                parts[fresh["uid"]] = {**parts.get(fresh["uid"], {}), **fresh}
            merged = {**before, **entry, "manifests": list(parts.values())}
            content = _with(content, stored.pack(merged, before, views))
        return content, f"{len(sent)} packs are updated"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def add(call: Call) -> Response:
    """Add a pack on top of the stack; raises 409 when the profile has it."""
    access.writable(call)
    body = await call.body()
    sent = body.get("pack") or {}
    if not sent.get("name"):
        raise invalid(problems.REQUIRED, "pack.name in body is required")
    pack = stored.pack(sent, {}, call.hub.part(PackIndex).views)

    def edit(content: Json, record: ProfileRecord) -> tuple[Json, str]:
        if any(item["name"] == pack["name"] for item in content["packs"]):
            raise conflict(f"The cluster profile '{record.name}' has the pack {pack['name']} already.", "DuplicatePack")
        return {**content, "packs": [*content["packs"], pack]}, f"the pack {pack['name']} is added"

    record = await access.change(call, "update", access.of_content(edit))
    return call.created(pack["uid"] or record.uid)


async def update(call: Call) -> Response:
    """Change tag or values of a pack; what is not sent stays."""
    access.writable(call)
    body = await call.body()
    sent, name, views = body.get("pack") or {}, call.params["packName"], call.hub.part(PackIndex).views

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        before = _pack(content, name)
        merged = {**before, **sent, "name": name, "manifests": before["manifests"]}
        return _with(content, stored.pack(merged, before, views)), f"the pack {name} is updated"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def remove(call: Call) -> Response:
    """Remove a pack."""
    name = call.params["packName"]

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        _pack(content, name)
        packs = [item for item in content["packs"] if item["name"] != name]
        return {**content, "packs": packs}, f"the pack {name} is removed"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def all_manifests(call: Call) -> Response:
    """Return the manifests of all packs."""
    now = await _present(call)
    return call.json(documents.all_manifests(now.record, now.present, call.hub.part(PackIndex)))


async def manifests(call: Call) -> Response:
    """Return the manifests of a pack with their content."""
    now = await _present(call)
    live, draft = now.live is not None, now.draft is not None
    parts = _pack(now.present, call.params["packName"])["manifests"]
    return call.json({"items": [documents.manifest(part, live, draft) for part in parts]})


async def manifest(call: Call) -> Response:
    """Return one manifest."""
    now = await _present(call)
    live, draft = now.live is not None, now.draft is not None
    part = _manifest(_pack(now.present, call.params["packName"]), call.params["manifestUid"])
    return call.json(documents.manifest(part, live, draft))


async def add_manifest(call: Call) -> Response:
    """Add a manifest to a pack; raises 409 for a name that the pack has."""
    access.writable(call)
    body = await call.body()
    name, part = call.params["packName"], stored.manifest(body, ())

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        pack = _pack(content, name)
        if any(other["name"] == part["name"] for other in pack["manifests"]):
            raise conflict(f"The pack {name} has a manifest named '{part['name']}' already.", "DuplicateName")
        changed = {**pack, "manifests": [*pack["manifests"], part]}
        return _with(content, changed), f"the manifest {part['name']} is added to {name}"

    await access.change(call, "update", access.of_content(edit))
    return call.created(part["uid"])


async def update_manifest(call: Call) -> Response:
    """Change name or content of a manifest."""
    access.writable(call)
    body = await call.body()
    name, uid = call.params["packName"], call.params["manifestUid"]

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        pack = _pack(content, name)
        before = _manifest(pack, uid)
        part = stored.manifest({**before, **{key: body[key] for key in ("name", "content") if key in body}}, [before])
        changed = [part if other["uid"] == uid else other for other in pack["manifests"]]
        return _with(content, {**pack, "manifests": changed}), f"the manifest {part['name']} of {name} is updated"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def remove_manifest(call: Call) -> Response:
    """Remove a manifest."""
    name, uid = call.params["packName"], call.params["manifestUid"]

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        pack = _pack(content, name)
        removed = _manifest(pack, uid)
        changed = {**pack, "manifests": [part for part in pack["manifests"] if part is not removed]}
        return _with(content, changed), f"the manifest {removed['name']} of {name} is removed"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def variables(call: Call) -> Response:
    """Return the variables. Masked defaults are covered."""
    present = (await _present(call)).present
    return call.json({"variables": stored.opened(present["variables"], None)})


async def put_variables(call: Call) -> Response:
    """Replace the variables."""
    access.writable(call)
    sent = (await call.body()).get("variables") or []

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        return {**content, "variables": stored.sealed(sent, content["variables"], call.hub.box)}, (
            f"{len(sent)} variables are set"
        )

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def patch_variables(call: Call) -> Response:
    """Add variables, or change those with the same names."""
    access.writable(call)
    sent = (await call.body()).get("variables") or []

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        rows = {str(row.get("name")): row for row in stored.sealed(sent, content["variables"], call.hub.box)}
        present = [rows.pop(str(row.get("name")), row) for row in content["variables"]]
        return {**content, "variables": [*present, *rows.values()]}, f"{len(sent)} variables are changed"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


async def delete_variables(call: Call) -> Response:
    """Delete variables by name; raises 404 for one that does not exist."""
    access.writable(call)
    names = [str(name) for name in (await call.body())["variables"]]

    def edit(content: Json, _record: ProfileRecord) -> tuple[Json, str]:
        known = {str(row.get("name")) for row in content["variables"]}
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise not_found("variable", missing)
        present = [row for row in content["variables"] if str(row.get("name")) not in names]
        return {**content, "variables": present}, f"the variables {', '.join(names)} are deleted"

    await access.change(call, "update", access.of_content(edit))
    return call.empty()


_META = {"includePackMeta": shapes.text()}
ROUTES = (
    Route("GET", protocol.PROFILE_PACKS, Access.READ, listing, query=_META),
    Route("POST", protocol.PROFILE_PACKS, Access.WRITE, add, On.OBJECT, body=palette.PACK_INPUT_ENTITY),
    Route("GET", protocol.PROFILE_ALL_MANIFESTS, Access.READ, all_manifests, query=_META),
    Route("GET", protocol.PROFILE_PACK, Access.READ, get),
    Route("PUT", protocol.PROFILE_PACK, Access.WRITE, update, On.OBJECT, body=palette.PACK_UPDATE_ENTITY),
    Route("DELETE", protocol.PROFILE_PACK, Access.WRITE, remove, On.OBJECT),
    Route("GET", protocol.PROFILE_PACK_CONFIG, Access.READ, config, query={"packUid": shapes.text(64)}),
    Route(
        "PATCH", protocol.PROFILE_PACK_REFS, Access.WRITE, update_refs, On.OBJECT,
        body=palette.CLUSTER_PROFILE_NOTIFICATION_UPDATE_ENTITY, query={"notify": shapes.text(64)},
    ),
    Route("GET", protocol.PROFILE_MANIFESTS, Access.READ, manifests),
    Route(
        "POST", protocol.PROFILE_MANIFESTS, Access.WRITE, add_manifest, On.OBJECT, body=palette.MANIFEST_INPUT_ENTITY
    ),
    Route("GET", protocol.PROFILE_MANIFEST, Access.READ, manifest),
    Route(
        "PUT", protocol.PROFILE_MANIFEST, Access.WRITE, update_manifest, On.OBJECT, body=palette.MANIFEST_INPUT_ENTITY
    ),
    Route("DELETE", protocol.PROFILE_MANIFEST, Access.WRITE, remove_manifest, On.OBJECT),
    Route("GET", protocol.PROFILE_VARIABLES, Access.READ, variables),
    Route("PUT", protocol.PROFILE_VARIABLES, Access.WRITE, put_variables, On.OBJECT, body=palette.VARIABLES),
    Route("PATCH", protocol.PROFILE_VARIABLES, Access.WRITE, patch_variables, On.OBJECT, body=palette.VARIABLES),
    Route("DELETE", protocol.PROFILE_VARIABLES, Access.WRITE, delete_variables, On.OBJECT, body=palette.VARIABLE_NAMES),
)  # fmt: skip
