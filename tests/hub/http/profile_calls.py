"""A good call of each of Palette's operations on cluster profiles and macros, for the contract tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.hub.packs.index import BUILTIN
from edgewright.packs import catalogue
from edgewright.wire import protocol
from tests.hub.clusters.plane import infrastructure
from tests.hub.people import project, unique
from tests.hub_fixture import RunningHub

MANIFEST = {"name": "one", "content": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"}
PODINFO = {
    "name": "podinfo",
    "tag": "6.9.2",
    "uid": catalogue.uid(BUILTIN, "podinfo", "6.9.2"),
    "registryUid": BUILTIN,
    "layer": "addon",
    "type": "spectro",
}
METRICS = {
    **PODINFO,
    "name": "metrics-server",
    "tag": "3.13.0",
    "uid": catalogue.uid(BUILTIN, "metrics-server", "3.13.0"),
}
_MACROS = (protocol.PROJECT_MACROS, protocol.TENANT_MACROS)
VARIABLES = {"variables": [{"name": "site", "defaultValue": "north"}]}


def tenant(client: httpx.Client) -> str:
    """Return the uid of the tenant, which Palette's clients read first."""
    return str(client.get(protocol.USERS_INFO).json()["tenantUid"])


def is_of_profiles(path: str) -> bool:
    """Return whether an operation is on profiles or macros."""
    return path.startswith((protocol.PROFILES, protocol.PROFILES_SEARCH, protocol.OWN_PROFILES)) or path in _MACROS


def body(name: str) -> dict[str, Any]:
    """Return an add-on profile with a pack, a manifest and a variable."""
    packs = [{**PODINFO, "manifests": [MANIFEST]}]
    template = {"type": "add-on", "cloudType": "all", "packs": packs}
    return {"metadata": {"name": name}, "spec": {"version": "1.0.0", "template": template, **VARIABLES}}


def call(hub: RunningHub, method: str, path: str) -> httpx.Response:
    """Make a good call of an operation on a profile of its own."""
    return prepared(hub, method, path)()


def prepared(hub: RunningHub, method: str, path: str) -> Callable[[], httpx.Response]:
    """Make what a good call needs, and return what makes the call alone."""
    admin = hub.client()
    if path in _MACROS:
        named = {"uid": project(hub)} if path == protocol.PROJECT_MACROS else {"tenantUid": tenant(admin)}
        return _of_macros(admin, method, protocol.path(path, **named))
    made = infrastructure() if path == protocol.PROFILE_DEFINITION else body(unique("profile"))
    uid = str(admin.post(protocol.PROFILES, json=made).raise_for_status().json()["uid"])
    filled = path.replace("{uid}", uid).replace("{packName}", "podinfo")
    if "{manifestUid}" in filled:
        (part,) = admin.get(protocol.path(protocol.PROFILE_MANIFESTS, uid=uid, packName="podinfo")).json()["items"]
        filled = filled.replace("{manifestUid}", part["metadata"]["uid"])
    sent = _bodies(uid).get((method, path), {} if method in ("POST", "PATCH") else None)
    query = {"name": unique("free")} if path == protocol.PROFILES_VALIDATE_NAME else {}
    if path == protocol.PROFILES_IMPORT_FILE:
        file = json.dumps(_bodies(uid)["POST", protocol.PROFILES_IMPORT])
        return lambda: admin.post(path, files={"importFile": ("p.json", file)})
    return lambda: admin.request(method, filled, json=sent, params=query)


def _of_macros(admin: httpx.Client, method: str, filled: str) -> Callable[[], httpx.Response]:
    sent: Any = {"macros": [{"name": unique("site"), "value": "north"}]}
    if method == "DELETE":
        admin.post(filled, json=sent).raise_for_status()

    def make() -> httpx.Response:
        present = admin.get(filled).json()["macros"] if method == "PUT" else []
        together = {"macros": [*present, *sent["macros"]]}
        return admin.request(method, filled, json=None if method == "GET" else together)

    return make


def _bodies(uid: str) -> dict[tuple[str, str], Any]:
    target = {"name": unique("clone"), "version": "1.1.0", "target": {"scope": "tenant"}}
    template = body("template")["spec"]["template"]
    packs = [{"name": "podinfo", "layer": "addon", "version": "6.9.2", "type": "spectro"}]
    document = {
        "metadata": {"name": unique("imported")},
        "spec": {"version": "1.0.0", "template": {**template, "packs": packs}},
    }
    return {
        ("POST", protocol.PROFILES): body(unique("profile")),
        ("DELETE", protocol.PROFILES_BULK): {"uids": [uid]},
        ("POST", protocol.PROFILES_IMPORT): document,
        ("POST", protocol.PROFILES_IMPORT_VALIDATE): document,
        ("POST", protocol.OWN_PROFILES_APPLY): document,
        ("POST", protocol.PROFILES_VALIDATE_PACKS): template,
        ("POST", protocol.PROFILE_VALIDATE_PACKS): template,
        ("PUT", protocol.PROFILE): {"metadata": {}, "spec": {"template": {"packs": template["packs"]}}},
        ("PATCH", protocol.PROFILE_METADATA): {"metadata": {"labels": {"team": "shops"}}},
        ("POST", protocol.PROFILE_CLONE): {"metadata": target},
        ("POST", protocol.PROFILE_CLONE_VALIDATE): target,
        ("POST", protocol.PROFILE_PACKS): {"pack": METRICS},
        ("PATCH", protocol.PROFILE_PACK_REFS): {"packs": [{"name": "podinfo", "values": "a: 1\n"}]},
        ("PUT", protocol.PROFILE_PACK): {"pack": {"name": "podinfo", "uid": PODINFO["uid"]}},
        ("POST", protocol.PROFILE_MANIFESTS): {**MANIFEST, "name": "two"},
        ("PUT", protocol.PROFILE_MANIFEST): MANIFEST,
        ("PUT", protocol.PROFILE_VARIABLES): VARIABLES,
        ("PATCH", protocol.PROFILE_VARIABLES): VARIABLES,
        ("DELETE", protocol.PROFILE_VARIABLES): {"variables": ["site"]},
    }
