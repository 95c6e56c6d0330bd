"""Configuration of kubeadm (v1beta4) from the document: JSON documents, which kubeadm reads as YAML.

What the document's `config` sets is merged in; name, addresses, version, networks and CRI socket are always ours.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.kube.labels import host_labels
from edgewright.core.clusters.model import ClusterDocument, Member
from edgewright.core.errors import InvalidInput

API = "kubeadm.k8s.io/v1beta4"
LOWEST = (1, 31)
"""v1beta4 is read by kubeadm from this minor version on."""
NODE_LABELS = "node-labels"
PATCHES = paths.KUBEADM + "/patches"


def init_documents(document: ClusterDocument, member: Member, ignored: Sequence[str] = ()) -> List[Dict[str, Any]]:
    """Return the documents of `kubeadm init`; `ignored` are further preflight checks that do not stop it."""
    first = merged(
        document.kubernetes.config.get("initConfiguration"),
        {
            "apiVersion": API,
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": member.address, "bindPort": 6443},
            "nodeRegistration": registration(document, member),
        },
    )
    _ignore(first, ignored)
    return [with_patches(document, first), cluster_configuration(document), *other_documents(document)]


def join_documents(
    document: ClusterDocument,
    member: Member,
    token: str,
    ca_hash: str,
    certificate_key: str = "",
    ignored: Sequence[str] = (),
) -> List[Dict[str, Any]]:
    """Return the document of `kubeadm join`. `ca_hash` is `sha256:...`; empty: the token alone verifies the CA.

    With a `certificate_key` the host becomes a control plane.
    """
    endpoint = document.endpoint
    trust: Dict[str, Any] = {"caCertHashes": [ca_hash]} if ca_hash else {"unsafeSkipCAVerification": True}
    joining: Dict[str, Any] = {
        "apiVersion": API,
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {"apiServerEndpoint": f"{_host(endpoint.host)}:{endpoint.port}", "token": token, **trust},
            "tlsBootstrapToken": token,
        },
        "nodeRegistration": registration(document, member),
    }
    if certificate_key:
        joining["controlPlane"] = {
            "localAPIEndpoint": {"advertiseAddress": member.address, "bindPort": 6443},
            "certificateKey": certificate_key,
        }
    result = merged(document.kubernetes.config.get("joinConfiguration"), joining)
    _ignore(result, ignored)
    return [with_patches(document, result)]


def cluster_configuration(document: ClusterDocument) -> Dict[str, Any]:
    """Return the ClusterConfiguration. Raises `InvalidInput` for a version that v1beta4 does not fit."""
    version_gate(document.kubernetes.version)
    endpoint, network = document.endpoint, document.network
    ours: Dict[str, Any] = {
        "apiVersion": API,
        "kind": "ClusterConfiguration",
        "clusterName": document.name,
        "kubernetesVersion": document.kubernetes.version,
        "controlPlaneEndpoint": f"{_host(endpoint.host)}:{endpoint.port}",
        "networking": {"podSubnet": network.pod_cidr, "serviceSubnet": network.service_cidr},
    }
    result = merged(document.kubernetes.config.get("clusterConfiguration"), ours)
    server = result.setdefault("apiServer", {})
    # Names of certificates come from the document, so from the plane's record; no host asks for one.
    names = [endpoint.host, *endpoint.sans, "127.0.0.1", "localhost"]
    server["certSANs"] = list(dict.fromkeys([*(server.get("certSANs") or []), *names]))
    return result


def other_documents(document: ClusterDocument) -> List[Dict[str, Any]]:
    """Return the documents of kubelet and kube-proxy."""
    config = document.kubernetes.config
    kinds = (
        ("kubeletConfiguration", "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
        ("kubeProxyConfiguration", "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"),
    )
    made = []
    for name, version, kind in kinds:
        if isinstance(config.get(name), Mapping) or name == "kubeletConfiguration":
            made.append(merged(config.get(name), {"apiVersion": version, "kind": kind}))
    return made


def registration(document: ClusterDocument, member: Member) -> Dict[str, Any]:
    """Return how a node is registered. Labels and taints of a node are set by the leader as well, when they change."""
    labels = ",".join(f"{key}={value}" for key, value in host_labels(member).items())
    arguments = [{"name": "node-ip", "value": member.address}, {"name": NODE_LABELS, "value": labels}]
    taints = [{"key": t.key, "effect": t.effect, **({"value": t.value} if t.value else {})} for t in member.taints]
    return {
        "name": member.node_name,
        "criSocket": f"unix://{paths.SOCKET}",
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": arguments,
        "taints": taints,
    }


def with_patches(document: ClusterDocument, body: Dict[str, Any]) -> Dict[str, Any]:
    """Return a document that names the folder of patches, when the cluster has some."""
    return {**body, "patches": {"directory": PATCHES}} if patch_files(document) else body


def patch_files(document: ClusterDocument) -> Dict[str, str]:
    """Return the patches of the document as files: `kube-apiserver0+merge.json` and the like. Raises `InvalidInput`."""
    patches = document.kubernetes.config.get("patches") or {}
    if not isinstance(patches, Mapping):
        raise InvalidInput("kubernetes.config.patches is not an object.", "Write file names and contents.")
    files = {}
    for name, content in patches.items():
        if "/" in name or name.startswith("."):
            raise InvalidInput(f"kubernetes.config.patches has the file name {name[:100]!r}.", "Give a plain name.")
        files[str(name)] = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return files


def version_gate(version: str) -> None:
    """Refuse a version of Kubernetes whose kubeadm does not read v1beta4. Raises `InvalidInput`."""
    numbers = version.lstrip("v").split(".")[:2]
    if tuple(int(number) for number in numbers) < LOWEST:
        text = f"Kubernetes {version} is older than v{LOWEST[0]}.{LOWEST[1]}"
        raise InvalidInput(f"{text}, whose kubeadm does not read v1beta4.", "Use a newer version.")


def render(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the file that kubeadm reads."""
    return "\n---\n".join(json.dumps(document, sort_keys=True, indent=1) for document in documents).encode() + b"\n"


def merged(base: Optional[Any], ours: Mapping[str, Any]) -> Dict[str, Any]:
    """Return `ours` laid over `base`: objects are merged, lists of name and value by name, everything else is ours.

    Raises `InvalidInput` for a list of something else.
    """
    result: Dict[str, Any] = dict(base) if isinstance(base, Mapping) else {}
    for name, value in ours.items():
        before = result.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            result[name] = merged(before, value)
        elif name == "kubeletExtraArgs" and before and isinstance(value, list):
            before = _arguments(before)
            own = {item["name"]: item for item in value}
            more = [item for item in before if item.get("name") == NODE_LABELS and item.get("value")]
            if more and NODE_LABELS in own:  # labels of the layer stay beside ours
                text = ",".join([str(item["value"]) for item in more] + [own[NODE_LABELS]["value"]])
                own[NODE_LABELS] = {"name": NODE_LABELS, "value": text}
            result[name] = [item for item in before if item.get("name") not in own] + list(own.values())
        else:
            result[name] = dict(value) if isinstance(value, Mapping) else value
    return result


def _arguments(given: Any) -> List[Mapping[str, Any]]:
    """Return arguments of a layer as v1beta4 has them; v1beta3 had an object. Raises `InvalidInput`."""
    rows = [{"name": name, "value": value} for name, value in given.items()] if isinstance(given, Mapping) else given
    if not isinstance(rows, (list, tuple)) or not all(isinstance(item, Mapping) for item in rows):
        raise InvalidInput(
            "kubeletExtraArgs of the Kubernetes layer has an entry without name and value.",
            "Write each as: {name: NAME, value: VALUE}",
        )
    return list(rows)


def _ignore(body: Dict[str, Any], names: Sequence[str]) -> None:
    node = body["nodeRegistration"]
    given = node.get("ignorePreflightErrors") or []
    if not isinstance(given, (list, tuple)):
        raise InvalidInput("ignorePreflightErrors of the Kubernetes layer is not a list.", "Write it as one.")
    listed = [*given, *names]
    if listed:
        node["ignorePreflightErrors"] = list(dict.fromkeys(listed))


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
