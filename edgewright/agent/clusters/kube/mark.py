"""Step `mark`: the proof that the cluster was formed, on this disk and in the cluster. Forward only."""

from __future__ import annotations

import json
from typing import Any, Dict

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube.api import Api, admin
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.agent.clusters.kube.init import CONFIG_MAP, FORMED
from edgewright.agent.reconcile.steps import Seen
from edgewright.core import times
from edgewright.core.errors import Failed, Refused

CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"


class Mark(StepKind):
    """Writes `formed.json` and the ConfigMap `kube-system/edgewright-cluster`; the next report has it."""

    name = "mark"
    limit = 120.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        proof = formed(context)
        if not proof:
            return Seen.NOT_DONE, "the formation is not recorded on this disk"
        api = admin(context.host)
        stored = api.maybe(CONFIG_MAP)
        if stored is None or (stored.get("data") or {}).get("caSpkiSha256") != proof["caSpkiSha256"]:
            return Seen.NOT_DONE, "the formation is not recorded in the cluster"
        return Seen.DONE, f"formed at {proof.get('at')}"

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api = admin(context.host)
        stored = (api.maybe(CONFIG_MAP) or {}).get("data") or {}
        if stored and stored.get("uid") != context.document.uid:
            raise Refused("This Kubernetes cluster is recorded as another cluster.", "Look at edgewright-cluster.")
        proof = formed(context)
        if not proof:
            proof = make_proof(context, api)
            if stored.get("caSpkiSha256") == proof["caSpkiSha256"]:
                proof["at"] = str(stored.get("at"))  # of the host that formed it
            context.host.write(FORMED, json.dumps(proof, sort_keys=True).encode(), 0o600)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "edgewright-cluster", "namespace": "kube-system"},
            "data": {name: str(value) for name, value in proof.items()},
        }
        api.apply(CONFIG_MAP, body, force=True)
        remove_default_tokens(context, api)


def formed(context: Context) -> Dict[str, Any]:
    """Return the proof of this cluster and epoch that is on this disk, an empty object when there is none."""
    proof = context.host.json(FORMED)
    fits = (proof.get("uid"), proof.get("epoch")) == (context.document.uid, context.document.bootstrap.epoch)
    return proof if fits else {}


def make_proof(context: Context, api: Api) -> Dict[str, Any]:
    """Return the proof: when, the key of the CA, and the UID of kube-system, which no other cluster has."""
    namespace = api.get("/api/v1/namespaces/kube-system")
    ca = context.host.text(f"{paths.KUBERNETES}/pki/ca.crt")
    if not ca:
        raise Failed("This host has no CA of the cluster.", "It is not a control plane.")
    return {
        "uid": context.document.uid,
        "epoch": context.document.bootstrap.epoch,
        "at": times.rfc3339(context.host.now()),
        "caSpkiSha256": spki_sha256(ca),
        "kubeSystemUid": str((namespace.get("metadata") or {}).get("uid")),
    }


def remove_default_tokens(context: Context, api: Api) -> None:
    """Delete the bootstrap token that `kubeadm init` makes for 24 hours: members join with their own, derived ones."""
    secrets = "/api/v1/namespaces/kube-system/secrets"
    for item in api.items(secrets, fieldSelector="type=bootstrap.kubernetes.io/token"):
        metadata = item.get("metadata") or {}
        if "edgewright.io/host" not in (metadata.get("annotations") or {}):
            api.delete(f"{secrets}/{metadata.get('name')}")
            context.host.report(f"removed the bootstrap token {str(metadata.get('name'))[-6:]} of kubeadm")
