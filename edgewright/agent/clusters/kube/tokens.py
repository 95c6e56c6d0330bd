"""What the leader writes so that a host can join, and what it removes afterwards: token and encrypted certificates."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, FrozenSet, Mapping, Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.k3s import admission
from edgewright.agent.clusters.kube.api import Api
from edgewright.agent.clusters.kube.discovery import cluster_secret, member_token
from edgewright.core import times
from edgewright.core.clusters import join
from edgewright.core.clusters.model import CONTROL_PLANE, Member
from edgewright.core.errors import Conflict, Failed

SECRETS = "/api/v1/namespaces/kube-system/secrets"
HOST = "edgewright.io/host"
"""Annotation with the UID of the host that a Secret is for."""
CERTIFICATES = f"{SECRETS}/kubeadm-certs"
MINUTES = 30
GROUP = "system:bootstrappers:kubeadm:default-node-token"


def served(context: Context, api: Api) -> FrozenSet[str]:
    """Return the hosts whose token, and for a control plane whose certificates, are in the cluster."""
    if context.k3s:
        return admission.served(context, api)
    hosts = set()
    certificates = _host_of(api.maybe(CERTIFICATES))
    for item in api.items(SECRETS, fieldSelector="type=bootstrap.kubernetes.io/token"):
        uid = _host_of(item)
        member = context.document.member(uid) if uid else None
        if member is None or _expired(context, item):
            continue
        if member.role != CONTROL_PLANE or certificates == uid:
            hosts.add(uid)
    return frozenset(hosts)


def serve(context: Context, api: Api, member: Member) -> None:
    """Write the token of a host for 30 minutes, and for a control plane the encrypted certificates. May be repeated."""
    if context.k3s:
        admission.serve(context, api, member)
        return
    if member.role == CONTROL_PLANE:
        upload_certificates(context, api, member)
    token = member_token(context, member)
    name = f"bootstrap-token-{token.id}"
    values = {
        "token-id": token.id,
        "token-secret": token.secret,
        "expiration": times.rfc3339(context.host.now() + MINUTES * 60),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": GROUP,
        "description": f"Edgewright: join of {member.node_name}",
    }
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": name, "namespace": "kube-system", "annotations": {HOST: member.host_uid}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
    try:
        api.post(SECRETS, body)
    except Conflict:
        api.delete(f"{SECRETS}/{name}")
        api.post(SECRETS, body)


def upload_certificates(context: Context, api: Api, member: Member) -> None:
    """Encrypt the certificates with the key that only this member and control planes derive."""
    host = context.host
    key = join.certificate_key(cluster_secret(context), member.host_uid, member.join_epoch)
    api.delete(CERTIFICATES)
    # The key is secret: it is given in a file in memory, and its output, which has the key, is not logged.
    path = f"{paths.KUBEADM}/upload.json"
    host.folder(paths.KUBEADM, 0o700)
    document: Dict[str, Any] = {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration"}
    document["certificateKey"] = key
    document["nodeRegistration"] = {"criSocket": f"unix://{paths.SOCKET}"}
    cluster = {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration"}
    cluster["kubernetesVersion"] = context.document.kubernetes.version
    endpoint = context.document.endpoint
    cluster["controlPlaneEndpoint"] = f"{endpoint.host}:{endpoint.port}"
    text = json.dumps(document) + "\n---\n" + json.dumps(cluster) + "\n"
    host.write(path, text.encode(), 0o600, durable=False)
    try:
        command = [context.path_of("kubeadm"), "init", "phase", "upload-certs", "--upload-certs", "--config", path]
        done = host.run(command, 120, environment={"PATH": paths.SEARCH, "KUBECONFIG": host.path(paths.ADMIN_CONF)})
    finally:
        host.remove(path)
    if done.code != 0:
        raise Failed(f"The certificates cannot be uploaded: {done.last}.", "Look at the API server.")
    # The Secret belongs to a token that upload-certs makes, and is removed with it: first let it belong to nothing.
    api.merge(CERTIFICATES, {"metadata": {"annotations": {HOST: member.host_uid}, "ownerReferences": None}})
    _short_token(api)


def withdraw(context: Context, api: Api, uid: str) -> None:
    """Remove the token and the certificates of a host."""
    if context.k3s:
        admission.withdraw(api, uid)
        return
    for item in api.items(SECRETS, fieldSelector="type=bootstrap.kubernetes.io/token"):
        if _host_of(item) == uid:
            api.delete(f"{SECRETS}/{item['metadata']['name']}")
    if _host_of(api.maybe(CERTIFICATES)) in (uid, ""):
        api.delete(CERTIFICATES)


def _short_token(api: Api) -> None:
    """Remove the token that upload-certs makes as an owner of its Secret: the leader removes the certificates."""
    for item in api.items(SECRETS, fieldSelector="type=bootstrap.kubernetes.io/token"):
        if not _host_of(item) and "certs" in _value(item, "description"):
            api.delete(f"{SECRETS}/{item['metadata']['name']}")


def _host_of(item: Optional[Mapping[str, Any]]) -> str:
    return str((((item or {}).get("metadata") or {}).get("annotations") or {}).get(HOST) or "")


def _value(item: Mapping[str, Any], name: str) -> str:
    try:
        return base64.b64decode(str((item.get("data") or {}).get(name) or "")).decode("utf-8", "replace")
    except ValueError:
        return ""


def _expired(context: Context, item: Dict[str, Any]) -> bool:
    when = times.parse(_value(item, "expiration"))
    return when is None or when <= context.host.now()
