"""From a cluster's stored form and its profiles to the document that its hosts get. Long work: never on the event loop.

The same input gives the same document, so what does not change it raises no generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from edgewright.core.clusters import model
from edgewright.core.clusters.document import as_json, read, sealed
from edgewright.core.clusters.kube_values import networks_of
from edgewright.core.errors import InvalidDocument
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.model import ADDON, CNI, CSI, K8S, OS
from edgewright.core.profiles.problems import ERROR, Problem, error
from edgewright.core.profiles.resolve import Resolution, ResolvedLayer
from edgewright.core.profiles.scope import Context, Macro
from edgewright.hub.clusters import form, objects
from edgewright.hub.clusters.rendering import Content, images_of, rendered, secret_paths
from edgewright.hub.clusters.settings import stored_only
from edgewright.hub.profiles import stored
from edgewright.hub.security.secretbox import SecretBox
from edgewright.profiles.kubernetes_layer import configuration, is_k3s
from edgewright.profiles.prepare import check, prepare, resolved
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
MAX_PRIVATE = 900 * 1024
"""Characters of the secret texts of a cluster: they are sent with the host's part of the document."""
CONTROL_PLANE_TAINT = model.Taint("node-role.kubernetes.io/control-plane", "NoSchedule")
_SHOWN = ("cluster", "tree", "pack")
"""Parts of a Kubernetes layer that are in the document, and in objects that kubeadm makes: ConfigMaps of kube-system,
which everybody who may read the cluster reads."""
_FIRST, _STEP = {CNI: 100, CSI: 200}, 10
_RESOURCES, _ADDONS = 300, 400
"""Order of the layers: network, storage, what the hub makes, then add-ons as their profiles have them."""


class Inputs(NamedTuple):
    """What a document is made of. `variables` and `packs` are by the uid of a profile, `secret` is the cluster's."""

    uid: str
    name: str
    generation: int
    head: Json
    profiles: list[Json]
    variables: Mapping[str, Mapping[str, str]]
    packs: Mapping[str, Mapping[str, Pack | None]]
    macros: Mapping[str, Macro]
    system: Mapping[str, str]
    secret: bytes
    box: SecretBox


class Resolved(NamedTuple):
    """A document with its content; without one, `problems` have errors."""

    document: model.ClusterDocument | None
    content: Content
    problems: list[Problem]
    kubernetes: Json
    pack_of: dict[str, str] = {}
    """The pack of each entry in `layers`, by name."""


def resolve(inputs: Inputs) -> Resolved:
    """Return the document of a cluster and what it names; what is wrong in profiles and values is in `problems`."""
    content = Content(inputs.secret)
    parts, problems = _resolutions(inputs)
    kubernetes = next((layer for part in parts for layer in part.layers if layer.layer.kind == K8S), None)
    if kubernetes is None:
        names = ", ".join(item["name"] for item in inputs.profiles) or "none"
        text = f"The profiles of the cluster ({names}) have no Kubernetes layer."
        problems.append(error("", "profiles", text, "Attach a full or an infrastructure profile.", "NoKubernetes"))
        return Resolved(None, content, problems, {})
    pack_of: dict[str, str] = {}
    layers, images = _layers(inputs, parts, content, problems, pack_of)
    base = _Kubernetes(kubernetes)
    problems += base.problems
    for place, sentence in objects.problems(inputs.head):
        problems.append(error("", place, sentence, "", "InvalidResource"))
    problems += shape(inputs.head)
    problems += stored_only.warnings(inputs.head)
    if sum(map(len, content.private.values())) > MAX_PRIVATE:
        text = f"The layers with masked values have more than {MAX_PRIVATE // 1024} KiB together."
        problems.append(error("", "profiles", text, "Move values that are no secrets to layers without.", "TooLarge"))
    shown = {"distribution": base.distribution, "version": base.version}
    if any(problem.severity == ERROR for problem in problems):
        return Resolved(None, content, problems, shown)
    document = _document(inputs, base, layers, (*base.images, *images))
    try:
        document = sealed(read(as_json(document)))
    except InvalidDocument as wrong:
        problems += findings_of(wrong)
        return Resolved(None, content, problems, shown)
    return Resolved(document, content, problems, shown, pack_of)


def findings_of(wrong: InvalidDocument) -> list[Problem]:
    """Return what a document does not take, each with the place there."""
    return [
        error("", row.key, f"{row.key} {row.message}".strip(), row.hint, row.code or wire.E_INVALID)
        for row in wrong.problems
    ]


def shape(head: Json) -> list[Problem]:
    """Return what is missing in pools and endpoint, so that there is no document to check."""
    findings: list[Problem] = []
    members = [machine for _pool, machine in form.machines(head)]
    if not members:
        findings.append(error("", "members", "The cluster has no hosts.", "Add at least one control plane.", "NoHosts"))
    elif not head["initHostUid"]:
        text, hint = "The cluster has no control plane.", "Set isControlPlane of a pool."
        findings.append(error("", "members", text, hint, "NoControlPlane"))
    if not (head["cloudConfig"].get("controlPlaneEndpoint") or {}).get("host"):
        text = "The cluster has neither a VIP nor a DNS name."
        hint = "Set controlPlaneEndpoint.host to a free address of the hosts' network; one host needs one too."
        findings.append(error("", "controlPlaneEndpoint", text, hint, "NoEndpoint"))
    if (head["cloudConfig"].get("overlayNetworkConfiguration") or {}).get("enable"):
        text, hint = "An overlay network is not available here.", "Use a VIP in the hosts' network."
        findings.append(error("", "overlayNetworkConfiguration", text, hint, "NotAvailable"))
    if head["cloudConfig"].get("isTwoNodeCluster"):
        text, hint = "Two-node high availability is not available here.", "Use one or three control planes."
        findings.append(error("", "isTwoNodeCluster", text, hint, "NotAvailable"))
    for key, what in (("backupPolicy", "Backups are"), ("scanPolicy", "Compliance scans are")):
        if head["policies"].get(key):
            findings.append(error("", key, f"{what} not available here.", f"Leave out policies.{key}.", "NotAvailable"))
    for machine in members:
        if not machine["address"]:
            text = f"The host {machine['hostName']} has no address on its network card {machine['nicName'] or '-'}."
            findings.append(error("", "members", text, "Set nic.ip, or name a card with an address.", "NoAddress"))
    return findings


def _resolutions(inputs: Inputs) -> tuple[list[Resolution], list[Problem]]:
    """Return the resolved profiles, the infrastructure first."""
    problems: list[Problem] = []
    ordered = sorted(inputs.profiles, key=lambda item: item["content"]["type"] == ADDON)
    infra: Resolution | None = None
    parts: list[Resolution] = []
    for item in ordered:
        own = item["content"]["type"] != ADDON
        if own and infra is not None:
            text = f"The profiles {infra.profile.name} and {item['name']} both have an infrastructure."
            problems.append(
                error("", "profiles", text, "Attach one of them, and add-on profiles.", "TwoInfrastructures")
            )
            continue
        profile = stored.profile(item["name"], item["version"], item["metadata"], item["content"], inputs.box)
        prepared = prepare(replace(profile, uid=item["uid"]), inputs.packs.get(item["uid"], {}))
        context = Context(inputs.variables.get(item["uid"], {}), inputs.macros, inputs.system)
        part = resolved(prepared, context, None if own else infra)
        for problem in (*check(prepared), *part.problems):
            if problem.severity == ERROR and problem not in problems:
                problems.append(problem)
        infra = part if own else infra
        parts.append(part)
    return parts, problems


def _layers(
    inputs: Inputs, parts: list[Resolution], content: Content, problems: list[Problem], pack_of: dict[str, str]
) -> tuple[list[model.Layer], list[model.Image]]:
    layers: list[model.Layer] = []
    images: list[model.Image] = []
    addons = _ADDONS
    for part in parts:
        for layer in part.layers:
            kind = layer.layer.kind
            if kind in (OS, K8S):
                continue
            order = _FIRST.get(kind, addons)
            pack = inputs.packs.get(part.profile.uid, {}).get(layer.layer.key)
            result = rendered(layer, pack, order, content)
            if kind not in _FIRST:
                addons += _STEP * max(1, -(-len(result.layers) // _STEP))
            problems += result.problems
            layers += result.layers
            pack_of.update((entry.name, layer.layer.name) for entry in result.layers)
            images += result.images
    made = objects.objects(inputs.head)
    if made:
        drift = model.Drift(model.OFF)
        digest = content.add(made, False)
        layers.append(
            model.Layer(objects.LAYER, _RESOURCES, model.MANIFEST, (digest,), drift=drift, on_remove=model.ORPHAN)
        )
    return sorted(layers, key=lambda layer: layer.order), images


class _Kubernetes:
    """What the Kubernetes layer names: distribution, version, tree, configuration, networks."""

    def __init__(self, layer: ResolvedLayer) -> None:
        self.key = layer.layer.key
        self.problems: list[Problem] = []
        document = layer.values.document
        values: Json = document if isinstance(document, dict) else {}
        self.distribution = model.K3S if is_k3s(layer.layer.name) else model.KUBEADM
        self.version = "v" + layer.layer.version.lstrip("v")
        cluster, tree = _map(values.get("cluster")), _map(values.get("tree"))
        used = configuration(values, self.key, self.distribution == model.K3S, self.version)
        self.config: Json = used.config
        self.problems += used.problems
        self.tree = model.Artefact(str(tree.get("ref") or ""), str(tree.get("digest") or ""))
        self.nic = str(_map(cluster.get("kubevipArgs")).get("vip_interface") or "")
        self.images = tuple(replace(image, layer="") for image in images_of(values, ""))
        self.network = networks_of(self.config)
        for path in secret_paths(layer.values):
            if path.startswith(_SHOWN):
                text = "A masked value is in the configuration of Kubernetes, which is readable in the cluster itself."
                hint = "Use a variable that is not masked, or a Secret of another layer."
                self._wrong(path, text, hint, "Masked")
        if not self.tree.ref or not self.tree.digest:
            text = f"The layer names no tree with the programs of Kubernetes {self.version}."
            hint = "Set tree.ref and tree.digest as `edgewright forge image --for tree` reports them."
            self._wrong("tree", text, hint, "NoTree")
        for path, value in (("podSubnet", self.network.pod_cidr), ("serviceSubnet", self.network.service_cidr)):
            if not value:
                self._wrong(f"networking.{path}", "The network is not set.", "Set it.", "NoNetwork")

    def _wrong(self, path: str, text: str, hint: str, code: str) -> None:
        self.problems.append(error(self.key, path, text, hint, code))


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _document(
    inputs: Inputs, base: _Kubernetes, layers: list[model.Layer], images: tuple[model.Image, ...]
) -> model.ClusterDocument:
    head = inputs.head
    cloud, config = head["cloudConfig"], head["clusterConfig"]
    point = cloud.get("controlPlaneEndpoint") or {}
    host = str(point.get("host") or "")
    once = {(image.ref, image.digest, image.layer): image for image in images}
    done = head["done"]
    return model.ClusterDocument(
        uid=inputs.uid,
        name=inputs.name,
        lineage="",
        generation=inputs.generation,
        kubernetes=model.Kubernetes(base.distribution, base.version, base.config),
        tree=base.tree,
        endpoint=model.Endpoint(
            host, model.DNS if point.get("type") in ("DDNS", "External") else model.VIP, nic=base.nic, sans=(host,)
        ),
        network=base.network,
        bootstrap=model.Bootstrap(
            head["initHostUid"],
            head["epoch"],
            None if done is None else model.Done(done["at"], done["caSpkiSha256"], done["kubeSystemUid"]),
        ),
        members=tuple(_member(pool, machine) for pool, machine in form.machines(head)),
        simulated=head["simulated"],
        pools=tuple(_pool(pool) for pool in head["pools"]),
        layers=tuple(layers),
        images=tuple(once.values()),
        host_settings=model.HostSettings(tuple(cloud.get("ntpServers") or ()), tuple(cloud.get("sshKeys") or ())),
        policy=model.Policy(timezone=str(config.get("timezone") or "UTC")),
        change=model.Change(inputs.uid, inputs.generation),
    )


def with_members(document: model.ClusterDocument, head: Json, generation: int) -> model.ClusterDocument:
    """Return a document with the hosts, pools and proof of formation of a head: what changes without the profiles."""
    done = head["done"]
    proof = None if done is None else model.Done(done["at"], done["caSpkiSha256"], done["kubeSystemUid"])
    changed = replace(
        document,
        generation=generation,
        digest="",
        members=tuple(_member(pool, machine) for pool, machine in form.machines(head)),
        pools=tuple(_pool(pool) for pool in head["pools"]),
        bootstrap=replace(document.bootstrap, init_host_uid=head["initHostUid"], epoch=head["epoch"], done=proof),
        change=model.Change(document.uid, generation),
    )
    return sealed(read(as_json(changed)))


def registries_of(document: model.ClusterDocument) -> list[str]:
    """Return the registries that a document names, with their ports: those of the tree and of images by digest."""
    refs = [document.tree.ref, *(image.ref for image in document.images)]
    return sorted({ref.partition("/")[0] for ref in refs if "/" in ref})


def _member(pool: Json, machine: Json) -> model.Member:
    config = pool["config"]
    controls = form.is_control_plane(config)
    taints = [
        model.Taint(str(item.get("key") or ""), str(item.get("effect") or "NoSchedule"), str(item.get("value") or ""))
        for item in config.get("taints") or ()
    ]
    if controls and not config.get("useControlPlaneAsWorker") and CONTROL_PLANE_TAINT not in taints:
        taints.insert(0, CONTROL_PLANE_TAINT)
    return model.Member(
        host_uid=machine["hostUid"],
        node_name=machine["nodeName"],
        role=wire.CONTROL_PLANE if controls else wire.WORKER,
        pool=pool["name"],
        address=machine["address"],
        nic=machine["nicName"],
        peer_spki=machine.get("peerSpki") or "",
        join_epoch=machine["joinEpoch"],
        state=machine["state"],
        release_id=machine["releaseId"],
        lost=bool(machine.get("lost")),
        cordoned=machine["maintenance"].get("action") == "cordon",
        labels={str(key): str(value) for key, value in (config.get("additionalLabels") or {}).items()},
        annotations={str(key): str(value) for key, value in (config.get("additionalAnnotations") or {}).items()},
        taints=tuple(taints),
    )


def _pool(pool: Json) -> model.Pool:
    config = pool["config"]
    most = str((config.get("updateStrategy") or {}).get("maxUnavailable") or "")
    count = int(most) if most.isdigit() and 0 < int(most) <= 500 else 1
    return model.Pool(pool["name"], count, paused=config.get("skipK8sUpgrade") == "enabled")
