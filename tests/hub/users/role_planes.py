"""A hub with users of every role, and every route that needs one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from edgewright.core.roles import ADMIN, OPERATOR, VIEWER
from edgewright.hub.http.routing import Route
from edgewright.hub.packs.index import BUILTIN
from edgewright.hub.process.compose import table
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.security.access import Access, On
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters
from tests.hub.clusters.plane import Site
from tests.hub.http import profile_calls
from tests.hub.people import Person, person, project, ssh_key, unique
from tests.hub_fixture import RunningHub

TABLE = [route for route in table(ServeOptions(data=Path())) if route.access is not Access.OPEN]


STREAM = protocol.CHANGES


RESOURCES = {
    "resources": {
        "namespaces": [{"metadata": {"name": "tills"}, "spec": {}}],
        "rbacs": [{"metadata": {"name": "viewers"}, "spec": {"bindings": []}}],
    }
}
NOBODY = "f" * 24
"""A uid that nothing has."""


@dataclass
class Side:
    """One project with something of everything in it, and users of it."""

    uid: str
    host: str
    tenant: str
    """The uid of the tenant, which every user may read."""
    things: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)


@dataclass
class Plane:
    hub: RunningHub
    own: Side
    foreign: Side
    tenant: dict[str, Person]
    clients: dict[tuple[str, str], httpx.Client] = field(default_factory=dict)

    def client(self, user: Person, project: str = "") -> httpx.Client:
        """Return a client of a user that names a project; one for all tests, since each needs a handshake."""
        headers = {"ApiKey": user.key, **({"ProjectUid": project} if project else {})}
        found = self.clients.get((user.key, project)) or self.hub.client(**headers)
        return self.clients.setdefault((user.key, project), found)


def side(hub: RunningHub, number: int) -> Side:
    uid = project(hub)
    admin, scoped = hub.client(), hub.client(ApiKey=hub.admin_key, ProjectUid=uid)
    made = Side(uid, unique("host"), profile_calls.tenant(admin))
    token = admin.post(protocol.TOKENS, json={"metadata": {"name": unique("t")}, "spec": {"defaultProjectUid": uid}})
    made.things["tokens"] = token.json()["uid"]
    text = admin.get(f"{protocol.TOKENS}/{made.things['tokens']}").json()["spec"]["token"]
    hub.host(made.host, text)
    key = {"metadata": {"name": unique("key")}, "spec": {"publicKey": ssh_key(number)}}
    made.things["sshkeys"] = scoped.post(protocol.SSH_KEYS, json=key).json()["uid"]
    receiver = {"name": unique("r"), "kind": "webhook", "webhook": {"url": "https://hooks.example.com/x"}}
    made.things["receivers"] = scoped.post(protocol.RECEIVERS, json=receiver).json()["uid"]
    made.things["operations"] = admin.post(
        f"{protocol.PREFIX}/hosts/{made.host}/operations", json={"kind": "collect-logs"}
    ).json()["uid"]
    made.people = {role: person(hub, "", {uid: role}) for role in (VIEWER, OPERATOR, ADMIN)}
    content = f"content of {made.uid}".encode()
    made.things["blobs"] = hashlib.sha256(content).hexdigest()
    assert scoped.put(protocol.path(protocol.BLOB, digest=made.things["blobs"]), content=content).status_code == 200
    profile = {**profile_calls.body(unique("profile"))}
    made.things["clusterprofiles"] = scoped.post(protocol.PROFILES, json=profile).raise_for_status().json()["uid"]
    named = {"uid": made.things["clusterprofiles"], "packName": "podinfo"}
    (part,) = scoped.get(protocol.path(protocol.PROFILE_MANIFESTS, **named)).json()["items"]
    made.things["manifests"] = part["metadata"]["uid"]
    site = Site(hub, 1, project=uid)
    cluster = site.create(site.body(controls=1, clusterConfig=RESOURCES))
    made.things["attached"] = site.profile
    made.things["spectroclusters"] = made.things["clusters"] = cluster
    made.things["edge-native"] = made.things["cloudconfigs"] = site.get(cluster)["spec"]["cloudConfigRef"]["uid"]
    made.things |= {
        name: item["items"][0]["metadata"]["uid"]
        for name, item in (
            ("rbacs", site.admin.get(protocol.path(clusters.RBACS, uid=cluster)).json()),
            ("namespaces", site.admin.get(protocol.path(clusters.NAMESPACES, uid=cluster)).json()),
        )
    }
    of_pool = {"configUid": made.things["edge-native"], "machinePoolName": "cp-pool"}
    (machine,) = site.admin.get(protocol.path(clusters.MACHINES, **of_pool)).json()["items"]
    made.things["machines"] = machine["metadata"]["uid"]
    made.things["users"], made.things["apiKeys"] = made.people[VIEWER].uid, made.people[VIEWER].key_uid
    made.things["audits"] = scoped.get(protocol.AUDITS).json()["items"][0]["metadata"]["uid"]
    return made


def path_of(route: Route, side: Side, uid: str | None = None) -> str:
    """Return the path of a route with what a project has in it; `uid` takes the place of the first parameter."""
    path, parts = route.path, route.path.split("/")
    first = next((part for part in parts if part.startswith("{")), "")
    if route.on is On.HOST:
        value = side.host
    elif route.on is On.PROJECT or "projects" in parts:
        value = side.uid
    else:
        noun = parts[parts.index(first) - 1] if first else ""
        value = side.things.get(noun, NOBODY)
    known = {"{objectKind}": "edgehost", "{objectUid}": side.host, "{component}": "ClusterHealth"}
    known |= {"{key:path}": f"host/{side.host}/silent", "{operationId}": side.things["operations"]}
    known |= {"{manifestUid}": side.things["manifests"], "{packName}": "podinfo", "{registryUid}": BUILTIN}
    known |= {"{userUid}": side.things["users"], "{alertUid}": side.things["receivers"]}
    known |= {"{tenantUid}": side.tenant, "{serviceName}": "stylus", "{uid}": value, "{digest}": value}
    known |= {"{configUid}": side.things["edge-native"], "{cloudType}": "edge-native", "{machinePoolName}": "cp-pool"}
    known |= {"{machineUid}": side.things["machines"], "{rbacUid}": side.things["rbacs"]}
    known |= {"{namespaceUid}": side.things["namespaces"], "{profileUid}": side.things["attached"]}
    if "{profileUid}" in path:
        known["{packName}"] = "edge-k8s"
    if uid is not None and first:
        known[first] = f"host/{uid}/silent" if first == "{key:path}" else uid
        known["{objectUid}"] = uid if first == "{objectKind}" else known["{objectUid}"]
        known["{objectKind}"] = "edgehost"
    return re.sub(r"\{[^}]+\}", lambda found: known[found[0]], path)


def ask(client: httpx.Client, route: Route, path: str, body: Any = None) -> tuple[int, str]:
    """Return status and text of a call; of the stream only the head."""
    sent = {} if body is None and route.method in ("POST", "PUT", "PATCH") else body
    with client.stream(route.method, path, json=sent) as answer:
        if answer.status_code == 200 and path == STREAM:
            return 200, ""
        answer.read()
        return answer.status_code, answer.text


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"
