"""The stored form of a profile's content: type, cloud, packs and variables, as the API's bodies have them.

Unknown keys survive. Manifests have a uid each. The default of a masked variable is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import exchange, usage
from edgewright.core.profiles.model import ADDON_LAYER, FULL, Profile
from edgewright.core.profiles.variables import COVER
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Problem, invalid
from edgewright.hub.packs.index import View
from edgewright.hub.security.secretbox import SecretBox, new_uid
from edgewright.packs import catalogue

Json = dict[str, Any]
Views = Mapping[str, View]
"""Packs that can be chosen, by uid."""
MAX_CONTENT = 4 * 1024 * 1024
"""Characters of the stored form: as much as a few requests bring, so that the work on one profile is short."""
_SEALED = "edgewrightSealed"
"""Key of a masked variable's default in the stored form, in place of `defaultValue`."""
CLOUD = "edge-native"


def template(sent: Mapping[str, Any], before: Json, views: Views, box: SecretBox, variables: list[Json] | None) -> Json:
    """Return the stored form after a body with `type`, `cloudType` and `packs`; what it does not name stays.

    Raises `Problem` 422 for a pack without a layer.
    """
    old = {str(pack.get("name")): pack for pack in before.get("packs") or ()}
    packs = sent.get("packs")
    stored = before.get("variables") or []
    return {
        **before,
        "type": sent.get("type") or before.get("type") or FULL,
        "cloudType": sent.get("cloudType") or before.get("cloudType") or CLOUD,
        "packs": before.get("packs") or []
        if packs is None
        else [pack(item, old.get(str(item.get("name")), {}), views, number) for number, item in enumerate(packs)],
        "variables": stored if variables is None else sealed(variables, stored, box),
    }


def pack(sent: Mapping[str, Any], before: Mapping[str, Any], views: Views, number: int = 0) -> Json:
    """Return one pack of the stored form. A known pack gives layer, type, registry and tag where they are not sent."""
    known = views.get(str(sent.get("uid") or ""))
    registry = str(sent.get("registryUid") or "")
    tag = str(sent.get("tag") or sent.get("version") or "")
    if known is None and registry and tag:
        known = views.get(catalogue.uid(registry, str(sent["name"]), tag))
    of = {"layer": known.layer, "type": known.kind, "registryUid": known.registry_uid} if known is not None else {}
    kind = str(sent.get("type") or of.get("type") or "spectro")
    layer = sent.get("layer") or of.get("layer") or before.get("layer") or (ADDON_LAYER if kind == "manifest" else "")
    if not layer:
        raise invalid(problems.REQUIRED, f"spec.template.packs.{number}.layer in body is required: the pack is unknown")
    result = {
        **{key: value for key, value in sent.items() if key != "version"},
        "name": str(sent["name"]),
        "layer": layer,
        "type": kind,
        "tag": tag or (known.version if known is not None else ""),
        "uid": str(sent.get("uid") or (known.uid if known is not None else "")),
        "registryUid": registry or str(of.get("registryUid") or ""),
        "values": str(sent.get("values") or ""),
    }
    sent_manifests = sent.get("manifests")
    if sent_manifests is None:
        result["manifests"] = before.get("manifests") or []
    else:
        result["manifests"] = [manifest(item, before.get("manifests") or ()) for item in sent_manifests]
    return result


def manifest(sent: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Json:
    """Return a manifest of the stored form: its uid stays, and its content when none is sent."""
    uid, name = str(sent.get("uid") or ""), str(sent.get("name") or "")
    if not name:
        raise invalid(problems.REQUIRED, "manifests.name in body is required")
    same = next((item for item in before if uid and item["uid"] == uid), None)
    same = same or next((item for item in before if item["name"] == name), None)
    content = sent.get("content")
    if content is None and same is not None:
        content = same["content"]
    return {**sent, "uid": same["uid"] if same is not None else new_uid(), "name": name, "content": content or ""}


def sealed(variables: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], box: SecretBox) -> list[Json]:
    """Return variables to store. A masked default that comes back covered is the stored one."""
    old = {str(item.get("name")): item for item in before}
    result = []
    for sent in variables:
        row = {key: value for key, value in sent.items() if key != _SEALED}
        if row.get("isSensitive") and row.get("defaultValue"):
            value = str(row.pop("defaultValue"))
            stored = old.get(str(row.get("name")), {}).get(_SEALED)
            row[_SEALED] = stored if value == COVER and stored else box.seal(value)
        result.append(row)
    return result


def opened(variables: Sequence[Mapping[str, Any]], box: SecretBox | None) -> list[Json]:
    """Return variables as clients have them. Masked defaults are in the clear with `box`, else covered."""
    result = []
    for stored in variables:
        row = dict(stored)
        if _SEALED in row:
            value = row.pop(_SEALED)
            row["defaultValue"] = COVER if box is None else box.unseal(value)
        result.append(row)
    return result


def document(name: str, version: str, metadata: Mapping[str, Any], content: Json, box: SecretBox | None) -> Json:
    """Return a profile in the form of Palette's import (`exchange.from_document` reads it)."""
    packs = []
    for item in content["packs"]:
        row = {key: value for key, value in item.items() if key not in ("uid", "registryUid")}
        row["manifests"] = [{"name": part["name"], "content": part["content"]} for part in item["manifests"]]
        if item["registryUid"]:
            row["registry"] = {"metadata": {"uid": item["registryUid"]}}
        packs.append({**row, "version": item["tag"]})
    annotations = metadata.get("annotations") or {}
    head = {
        "name": name,
        "description": str(annotations.get("description") or ""),
        "labels": metadata.get("labels") or {},
    }
    body = {"type": content["type"], "cloudType": content["cloudType"], "packs": packs}
    return {
        "metadata": head,
        "spec": {"version": version, "template": body, "variables": opened(content["variables"], box)},
    }


def profile(name: str, version: str, metadata: Mapping[str, Any], content: Json, box: SecretBox | None) -> Profile:
    """Return the model of a stored profile; raises `Problem` 422 with what is not of its form."""
    try:
        return exchange.from_document(document(name, version, metadata, content, box), f"The profile {name} {version}")
    except InvalidInput as error:
        raise refused(error) from None


def refused(error: InvalidInput) -> Problem:
    """Return the answer for a profile that does not follow the rules."""
    return Problem(422, error.code, f"{error.message} {error.hint}".strip())


def head(metadata: Mapping[str, Any], draft: Json | None, live: Json | None, model: Profile) -> str:
    """Return what lists show of a profile, as the text to store."""
    parts = {
        "metadata": metadata,
        "draft": None if draft is None else _shown(draft),
        "published": None if live is None else _shown(live),
        "macros": list(usage.macros_used(model)),
    }
    return msgspec.json.encode(parts).decode()


def _shown(content: Json) -> Json:
    keys = ("name", "layer", "type", "tag", "uid", "registryUid")
    return {
        "type": content["type"],
        "cloudType": content["cloudType"],
        "packs": [
            {**{key: item[key] for key in keys}, "manifests": len(item["manifests"])} for item in content["packs"]
        ],
        "variables": [str(item.get("name") or "") for item in content["variables"]],
    }


def read(text: str) -> Json | None:
    """Return a stored form; `None` for an empty text."""
    content: Json | None = msgspec.json.decode(text) if text else None
    return content


def write(content: Json | None) -> str:
    """Return the text of a stored form; raises 413 for one that is too large."""
    text = "" if content is None else msgspec.json.encode(content).decode()
    if len(text) > MAX_CONTENT:
        limit = MAX_CONTENT // 1024**2
        raise Problem(413, "ProfileTooLarge", f"The content of a profile is larger than {limit} MiB; divide it.")
    return text
