"""The values of a Kubernetes layer as a cluster uses them: its configuration in one form, and what has no effect.

Nothing is dropped in silence. What a cluster cannot use is an error where it would change what runs (a key of
`cluster.config` that no driver reads, an argument without a name), else a warning that names what is used in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.problems import Problem, error, suggestion, warning
from edgewright.yamltext.documents import read_one

Json = dict[str, Any]
CONFIG = "cluster.config"
KUBEADM = (
    "clusterConfiguration", "initConfiguration", "joinConfiguration", "kubeletConfiguration", "kubeProxyConfiguration",
    "patches",
)  # fmt: skip
"""What the driver of kubeadm reads (v1beta4)."""
VALUES, CLUSTER, VIP = ("pack", "tree", "cluster"), ("config", "kubevipArgs"), ("vip_interface",)
"""Keys of the values, of `cluster` and of `cluster.kubevipArgs` that have an effect on a cluster."""
ARGUMENTS = (
    "clusterConfiguration.apiServer.extraArgs",
    "clusterConfiguration.controllerManager.extraArgs",
    "clusterConfiguration.scheduler.extraArgs",
    "clusterConfiguration.etcd.local.extraArgs",
    "initConfiguration.nodeRegistration.kubeletExtraArgs",
    "joinConfiguration.nodeRegistration.kubeletExtraArgs",
)
"""Lists of name and value in v1beta4; objects in v1beta3, which many layers were written for."""
_PULL, _NODE_IP = "IfNotPresent", "node-ip"
_NODE = (
    ("name", "the name of the host"),
    ("criSocket", "the container runtime of the tree"),
    ("imagePullPolicy", _PULL),
    ("taints", "the taints of the pool"),
)
REPLACED: tuple[tuple[str, str], ...] = (
    ("clusterConfiguration.clusterName", "the name of the cluster"),
    ("clusterConfiguration.controlPlaneEndpoint", "the VIP or the DNS name of the cluster"),
    ("initConfiguration.localAPIEndpoint", "the address of the host"),
    ("joinConfiguration.discovery", "a token that is derived for each host"),
    ("joinConfiguration.controlPlane", "the role of the host"),
    *((f"initConfiguration.nodeRegistration.{key}", use) for key, use in _NODE),
    *((f"joinConfiguration.nodeRegistration.{key}", use) for key, use in _NODE),
)
"""What is always Edgewright's, with what is used in its place."""
REPLACED_K3S = (
    ("node-name", "the name of the host"),
    ("node-ip", "the address of the host"),
    ("advertise-address", "the address of the host"),
    ("token", "a token that is derived from the cluster's secret"),
    ("agent-token", "a token that is derived from the cluster's secret"),
    ("server", "the VIP or the DNS name of the cluster"),
    ("cluster-init", "the host that forms the cluster"),
    ("private-registry", "the local registry, then the image's own"),
    ("write-kubeconfig", "a path of Edgewright's"),
    ("write-kubeconfig-mode", "0600"),
)
_SHOWN = 200


def is_k3s(pack: str) -> bool:
    """Return whether a pack of Kubernetes is k3s, by its name; every other one is kubeadm's."""
    return "k3s" in pack


class Configuration(NamedTuple):
    """`cluster.config` in the form that hosts read, and what is wrong with the layer."""

    config: Json
    problems: list[Problem]


def configuration(values: Any, layer: str, k3s: bool, version: str = "") -> Configuration:
    """Return the configuration of a layer's resolved values; with an error in `problems` it is not to be used.

    `layer` is the key of the layer for the problems, `version` its version (`v1.36.3`).
    """
    check = _Check(layer)
    known = values if isinstance(values, Mapping) else {}
    check.keys(known, VALUES, "", "A cluster uses pack, tree and cluster of this layer.")
    cluster = check.map(known.get("cluster"), "cluster")
    check.keys(cluster, CLUSTER, "cluster.", "A cluster uses config and kubevipArgs.")
    vip = check.map(cluster.get("kubevipArgs"), "cluster.kubevipArgs")
    more = "keepalived has the VIP here, not kube-vip; a layer of its own serves load balancers."
    check.keys(vip, VIP, "cluster.kubevipArgs.", more)
    config = check.config(cluster.get("config"))
    if k3s:
        check.replaced(config, REPLACED_K3S)
    else:
        check.kubeadm(config, version)
    return Configuration(config, check.problems)


class _Check:
    def __init__(self, layer: str) -> None:
        self._layer = layer
        self.problems: list[Problem] = []

    def wrong(self, path: str, text: str, hint: str, code: str = "KubernetesConfig") -> None:
        self.problems.append(error(self._layer, path[:_SHOWN], text, hint, code))

    def unused(self, path: str, text: str, hint: str) -> None:
        self.problems.append(warning(self._layer, path[:_SHOWN], text, hint, "NoEffect"))

    def keys(self, value: Mapping[str, Any], known: tuple[str, ...], place: str, hint: str) -> None:
        for key, content in value.items():
            if key not in known and not _empty(content):
                self.unused(f"{place}{key}", "It has no effect on a cluster.", hint)

    def map(self, value: Any, path: str) -> Json:
        if isinstance(value, Mapping):
            return {str(key): content for key, content in value.items()}
        if not _empty(value):
            self.wrong(path, "It is not an object.", "Write keys and values.")
        return {}

    def config(self, value: Any) -> Json:
        """Return `cluster.config`; Palette's layers often have it as a text with YAML in it."""
        if isinstance(value, str) and value.strip():
            try:
                value = read_one(value, f"{CONFIG} of the layer {self._layer}")
            except InvalidInput as problem:
                self.wrong(CONFIG, problem.message, problem.hint, problem.code)
                return {}
        return self.map(value, CONFIG)

    def kubeadm(self, config: Json, version: str) -> None:
        for key in [key for key in config if key not in KUBEADM]:
            if _empty(config[key]):
                del config[key]
                continue
            hint = suggestion(key, KUBEADM, "keys") or f"Known keys: {', '.join(KUBEADM)}."
            self.wrong(f"{CONFIG}.{key}", "kubeadm is given no such configuration.", hint)
        for key in KUBEADM:
            if key in config and config[key] is not None:
                config[key] = self.map(config[key], f"{CONFIG}.{key}")
        for path in ARGUMENTS:
            self._arguments(config, path)
        wanted = _at(config, "clusterConfiguration.kubernetesVersion")
        if version and not _empty(wanted) and "v" + str(wanted).lstrip("v") != version:
            path = f"{CONFIG}.clusterConfiguration.kubernetesVersion"
            self.unused(path, f"It is {version}, the version of the layer, not {str(wanted)[:40]}.", "Remove it.")
        self.replaced(config, REPLACED)
        path = "clusterConfiguration.apiServer.timeoutForControlPlane"
        if not _empty(_at(config, path)):
            hint = "Set initConfiguration.timeouts.controlPlaneComponentHealthCheck."
            self.unused(f"{CONFIG}.{path}", "kubeadm does not read it since v1beta4.", hint)

    def replaced(self, config: Json, paths: tuple[tuple[str, str], ...]) -> None:
        for path, use in paths:
            value = _at(config, path)
            if not _empty(value) and value != _PULL:
                self.unused(f"{CONFIG}.{path}", f"It is replaced: {use}.", "Remove it.")

    def _arguments(self, config: Json, path: str) -> None:
        """Bring arguments into the form of v1beta4, in place."""
        parts = path.split(".")
        owner: Any = config
        for name in parts[:-1]:
            child = owner.get(name)
            if not isinstance(child, Mapping):
                if not _empty(child):
                    self.wrong(f"{CONFIG}.{path}", f"{name} is not an object.", "Write keys and values.")
                return
            owner[name] = dict(child)  # the layer's own values stay as they are
            owner = owner[name]
        given = owner.get(parts[-1])
        if given is None or given == []:
            return
        rows = list(self._pairs(given, f"{CONFIG}.{path}"))
        owner[parts[-1]] = rows
        if any(row["name"] == _NODE_IP for row in rows):
            self.unused(f"{CONFIG}.{path}.{_NODE_IP}", "It is replaced: the address of the host.", "Remove it.")

    def _pairs(self, given: Any, path: str) -> Iterator[Json]:
        hint = "Write each as {name: NAME, value: VALUE}, or all as NAME: VALUE."
        if not isinstance(given, (list, Mapping)):
            self.wrong(path, "The arguments are neither a list nor an object.", hint)
            return
        rows = (
            [{"name": name, "value": value} for name, value in given.items()] if isinstance(given, Mapping) else given
        )
        for number, row in enumerate(rows):
            name = row.get("name") if isinstance(row, Mapping) else None
            value = row.get("value") if isinstance(row, Mapping) else None
            if not isinstance(name, str) or not name or isinstance(value, (list, Mapping)):
                self.wrong(f"{path}[{number}]", "The argument has no name, or its value is not a text.", hint)
                continue
            yield {**row, "name": name, "value": _text(value)}


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
