"""A good call of each of Palette's operations on clusters, for the contract tests."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import httpx

from edgewright.core.clusters.document import as_json, read, sealed
from edgewright.core.clusters.model import HostSettings
from edgewright.store.collections.catalogue.personal_key import key_and_request
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import personal, relay
from tests.hub.clusters.plane import Site
from tests.hub.people import unique
from tests.hub.relay.raw import upgrade
from tests.hub_fixture import RunningHub

_SITES: dict[str, tuple[Site, str]] = {}
_POOL, _OTHER = "worker-pool", "more"


def of_clusters(path: str) -> bool:
    """Return whether an operation is on clusters."""
    return path.startswith(("/v1/spectroclusters", "/v1/cloudconfigs", "/v1/dashboard/spectroclusters"))


def site_of(hub: RunningHub) -> tuple[Site, str]:
    """Return the site of a hub's contract tests, and the uid of its formed cluster with one worker."""
    if hub.url not in _SITES:
        site = Site(hub, 2)
        resources = {"namespaces": [{"metadata": {"name": "tills"}, "spec": {}}], "rbacs": [_rbac("viewers")]}
        uid = site.create(site.body(controls=1, workers=1, clusterConfig={"resources": resources}))
        files = {"admin": "apiVersion: v1\n", "client": "apiVersion: v1\n"}
        site.agents[site.hosts[0]].put(protocol.path(wire.KUBECONFIGS, uid=uid), json=files).raise_for_status()
        listed = [{"name": "apiserver", "node": "n1", "notAfter": "2027-01-01T00:00:00.000Z"}]
        site.observe(uid, site.hosts[0], 1, certificates=listed).raise_for_status()
        _SITES[hub.url] = site, uid
    return _SITES[hub.url]


def _rbac(name: str) -> dict[str, Any]:
    binding = {
        "type": "ClusterRoleBinding",
        "role": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"type": "User", "name": "ana"}],
    }
    return {"metadata": {"name": name}, "spec": {"bindings": [binding]}}


def call(hub: RunningHub, method: str, path: str) -> httpx.Response:
    """Make a good call of an operation."""
    return prepared(hub, method, path)()


def prepared(hub: RunningHub, method: str, path: str) -> Callable[[], httpx.Response]:
    """Make what a good call needs, and return what makes the call alone."""
    site, uid = site_of(hub)
    if method == "DELETE":
        uid = _own(site)
    admin, filled = site.admin, fill(site, uid, path)
    sent = _bodies(site, uid).get((method, path), {} if method in ("POST", "PUT", "PATCH") else None)
    query = {"name": "free-name"} if path == wire.VALIDATE_NAME else {}
    return lambda: admin.request(method, filled, json=sent, params=query)


def _own(site: Site) -> str:
    """Return a cluster of its own with a worker, and an add-on profile."""
    hosts = [site.add_host(100 + 2 * len(site.agents)), site.add_host(101 + 2 * len(site.agents))]
    pools = [site.pool("cp-pool", hosts[:1], True), site.pool(_POOL, hosts[1:], False)]
    return site.create(site.body(machinepoolconfig=pools))


def fill(site: Site, uid: str, path: str) -> str:
    """Return a path with what a cluster has."""
    config = site.get(uid)["spec"]["cloudConfigRef"]["uid"]
    named = {"{uid}": uid, "{configUid}": config, "{machinePoolName}": _POOL, "{cloudType}": "edge-native"}
    if "{machineUid}" in path:
        machines = protocol.path(wire.MACHINES, configUid=config, machinePoolName=_POOL)
        named["{machineUid}"] = site.admin.get(machines).json()["items"][0]["metadata"]["uid"]
    named |= {"{profileUid}": site.profile, "{packName}": "edge-k8s"}
    for place, listing in (("{rbacUid}", wire.RBACS), ("{namespaceUid}", wire.NAMESPACES)):
        if place in path:
            items = site.admin.get(protocol.path(listing, uid=uid)).json()["items"]
            named[place] = items[0]["metadata"]["uid"]
    for place, value in named.items():
        path = path.replace(place, value)
    return path


@cache
def _filled(url: str, path: str) -> str:
    return fill(*_SITES[url], path)


def filled(hub: RunningHub, path: str) -> str:
    """Return a path with what the formed cluster of a hub's contract tests has."""
    site_of(hub)
    return _filled(hub.url, path)


def own_calls(hub: RunningHub) -> Iterator[tuple[str, httpx.Response]]:
    """Yield an answer of each of our own operations on clusters, with the name of its route."""
    site, uid = site_of(hub)
    agent = site.agents[site.hosts[0]]
    for client in (site.admin, agent):
        yield f"GET {wire.DESIRED}", client.get(protocol.path(wire.DESIRED, uid=uid))
    yield f"PUT {wire.HOST_STATE}", site.report(uid, site.hosts[0])
    yield f"PUT {wire.OBSERVED}", site.observe(uid, site.hosts[0], 1)
    yield f"POST {wire.FORGET}", lost(hub)()
    for (method, path), made in decisions(hub).items():
        yield f"{method} {path}", made()
    yield f"PUT {wire.ADOPTION}", adopted(site)
    data, digest = base64.b64encode(b"x").decode(), hashlib.sha256(b"x").hexdigest()
    content = protocol.path(wire.CONTENT, uid=uid, digest=digest)
    yield f"PUT {wire.CONTENT}", agent.put(content, json={"data": data})
    yield from _relay_calls(site, uid)
    person = protocol.path(personal.PATH, uid=uid)
    offered = site.admin.get(person)
    yield f"GET {personal.PATH}", offered
    request = key_and_request(offered.json()["user"], offered.json()["group"])[1]
    asked = site.admin.post(person, json={"request": request})
    yield f"POST {personal.PATH}", asked
    names = {"uid": site.hosts[0], "operationId": asked.json()["operation"]}
    result = {"state": "succeeded", "message": "", "certificate": "PEM", "ca": "PEM"}
    agent.post(protocol.path(protocol.OPERATION_RESULT, **names), json=result).raise_for_status()
    for path in (protocol.OPERATIONS, protocol.OPERATION, protocol.OPERATIONS_ALL):
        yield f"GET {path}", site.admin.get(protocol.path(path, **names) if "{" in path else path)
    files = {"admin": "apiVersion: v1\n"}
    yield f"PUT {wire.KUBECONFIGS}", agent.put(protocol.path(wire.KUBECONFIGS, uid=uid), json=files)


def decisions(hub: RunningHub) -> dict[tuple[str, str], Callable[[], httpx.Response]]:
    """Make a cluster whose host has another document and a step that waits; return what an operator decides of it."""
    site, _uid = site_of(hub)
    uid = _differs(site)[0]
    bodies: dict[str, Any] = {wire.RETRY: {}, wire.OVERRIDE: None, wire.ADOPT: {}}
    return {
        ("GET", wire.REPORTED): lambda: site.admin.get(wire.REPORTED),
        **{("POST", path): partial(_post, site, path, uid, body) for path, body in bodies.items()},
    }


def _post(site: Site, path: str, uid: str, body: Any) -> httpx.Response:
    return site.admin.post(protocol.path(path, uid=uid), **({} if body is None else {"json": body}))


def adopted(site: Site) -> httpx.Response:
    """Let a host hand over the document that an admin adopts."""
    uid, host, document, secret = _differs(site)
    _post(site, wire.ADOPT, uid, {}).raise_for_status()
    config = site.agents[host].get(protocol.path(protocol.HOST_CONFIG, uid=host)).raise_for_status().json()
    body = {"id": config["edgewright"]["adopt"]["id"], "document": document, "version": 1, "clusterSecret": secret}
    return site.agents[host].put(protocol.path(wire.ADOPTION, uid=uid), json=body)


def _differs(site: Site) -> tuple[str, str, dict[str, Any], str]:
    """Return a cluster whose one host reports a document of another lineage: uid, host, document, cluster secret."""
    host = site.add_host(100 + len(site.agents))
    uid = site.create(site.body(machinepoolconfig=[site.pool("cp-pool", [host], True)]))
    body = site.desired(uid, host)
    mine = read(body["document"])
    theirs = sealed(replace(mine, digest="", host_settings=HostSettings(("10.0.0.1",))))
    place = {"lineage": mine.lineage, "generation": mine.generation, "digest": mine.digest}
    item = {"uid": uid, "kind": "cluster", "name": mine.name, "role": "control-plane", "offered": place}
    item["wanted"] = {"lineage": "b" * 16, "generation": 9, "digest": theirs.digest}
    site.report_documents(host, [item])
    progress = {"step": "fetch", "n": 2, "of": 9, "since": "2026-11-28T22:00:00Z", "waitingFor": "operator"}
    beat = {"state": "unhealthy", "edgewright": {"seq": 2, "bootId": "b", "progress": progress}}
    site.agents[host].patch(protocol.path(protocol.HOST_HEALTH, uid=host), json=beat).raise_for_status()
    return uid, host, as_json(theirs), body["slice"]["sealed"]["clusterSecret"]


def _relay_calls(site: Site, uid: str) -> Iterator[tuple[str, httpx.Response]]:
    """Yield the calls of a stream that its host cannot bring."""
    path, host = protocol.path(relay.STREAM, uid=uid), site.hosts[0]
    tunnel, agent = protocol.path(relay.OWN, uid=host), site.agents[host]
    status, link = upgrade(site.hub, path, f"ApiKey: {site.hub.admin_key}")
    assert status == 101
    waiting = agent.get(tunnel)
    yield f"GET {relay.OWN}", waiting
    body = {"stream": waiting.json()["streams"][0]["id"], "port": relay.API, "reason": "nothing answers"}
    yield f"POST {relay.OWN}", agent.post(tunnel, json=body)
    while link.recv(4096):
        pass  # until the hub has ended it
    link.close()
    yield f"GET {relay.STREAM}", site.admin.get(path)


def lost(hub: RunningHub) -> Callable[[], httpx.Response]:
    """Make a cluster with a worker that is silent, and return the call that declares it lost."""
    site, _uid = site_of(hub)
    uid = _own(site)
    worker = next(row["hostUid"] for row in site.members(uid) if row["role"] == wire.WORKER)
    link = {"wake": "off", "interval": 1, "silenceLimit": 1}
    beat = {"state": "healthy", "edgewright": {"seq": 2, "bootId": "b", **link}}
    site.agents[worker].patch(protocol.path(protocol.HOST_HEALTH, uid=worker), json=beat).raise_for_status()
    time.sleep(3.5)  # three heartbeats of a second
    return lambda: site.forget(uid, worker)


def _bodies(site: Site, uid: str) -> dict[tuple[str, str], Any]:
    host = site.add_host(100 + len(site.agents))
    fresh = site.body(machinepoolconfig=[site.pool("cp-pool", [host], True)])
    profiles = {"profiles": [{"uid": site.profile, "variables": [{"name": "password", "value": "x"}]}]}
    return {
        ("POST", wire.CREATE): fresh,
        ("POST", wire.VALIDATE): fresh,
        ("POST", wire.DEFINITION): {
            "metadata": {"name": "site-9"},
            "spec": {"cloudType": "edge-native", "profiles": [{"uid": site.profile}]},
        },
        ("PATCH", wire.METADATA): {"metadata": {"labels": {"team": "shops"}}},
        ("PUT", wire.PROFILES): profiles,
        ("PATCH", wire.PROFILES): profiles,
        ("PATCH", wire.PACK_REFS): {"profiles": [{"uid": site.profile, "packs": [{"name": "shop"}]}]},
        ("DELETE", wire.PROFILES): {"profileUids": []},
        ("PATCH", wire.VARIABLES): [{"profileUid": site.profile, "variables": [{"name": "site", "value": "x"}]}],
        ("PUT", wire.RBACS): {"rbacs": [_rbac("viewers")]},
        ("PUT", wire.RBAC): _rbac("viewers"),
        ("PUT", wire.NAMESPACES): {"namespaces": [{"metadata": {"name": "tills"}, "spec": {}}]},
        ("PUT", wire.NAMESPACE): {"metadata": {"name": "tills"}, "spec": {}},
        ("PUT", wire.LOCATION): {"location": {"countryCode": "DE"}},
        ("PATCH", wire.OS_PATCH): {"osPatchConfig": {"patchOnBoot": False}},
        ("PATCH", wire.TIMEZONE): {"timezone": "Europe/Berlin"},
        ("PUT", wire.CLUSTER_CONFIG): {"clusterConfig": {"ntpServers": ["ntp.example"]}},
        ("POST", wire.POOLS): site.pool(unique(_OTHER), [host], False),
        ("PUT", wire.POOL): {"poolConfig": site.pool(_POOL, [], False)["poolConfig"]},
        ("POST", wire.MACHINES): {"metadata": {"name": host}, "spec": {"edgeHostUid": host}},
        ("PUT", wire.MAINTENANCE): {"action": "cordon"},
    }
