"""Profiles and variables of a cluster: attached, replaced, detached; applied at once or later."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import ADMIN
from edgewright.hub.clusters import attach, documents, form
from edgewright.hub.clusters.index import Cluster
from edgewright.hub.clusters.settings import waiting
from edgewright.hub.http import shapes
from edgewright.hub.http.palette_bodies import clusters as palette
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.profiles import documents as profile_documents
from edgewright.hub.profiles import stored
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Edited, Loaded
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]


async def listing(call: Call) -> Response:
    """Return the profiles with their packs (`v1SpectroClusterProfileList`)."""
    item = access.find(call)
    loaded = await access.load(call.hub, item.uid)
    rows = []
    for template in documents.templates(call.hub, item, loaded.wanted.profiles):
        metadata = {"uid": template["uid"], "name": template["name"]}
        spec = {
            "cloudType": template["cloudType"],
            "name": template["name"],
            "type": template["type"],
            "version": 1,
            "profileVersion": template["profileVersion"],
            "packs": [
                {key: pack[key] for key in ("name", "layer", "type", "tag", "packUid", "registryUid", "values")}
                for pack in template["packs"]
            ],
        }
        rows.append({"metadata": metadata, "spec": spec})
    return call.json({"profiles": rows})


def parted(profile: Json, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of a profile's variables: those that are shown, and those of masked ones."""
    masked = attach.masked_names(profile)
    shown = {name: value for name, value in values.items() if name not in masked}
    return shown, {name: value for name, value in values.items() if name in masked}


def values_of(now: Loaded, uid: str) -> dict[str, str]:
    """Return the values of all variables of a profile of the cluster."""
    profile = next((item for item in now.profiles if item["uid"] == uid), None)
    own = {} if profile is None else profile.get("variables", {})
    return {**own, **now.variables.get(uid, {})}


async def _attached(call: Call, item: Cluster, sent: list[Json]) -> list[tuple[Json, Json]]:
    """Return copies of the profiles of a body, each with what was sent of it."""
    project = item.record.project_uid
    return list(zip(await attach.attached_all(call.hub, project, sent), sent, strict=True))


def _merged(now: Loaded, changes: list[tuple[Json, Json]], together: bool) -> Edited:
    """Return the change to other profiles, `together` with those that are not named (PATCH), or without (PUT)."""
    profiles = list(now.profiles) if together else []
    variables = dict(now.variables)
    for profile, entry in changes:
        replaced = str(entry.get("replaceWithProfile") or "")
        old = next((number for number, item in enumerate(profiles) if item["uid"] in (profile["uid"], replaced)), None)
        before = values_of(now, replaced or profile["uid"])
        known = {str(row.get("name")) for row in profile["content"]["variables"]}
        values = attach.merge_variables(profile, before, entry.get("variables"))
        shown, masked = parted(profile, {name: value for name, value in values.items() if name in known})
        profile["variables"] = shown
        variables.pop(replaced, None)
        variables[profile["uid"]] = masked
        if old is None:
            profiles.append(profile)
        else:
            profiles[old] = profile
    uids = {profile["uid"] for profile in profiles}
    variables = {uid: values for uid, values in variables.items() if uid in uids and values}
    now.head["profiles"] = [attach.shown(profile) for profile in profiles]
    names = ", ".join(f"{profile['name']} {profile['version']}" for profile in profiles)
    return Edited(f"its profiles are {names or 'none'}", now.head, profiles, variables)


async def update(call: Call) -> Response:
    """Attach, replace or change profiles: PATCH leaves the others, PUT removes them."""
    item, body = access.find(call), await call.body()
    call.require(ADMIN, item.record.project_uid)
    action = str((body.get("spcApplySettings") or {}).get("actionType") or wire.NOW)
    together = call.request.method == "PATCH"
    attached = {profile["uid"] for profile in waiting.profiles(item.head)}
    sent = [_directed(entry, attached) for entry in body.get("profiles") or []]
    changes = await _attached(call, item, sent)

    def edit(now: Loaded) -> Edited:
        return _applied(call, _merged(now.wanted, changes, together), action)

    await access.change(call, item, "update", edit)
    return call.empty()


def _applied(call: Call, edited: Edited, action: str) -> Edited:
    """Return a change with how it is applied: at once, or when it is asked for (`status/spcApply`)."""
    before = edited.head["spcApply"]
    edited.head["spcApply"] = form.spc_apply(action, True, call.now)
    if action == wire.LATER:
        if "patchAppliedTime" in before:
            edited.head["spcApply"]["patchAppliedTime"] = before["patchAppliedTime"]
        return edited._replace(later=True, text=f"{edited.text}; it waits until it is applied")
    waiting.drop(edited.head)
    return edited


def _present(now: Loaded) -> str:
    """Return how a change is applied that does not name it: it waits where an earlier one does."""
    return wire.NOW if now.waiting is None else wire.LATER


async def pack_refs(call: Call) -> Response:
    """Change values and manifests of the packs that a body names, in the cluster's copies; what is not sent stays."""
    item, body = access.find(call), await call.body()
    call.require(ADMIN, item.record.project_uid)
    sent = body.get("profiles") or []
    action = str((body.get("spcApplySettings") or {}).get("actionType") or "")

    def edit(now: Loaded) -> Edited:
        profiles = list(now.wanted.profiles)
        for entry in sent:
            uid = str(entry.get("uid") or "")
            place = next((number for number, each in enumerate(profiles) if each["uid"] == uid), None)
            if place is None:
                raise not_found("cluster profile of the cluster", uid)
            content = profiles[place]["content"]
            tags = {pack["name"]: pack["tag"] for pack in content["packs"]}
            for pack in entry.get("packs") or ():
                if pack.get("tag") and tags.get(pack["name"], pack["tag"]) != pack["tag"]:
                    text = f"The pack {pack['name']} of the cluster is {tags[pack['name']]}, and a cluster does not set"
                    text += f" another version; attach a version of the profile that has {pack['tag']}."
                    raise Problem(422, wire.E_PROFILE, text)
            content = attach.with_values(content, entry.get("packs") or ())
            profiles[place] = {**profiles[place], "content": content}
        now.head["profiles"] = [attach.shown(profile) for profile in profiles]
        edited = Edited(f"packs of {len(sent)} profiles are updated", now.head, profiles, now.wanted.variables)
        return _applied(call, edited, action or _present(now))

    await access.change(call, item, "update", edit)
    return call.empty()


def _directed(entry: Json, attached: set[str]) -> Json:
    """Return an entry whose `uid` is the profile to attach and `replaceWithProfile` the one that it replaces.

    Clients name the two either way round; which one the cluster has decides.
    """
    uid, other = str(entry.get("uid") or ""), str(entry.get("replaceWithProfile") or "")
    if other and uid in attached and other not in attached:
        return {**entry, "uid": other, "replaceWithProfile": uid}
    return entry


async def remove(call: Call) -> Response:
    """Detach profiles; raises 404 for one that the cluster does not have."""
    item = access.find(call)
    uids = [str(uid) for uid in (await call.body()).get("profileUids") or []]

    def edit(now: Loaded) -> Edited:
        wanted = now.wanted
        missing = next((uid for uid in uids if all(profile["uid"] != uid for profile in wanted.profiles)), None)
        if missing is not None:
            raise not_found("cluster profile of the cluster", missing)
        profiles = [profile for profile in wanted.profiles if profile["uid"] not in uids]
        variables = {uid: values for uid, values in wanted.variables.items() if uid not in uids}
        now.head["profiles"] = [attach.shown(profile) for profile in profiles]
        edited = Edited(f"{len(uids)} profiles are detached", now.head, profiles, variables)
        return _applied(call, edited, _present(now))

    await access.change(call, item, "update", edit)
    return call.empty()


async def pack_config(call: Call) -> Response:
    """Return values and manifests of one pack, and whether the cluster sets others than the published profile."""
    item = access.find(call)
    loaded = (await access.load(call.hub, item.uid)).wanted
    uid, name = call.params["profileUid"], call.params["packName"]
    profile = next((each for each in loaded.profiles if each["uid"] == uid), None)
    if profile is None:
        raise not_found("cluster profile of the cluster", uid)
    pack = next((each for each in profile["content"]["packs"] if each["name"] == name), None)
    if pack is None:
        raise not_found("pack of the cluster profile", name)
    published = await attach.published(call.hub, uid)
    base = next((each for each in (published or {}).get("packs", ()) if each["name"] == name), None)
    return call.json({"items": [profile_documents.pack_config(pack, "cluster", base)]})


async def variables(call: Call) -> Response:
    """Return the variables of each profile with their values; masked ones are covered."""
    item = access.find(call)
    loaded = (await access.load(call.hub, item.uid)).wanted
    rows = []
    for profile in loaded.profiles:
        values, masked = values_of(loaded, profile["uid"]), attach.masked_names(profile)
        items = []
        for row in stored.opened(profile["content"]["variables"], None):
            name = str(row.get("name"))
            value = COVER if name in masked and values.get(name) else values.get(name, "")
            items.append({**row, "value": value})
        rows.append({"profileUid": profile["uid"], "variables": items})
    return call.json(rows)


async def patch_variables(call: Call) -> Response:
    """Change values of variables; those that are not named stay."""
    item, body = access.find(call), await call.body()

    def edit(now: Loaded) -> Edited:
        wanted = now.wanted
        profiles = [dict(profile) for profile in wanted.profiles]
        masked = dict(wanted.variables)
        count = 0
        for entry in body:
            uid = str(entry.get("profileUid") or "")
            profile = next((profile for profile in profiles if profile["uid"] == uid), None)
            if profile is None:
                raise not_found("cluster profile of the cluster", uid)
            values = attach.merge_variables(profile, values_of(wanted, uid), entry.get("variables"))
            profile["variables"], masked[uid] = parted(profile, values)
            count += len(entry.get("variables") or ())
        now.head["profiles"] = [attach.shown(profile) for profile in profiles]
        return _applied(call, Edited(f"{count} variables are changed", now.head, profiles, masked), _present(now))

    await access.change(call, item, "update", edit)
    return call.empty()


async def spc_apply(call: Call) -> Response:
    """Return how far the last change of profiles is applied."""
    return call.json(access.find(call).head["spcApply"])


async def apply_now(call: Call) -> Response:
    """Let hosts apply the change that waits; without one they do so by themselves, and this only confirms it."""
    item = access.find(call)

    def edit(now: Loaded) -> Edited:
        if now.waiting is None:
            return _applied(call, Edited("its profiles are applied", now.head), wire.NOW)
        now.head["profiles"] = [attach.shown(profile) for profile in now.waiting.profiles]
        edited = Edited("the change of its profiles that waited is applied", now.head, *now.waiting)
        return _applied(call, edited, wire.NOW)

    await access.change(call, item, "action", edit)
    return call.accepted()


_NOTIFY = {"resolveNotification": shapes.text(8)}
ROUTES = (
    Route("GET", wire.PROFILES, Access.READ, listing, query={"includePackMeta": shapes.text()}),
    Route(
        "PUT", wire.PROFILES, Access.WRITE, update, On.OBJECT, body=palette.SPECTRO_CLUSTER_PROFILES, query=_NOTIFY
    ),
    Route(
        "PATCH", wire.PROFILES, Access.WRITE, update, On.OBJECT, body=palette.SPECTRO_CLUSTER_PROFILES, query=_NOTIFY
    ),
    Route(
        "DELETE", wire.PROFILES, Access.WRITE, remove, On.OBJECT, body=palette.SPECTRO_CLUSTER_PROFILES_DELETE_ENTITY
    ),
    Route(
        "PATCH", wire.PACK_REFS, Access.WRITE, pack_refs, On.OBJECT,
        body=palette.CLUSTER_NOTIFICATION_UPDATE_ENTITY, query={"notify": shapes.text(64)},
    ),
    Route("GET", wire.PACK_CONFIG, Access.READ, pack_config),
    Route("GET", wire.VARIABLES, Access.READ, variables),
    Route(
        "PATCH", wire.VARIABLES, Access.WRITE, patch_variables, On.OBJECT,
        body=palette.SPECTROCLUSTERS_UID_VARIABLES_PATCH,
    ),
    Route("GET", wire.SPC_APPLY, Access.READ, spc_apply),
    Route("POST", wire.SPC_APPLY, Access.WRITE, apply_now, On.OBJECT, status=202),
)  # fmt: skip
