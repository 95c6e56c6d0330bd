"""Profiles of a cluster: copied when they are attached, so that a later change of a profile changes no cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.variables import COVER
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.db.document_bounds import KIB
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.packs import use
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import store as profile_store
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.hub.profiles.layers import packs_of, views_of
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
MOST = 50
"""Profiles of a cluster."""
MAX_TEXTS = 16 * 1024 * KIB
"""Bytes of the copies of its profiles."""
_FETCHED = ("helm", "oci", "manifest")
"""Kinds of upstream content that hosts need; the programs of Kubernetes come with their tree."""


async def attached_all(hub: Services, project: str, sent: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return profiles as a cluster stores them; raises what `attached` raises, 422 for too many, or one that is twice.

    Raises 413 for too much of them, before memory has it.
    """
    uids = [str(item.get("uid") or "") for item in sent]
    twice = next((uid for uid, count in Counter(uids).items() if count > 1), None)
    if twice is not None:
        raise Problem(422, "ProfileTwice", f"The cluster profile '{twice}' is named twice; remove one.")
    check_count(len(sent))
    profiles, size = [], 0
    for item in sent:
        profiles.append(await attached(hub, project, item))
        size += len(msgspec.json.encode(profiles[-1]))
        check_size(size)
    return profiles


def check_count(count: int) -> None:
    """Raise 422 for more profiles than a cluster can have."""
    if count > MOST:
        raise Problem(422, "TooManyProfiles", f"A cluster has at most {MOST} profiles, not {count}; name fewer.")


def check_size(size: int) -> None:
    """Raise 413 for copies of profiles that are too large."""
    if size > MAX_TEXTS:
        limit = MAX_TEXTS // KIB // KIB
        raise Problem(413, "ClusterTooLarge", f"The profiles of the cluster have more than {limit} MiB together.")


async def attached(hub: Services, project: str, sent: Mapping[str, Any]) -> Json:
    """Return a profile as a cluster stores it: its published content with the values that the cluster sets.

    Raises 404 for a profile that the project does not see, 422 for one that is not published.
    """
    uid = str(sent.get("uid") or "")
    record = hub.part(ProfileIndex).by_uid.get(uid)
    if record is None or record.project_uid not in ("", project):
        raise not_found("cluster profile", uid)

    content = await published(hub, uid)
    if content is None:
        text = f"The cluster profile {record.name} {record.version} is a draft; publish it first."
        raise Problem(422, wire.E_PROFILE, text)
    return {
        "uid": uid,
        "name": record.name,
        "version": record.version,
        "metadata": record.parts["metadata"],
        "content": with_values(content, sent.get("packValues") or ()),
    }


async def published(hub: Services, uid: str) -> Json | None:
    """Return the published content of a profile; `None` without one."""

    def query(connection: Connection) -> str:
        row = profile_store.find(connection, uid)
        return "" if row is None else row[2]

    return stored.read(await hub.read(query))


def with_values(content: Json, overrides: Any) -> Json:
    """Return a content with the values and manifests that a cluster sets, by the names of packs and manifests."""
    by_name = {str(item.get("name")): item for item in overrides}
    unknown = next((name for name in by_name if all(pack["name"] != name for pack in content["packs"])), None)
    if unknown is not None:
        raise not_found("pack of the cluster profile", unknown)
    packs = []
    for pack in content["packs"]:
        own = by_name.get(pack["name"])
        if own is None:
            packs.append(pack)
            continue
        texts = {str(part.get("name")): part.get("content") for part in own.get("manifests") or ()}
        manifests = [
            {**part, "content": texts[part["name"]]} if texts.get(part["name"]) is not None else part
            for part in pack["manifests"]
        ]
        packs.append({**pack, "values": own.get("values") or pack["values"], "manifests": manifests})
    return {**content, "packs": packs}


def shown(profile: Json) -> Json:
    """Return what the head has of a profile: names and packs, no values."""
    content = profile["content"]
    keys = ("name", "layer", "type", "tag", "uid", "registryUid")
    return {
        "uid": profile["uid"],
        "name": profile["name"],
        "version": profile["version"],
        "type": content["type"],
        "packs": [
            {
                **{key: pack[key] for key in keys},
                "manifests": [{"name": part["name"], "uid": part["uid"]} for part in pack["manifests"]],
            }
            for pack in content["packs"]
        ],
    }


def masked_names(profile: Json) -> frozenset[str]:
    """Return the names of the masked variables of a profile."""
    return frozenset(str(row.get("name")) for row in profile["content"]["variables"] if row.get("isSensitive"))


def merge_variables(profile: Json, before: Mapping[str, str], sent: Any) -> dict[str, str]:
    """Return the values of a profile's variables after a body; a masked one that comes back covered stays."""
    masked = masked_names(profile)
    values = dict(before)
    for item in sent or ():
        name, value = str(item.get("name") or ""), item.get("value")
        if value is None or (name in masked and value == COVER):
            continue
        values[name] = str(value)
    return values


async def packs(hub: Services, profile: Json, fetch: bool, caller: str) -> dict[str, Pack | None]:
    """Return the packs of a profile with their content; with `fetch` what is missing is fetched. Raises `Problem`.

    Fetches count as those of `caller`.
    """
    model = stored.profile(profile["name"], profile["version"], profile["metadata"], profile["content"], None)
    if fetch:
        index = hub.part(PackIndex)
        for layer in model.layers:
            view = None if layer.type == "manifest" else next(iter(views_of(index, layer)), None)
            pack = view.pack if view is not None else None
            if view is None or pack is None or pack.charts or pack.manifests:
                continue
            if pack.upstream is not None and pack.upstream.kind in _FETCHED:
                await use.fetched_upstream(hub, view, caller)
    return await packs_of(hub, model, fetch=fetch, caller=caller)


def system(hub: Services, uid: str, name: str, project: str, head: Json) -> dict[str, str]:
    """Return the values behind `.spectro.system.` that a cluster gives."""
    record, author = hub.state.projects.get(project), head.get("author") or {}
    point = head["cloudConfig"].get("controlPlaneEndpoint") or {}
    return {
        "cluster.name": name,
        "cluster.uid": uid,
        "cluster.kubevip": str(point.get("host") or ""),
        "project.uid": project,
        "project.name": record.name if record is not None else "",
        "tenant.uid": hub.state.tenant_uid,
        "user.uid": str(author.get("uid") or ""),
        "user.name": str(author.get("name") or ""),
        "user.email": str(author.get("email") or ""),
        "cloud.region": "",
    }


def label(record: ClusterRecord) -> str:
    """Return how sentences name a cluster."""
    return f"The cluster '{record.name}'"
