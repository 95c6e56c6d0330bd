"""A cluster as its answer file describes it (`apply -f cluster.yaml`): profiles, pools and hosts by name.

The plane knows uids; who applies the file looks them up. Keys are those of `KEYS`, in the file below `answers`.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.core.clusters import document
from edgewright.core.errors import DocumentProblem
from edgewright.core.installer.nearest import nearest

API_VERSION = "edgewright/v1"
"""Of answer files of every kind."""
KIND = "Cluster"
KEYS: Tuple[str, ...] = (
    "profiles", "vip", "dns", "pools", "ntp", "ssh_keys", "timezone", "tags", "namespaces", "role_bindings",
)  # fmt: skip
CONTROL_PLANE, WORKER = "control-plane", "worker"
_PROFILE = ("name", "version", "variables")
_POOL = ("name", "role", "hosts", "works", "labels", "annotations", "taints", "max_unavailable")
_HOST = ("name", "address", "nic")
_TAINT = ("key", "value", "effect")
_NAMESPACE = ("name", "cpu", "memory")
_BINDING = ("name", "role", "namespace", "users", "groups", "accounts")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
EXAMPLE = """\
# An answer file of kind Cluster: edgewright apply -f FILE creates the cluster, or changes it to what the file has.
# `--plan` shows what would change. Lines that begin with `# ` explain; remove the `#` of a line like `#key: value`.
apiVersion: edgewright/v1
kind: Cluster
metadata:
  name: store-7
answers:
  # one full or infrastructure profile, and any add-on profiles; without a version the newest published one
  profiles: [{name: store, variables: {site: berlin}}]
  # a free address in the network of the control planes; one host needs one too
  vip: 10.0.0.100
  # or a name that you serve, in place of the VIP
  #dns: api.store-7.example.org
  # hosts by name or UID: one or three control planes; `works`: they run workloads too. A pool of workers:
  # - {name: workers, hosts: [edge-2], labels: {zone: a}, taints: [{key: gpu, effect: NoSchedule}]}
  # `max_unavailable: 2` of a pool changes two hosts at a time, else one. A host with an address that it has already:
  # - {name: edge-3, address: 10.0.0.13, nic: eth1}
  pools: [{name: control-planes, role: control-plane, works: true, hosts: [edge-1]}]
  #ntp: [ntp.example.org]
  #ssh_keys: ["ssh-ed25519 AAAA... ana@example.org"]
  #timezone: Europe/Berlin
  #tags: {site: berlin}
  #namespaces: [{name: tills, cpu: 2, memory: 4096}]
  #role_bindings: [{name: viewers, role: view, namespace: tills, users: [ana]}]
"""


class WantedProfile(NamedTuple):
    """A profile by name; version "" is the newest published one."""

    name: str
    version: str
    variables: Dict[str, str]


class WantedHost(NamedTuple):
    """A host by name or UID, with the address and network card that the cluster uses (each may be empty)."""

    name: str
    address: str
    nic: str


class WantedPool(NamedTuple):
    """A pool of hosts; `config` is the plane's `poolConfig` without its size."""

    name: str
    hosts: Tuple[WantedHost, ...]
    config: Dict[str, Any]


class Definition(NamedTuple):
    """A cluster of an answer file."""

    name: str
    profiles: Tuple[WantedProfile, ...]
    pools: Tuple[WantedPool, ...]
    cloud: Dict[str, Any]
    timezone: str
    tags: Dict[str, str]
    namespaces: Tuple[Dict[str, Any], ...]
    rbacs: Tuple[Dict[str, Any], ...]


def read(name: str, answers: Mapping[str, Any]) -> "Tuple[Definition, List[DocumentProblem]]":
    """Return the cluster of an answer file, and everything that is wrong in it."""
    notes = _Notes()
    notes.keys(answers, KEYS, "answers")
    if not name:
        notes.add("metadata.name", "It is missing.", "Write metadata: {name: NAME}")
    elif name_problem(name):
        notes.add("metadata.name", name_problem(name), "Write one such as store-7.")
    vip, dns = notes.text(answers, "vip", "answers"), notes.text(answers, "dns", "answers")
    if bool(vip) == bool(dns):
        notes.add("answers.vip", "Give a VIP or a DNS name, not both.", "Write vip: 10.0.0.100")
    elif vip and vip_problem(vip):
        notes.add("answers.vip", vip_problem(vip), "Write a free address of the hosts' network.")
    elif dns and dns_problem(dns):
        notes.add("answers.dns", dns_problem(dns), "Write a name, or vip: for an address.")
    point = {"host": vip or dns, "type": "VIP" if vip else "External"}
    cloud = {
        "controlPlaneEndpoint": point,
        "ntpServers": list(notes.texts(answers, "ntp", "answers")),
        "sshKeys": list(notes.texts(answers, "ssh_keys", "answers")),
    }
    profiles = tuple(_profile(item, place, notes) for item, place in notes.items(answers, "profiles", "answers"))
    pools = tuple(_pool(item, place, notes) for item, place in notes.items(answers, "pools", "answers"))
    if not profiles:
        notes.add("answers.profiles", "It is missing.", "Write profiles: [{name: NAME}]")
    if not any(pool.config["isControlPlane"] for pool in pools):
        notes.add("answers.pools", "There is no pool of control planes.", "Set role: control-plane of one pool.")
    spaces = tuple(_namespace(item, place, notes) for item, place in notes.items(answers, "namespaces", "answers"))
    rbacs = tuple(_binding(item, place, notes) for item, place in notes.items(answers, "role_bindings", "answers"))
    zone = notes.text(answers, "timezone", "answers")
    tags = notes.map(answers, "tags", "answers")
    return Definition(name, profiles, pools, cloud, zone, tags, spaces, rbacs), notes.problems


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a cluster as a sentence, "" when nothing is."""
    if len(name) <= document.NAME.limit and re.fullmatch(document.NAME.pattern, name):
        return ""
    return f"The name has small letters, digits and '-' only, at most {document.NAME.limit}."


def vip_problem(text: str) -> str:
    """Return what is wrong with a VIP as a sentence, "" when nothing is."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return f"The VIP {text[:60]} is not an address."
    return ""


def dns_problem(text: str) -> str:
    """Return what is wrong with the DNS name of an API as a sentence, "" when nothing is."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        fits = len(text) <= document.NODE_NAME.limit and re.fullmatch(document.NODE_NAME.pattern, text)
        return "" if fits else f"{text[:60]} is not a DNS name."
    return f"{text[:60]} is an address, not a DNS name."


def body(definition: Definition, profiles: Mapping[str, str], hosts: Mapping[str, str]) -> Dict[str, Any]:
    """Return the body of a create; `profiles` has uids by name, `hosts` by name as the file has it."""
    return {
        "metadata": {"name": definition.name, "labels": definition.tags, "annotations": {}},
        "spec": {
            "cloudConfig": definition.cloud,
            "machinepoolconfig": [pool_body(pool, hosts) for pool in definition.pools],
            "profiles": [profile_body(profile, profiles) for profile in definition.profiles],
            "clusterConfig": {
                "timezone": definition.timezone,
                "resources": {"namespaces": list(definition.namespaces), "rbacs": list(definition.rbacs)},
            },
        },
    }


def pool_body(pool: WantedPool, hosts: Mapping[str, str]) -> Dict[str, Any]:
    """Return a pool as the plane takes it; a host that the file names by its uid has the name of the plane's record."""
    listed = []
    for host in pool.hosts:
        nic = {key: value for key, value in (("nicName", host.nic), ("ip", host.address)) if value}
        uid = hosts[host.name]
        named = {} if uid == host.name else {"hostName": host.name}
        listed.append({"hostUid": uid, **named, "nic": nic})
    return {"cloudConfig": {"edgeHosts": listed}, "poolConfig": {**pool.config, "size": len(listed)}}


def profile_body(profile: WantedProfile, profiles: Mapping[str, str]) -> Dict[str, Any]:
    """Return a profile as the plane takes it."""
    variables = [{"name": name, "value": value} for name, value in profile.variables.items()]
    return {"uid": profiles[profile.name], "packValues": [], "variables": variables}


class _Notes:
    """The problems of one reading."""

    def __init__(self) -> None:
        self.problems: List[DocumentProblem] = []

    def add(self, key: str, message: str, hint: str) -> None:
        self.problems.append(DocumentProblem(key, message, hint, "Answer"))

    def keys(self, value: Mapping[str, Any], known: Sequence[str], place: str) -> None:
        for key in value:
            if key not in known:
                near = nearest(str(key), known)
                hint = f"The nearest is `{near}`." if near else f"Known keys: {', '.join(known)}."
                self.add(f"{place}.{str(key)[:60]}", "There is no such key.", hint)

    def text(self, value: Mapping[str, Any], key: str, place: str) -> str:
        given = value.get(key)
        if given is None or (isinstance(given, (str, int, float)) and not isinstance(given, bool)):
            return "" if given is None else str(given)
        self.add(f"{place}.{key}", "The value must be a text.", f'Write it in quotes: {key}: "..."')
        return ""

    def texts(self, value: Mapping[str, Any], key: str, place: str) -> Tuple[str, ...]:
        given = value.get(key)
        if given is None:
            return ()
        if isinstance(given, list) and all(isinstance(item, (str, int, float)) for item in given):
            return tuple(str(item) for item in given)
        self.add(f"{place}.{key}", "The value must be a list of texts.", "Write a list: [a, b].")
        return ()

    def map(self, value: Mapping[str, Any], key: str, place: str) -> Dict[str, str]:
        given = value.get(key)
        if given is None:
            return {}
        if isinstance(given, Mapping) and all(not isinstance(item, (dict, list)) for item in given.values()):
            return {str(name): "" if item is None else _word(item) for name, item in given.items()}
        self.add(f"{place}.{key}", "The value must be a map of texts.", "Write {name: value}.")
        return {}

    def items(self, value: Mapping[str, Any], key: str, place: str) -> List[Tuple[Mapping[str, Any], str]]:
        given = value.get(key)
        if given is None:
            return []
        if isinstance(given, list) and all(isinstance(item, (Mapping, str)) for item in given):
            rows = [item if isinstance(item, Mapping) else {"name": item} for item in given]
            return [(item, f"{place}.{key}[{number}]") for number, item in enumerate(rows)]
        self.add(f"{place}.{key}", "The value must be a list of objects.", "Write a list, one dash for each.")
        return []

    def name(self, value: Mapping[str, Any], place: str) -> str:
        name = self.text(value, "name", place)
        if not name:
            self.add(f"{place}.name", "It is missing.", "Give it a name.")
        return name


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _profile(value: Mapping[str, Any], place: str, notes: _Notes) -> WantedProfile:
    notes.keys(value, _PROFILE, place)
    return WantedProfile(
        notes.name(value, place), notes.text(value, "version", place), notes.map(value, "variables", place)
    )


def _pool(value: Mapping[str, Any], place: str, notes: _Notes) -> WantedPool:
    notes.keys(value, _POOL, place)
    role = notes.text(value, "role", place) or WORKER
    if role not in (CONTROL_PLANE, WORKER):
        notes.add(f"{place}.role", f"{role[:40]} is neither {CONTROL_PLANE} nor {WORKER}.", f"Write role: {WORKER}")
    works = value.get("works", False)
    if not isinstance(works, bool):
        notes.add(f"{place}.works", "The value must be true or false.", "Write works: true")
    strategy = {"type": "RollingUpdateScaleOut"}
    most = value.get("max_unavailable")
    if isinstance(most, int) and not isinstance(most, bool) and 0 < most <= document.MAX_MEMBERS:
        strategy["maxUnavailable"] = str(most)
    elif most is not None:
        notes.add(f"{place}.max_unavailable", "The value must be a number above 0.", "Write max_unavailable: 1")
    hosts = []
    for item, at in notes.items(value, "hosts", place):
        notes.keys(item, _HOST, at)
        hosts.append(WantedHost(notes.name(item, at), notes.text(item, "address", at), notes.text(item, "nic", at)))
    taints = []
    for item, at in notes.items(value, "taints", place):
        notes.keys(item, _TAINT, at)
        effect = notes.text(item, "effect", at) or EFFECTS[0]
        if effect not in EFFECTS:
            notes.add(f"{at}.effect", f"{effect[:40]} is none of {', '.join(EFFECTS)}.", f"Write effect: {EFFECTS[0]}")
        taints.append({"key": notes.text(item, "key", at), "value": notes.text(item, "value", at), "effect": effect})
    name = notes.name(value, place)
    config = {
        "name": name,
        "isControlPlane": role == CONTROL_PLANE,
        "useControlPlaneAsWorker": role == CONTROL_PLANE and works is True,
        "labels": [role],
        "additionalLabels": notes.map(value, "labels", place),
        "additionalAnnotations": notes.map(value, "annotations", place),
        "taints": taints,
        "updateStrategy": strategy,
    }
    return WantedPool(name, tuple(hosts), config)


def _namespace(value: Mapping[str, Any], place: str, notes: _Notes) -> Dict[str, Any]:
    notes.keys(value, _NAMESPACE, place)
    allocation: Dict[str, Any] = {}
    for key, target in (("cpu", "cpuCores"), ("memory", "memoryMiB")):
        amount = value.get(key)
        if amount is None:
            continue
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or amount <= 0:
            notes.add(f"{place}.{key}", "The value must be a number above 0.", f"Write {key}: 2")
            continue
        allocation[target] = amount
    return {"metadata": {"name": notes.name(value, place)}, "spec": {"resourceAllocation": allocation}}


def _binding(value: Mapping[str, Any], place: str, notes: _Notes) -> Dict[str, Any]:
    notes.keys(value, _BINDING, place)
    namespace, role = notes.text(value, "namespace", place), notes.text(value, "role", place)
    if not role:
        notes.add(f"{place}.role", "It is missing.", "Name a role, such as view.")
    subjects: List[Dict[str, str]] = []
    for key, kind in (("users", "User"), ("groups", "Group"), ("accounts", "ServiceAccount")):
        for name in notes.texts(value, key, place):
            subject = {"type": kind, "name": name}
            subjects.append({**subject, "namespace": namespace or "default"} if kind == "ServiceAccount" else subject)
    if not subjects:
        notes.add(place, "The binding has no users, groups or accounts.", "Write users: [NAME]")
    binding = {
        "type": "RoleBinding" if namespace else "ClusterRoleBinding",
        "namespace": namespace,
        "role": {"kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }
    return {"metadata": {"name": notes.name(value, place)}, "spec": {"bindings": [binding]}}
