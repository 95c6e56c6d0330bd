"""Step `layer`: one add-on, by the leader: CRDs, namespace, then chart or manifests, then what others wait for."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

from edgewright.agent.clusters.addons import record
from edgewright.agent.clusters.addons.applyset import ApplySet
from edgewright.agent.clusters.addons.helm import LAYER_LABEL, Helm, content_label, helm_api, yaml_objects
from edgewright.agent.clusters.addons.objects import Discovery, Kind, kind_of, name_of, read_objects, ready, title
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube.api import Api, admin
from edgewright.agent.clusters.kube.own_node import is_ready
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters.model import HELM, Layer
from edgewright.core.clusters.planning import targets
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Unreachable

KINDS = {
    "daemonset": Kind("apps/v1", "DaemonSet"),
    "deployment": Kind("apps/v1", "Deployment"),
    "statefulset": Kind("apps/v1", "StatefulSet"),
    "job": Kind("batch/v1", "Job"),
    "crd": Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    "apiservice": Kind("apiregistration.k8s.io/v1", "APIService"),
    "storageclass": Kind("storage.k8s.io/v1", "StorageClass"),
    "namespace": Kind("v1", "Namespace"),
}
"""Kinds that a layer may wait for, as `daemonset/NAMESPACE/NAME` or `crd/NAME`."""
STARTED = ("CustomResourceDefinition", "DaemonSet", "Deployment", "StatefulSet")
"""Kinds of its own that a layer waits for, as helm does for a chart's: the next layer may need them."""
READY = 600.0


class LayerStep(StepKind):
    """Installs one layer."""

    name = "layer"
    limit = 900.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        layer, api = layer_of(context), admin(context.host)
        if record.read(api).get(layer.name) != targets.layer(layer):
            return Seen.NOT_DONE, "it is not installed"
        if layer.kind == HELM and not Helm(context, layer).current():
            return Seen.NOT_DONE, f"the release {layer.release or layer.name} has other content"
        if manifests(layer) and ApplySet(api, layer.name).applied() != content_label(layer):
            return Seen.NOT_DONE, "its objects are not applied"
        reason = waiting(api, layer)
        return (Seen.NOT_DONE, reason) if reason else (Seen.DONE, "applied and ready")

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        layer, api, host = layer_of(context), admin(context.host), context.host
        if layer.kind == HELM:
            helm = Helm(context, layer)
            for item in helm.crds():
                apply_one(api, item)
            _until(context, lambda: crds_waiting(api, helm.crds()))
            if not helm.current():
                helm.install()
        items = [item for digest in manifests(layer) for item in objects_of(context, digest)]
        if items:
            ApplySet(api, layer.name, layer.on_remove).apply(items, layer.namespace, content_label(layer), host.report)
        own = [item for item in items if item.get("kind") in STARTED]
        _until(context, lambda: starting(api, own, layer.namespace) or waiting(api, layer))
        record.change(api, lambda known: known.update({layer.name: targets.layer(layer)}))


class RemoveLayer(StepKind):
    """Removes an add-on that the document no longer lists."""

    name = "remove-layer"
    limit = 900.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        there = context.argument in record.read(admin(context.host))
        return (Seen.NOT_DONE, "it is still there") if there else (Seen.DONE, "it is removed")

    def act(self, context: Context) -> None:
        """See `StepKind.act`: objects of its ApplySet, and a release that has its name."""
        api, name = admin(context.host), context.argument
        ApplySet(api, name).remove(context.host.report)
        for namespace, release in releases(context, name):
            Helm(context, Layer(name, 0, HELM, (), namespace, release)).remove()
        record.change(api, lambda known: _drop(known, name))


def _drop(known: Dict[str, str], name: str) -> None:
    known.pop(name, None)


def releases(context: Context, layer: str) -> List[Tuple[str, str]]:
    """Return namespace and name of the releases that were installed for a layer."""
    command = [context.path_of("helm"), "list", "--all-namespaces", "--selector", f"{LAYER_LABEL}={layer}"]
    command += ["--output", "json", *helm_api(context)]
    done = context.host.run(command, 60)
    try:
        return [(str(row["namespace"]), str(row["name"])) for row in json.loads(done.output or "[]")]
    except (ValueError, KeyError, TypeError):
        raise Failed(f"helm cannot list the releases of {layer}: {done.last}.") from None


def layer_of(context: Context) -> Layer:
    """Return the layer that the step is about. Raises `NotFound`."""
    for layer in context.document.layers:
        if layer.name == context.argument:
            return layer
    raise NotFound(f"The cluster has no layer {context.argument!r}.", "Look at its document.")


def manifests(layer: Layer) -> List[str]:
    """Return the digests of a layer's manifests."""
    return list(layer.content[1:] if layer.kind == HELM else layer.content)


def objects_of(context: Context, digest: str) -> List[Dict[str, Any]]:
    """Return the objects of a blob: JSON, or YAML that kubectl reads."""
    data = context.blob(digest)
    try:
        return read_objects(data)
    except InvalidInput:
        if data.lstrip()[:1] in (b"{", b"["):
            raise
        return yaml_objects(context, data.decode("utf-8", "replace"))


def apply_one(api: Api, item: Dict[str, Any]) -> None:
    """Apply an object that has no namespace."""
    resource = Discovery(api).find(Kind(str(item.get("apiVersion")), str(item.get("kind"))))
    api.apply(f"{resource.collection('')}/{item['metadata']['name']}", item, force=True)


def crds_waiting(api: Api, items: List[Dict[str, Any]]) -> str:
    """Return which CRD is not established yet, empty when all are."""
    for item in items:
        name = str(item["metadata"]["name"])
        reason = ready(find(api, KINDS["crd"], "", name))
        if reason:
            return f"CRD {name}: {reason}"
    return ""


def starting(api: Api, left: List[Dict[str, Any]], namespace: str) -> str:
    """Return which of these objects has not started, empty when all have; `left` loses those that have."""
    away = sum(not is_ready(node) for node in api.items("/api/v1/nodes")) if left else 0
    while left:
        place, name = name_of(left[0])
        reason = ready(find(api, kind_of(left[0]), place or namespace or "default", name), away)
        if reason:
            return f"{title(left[0])}: {reason}"
        left.pop(0)
    return ""


def waiting(api: Api, layer: Layer) -> str:
    """Return what the layer waits for, empty when everything is ready. Raises `InvalidInput` for an unknown kind."""
    for target in layer.wait_for:
        parts = target.split("/")
        kind = KINDS.get(parts[0])
        if kind is None:
            raise InvalidInput(f"The layer {layer.name} waits for {target}, which is not a known kind.", "Correct it.")
        reason = ready(find(api, kind, parts[1] if len(parts) > 2 else "", parts[-1]))
        if reason:
            return f"{target}: {reason}"
    return ""


def find(api: Api, kind: Kind, namespace: str, name: str) -> Optional[Dict[str, Any]]:
    """Return an object with its kind, `None` when it is not there."""
    try:
        resource = Discovery(api).find(kind)
    except NotFound:
        return None
    item = api.maybe(f"{resource.collection(namespace)}/{name}")
    return {"kind": kind.kind, **item} if item is not None else None


def _until(context: Context, look: Any) -> None:
    """Wait until nothing is left to wait for. Raises `Unreachable` with what it was after `READY` seconds.

    So the step is repeated without a limit: pods may wait for a registry for hours, and need no operator then. Raises
    `InvalidInput` at once, which no wait changes.
    """
    host, last = context.host, ""
    until = host.uptime() + READY
    while True:
        try:
            reason = str(look())
        except InvalidInput:
            raise
        except EdgewrightError as error:
            reason = error.message
        if not reason:
            return
        if reason != last:
            host.report(f"waits for {reason}")
            last = reason
        if host.uptime() > until:
            raise Unreachable(f"Not ready after {READY:.0f} s: {reason}.", "Look at its pods and events.")
        host.sleep(1.0)
