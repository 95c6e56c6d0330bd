"""Step `init`: one host forms the cluster, once, by rules that no restart can forget (design 1.4)."""

from __future__ import annotations

import json
import re
import socket
from typing import Any, Dict, List

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks.peer import ask, close_ports
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube import configuration
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.etcd import Etcd
from edgewright.agent.clusters.kube.reset import reset_kubeadm
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import among
from edgewright.core.errors import EdgewrightError, Failed, Refused
from edgewright.core.text import clean

FORMED = paths.STATE + "/formed.json"
"""`done` of the document, on this disk: with it, this host never forms a cluster again."""
ATTEMPT = paths.STATE + "/init.json"
"""Which epoch this host began to form, and how often: etcd data without this record is not ours."""
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/edgewright-cluster"
AGAIN = 2
"""Attempts that continue with what is there; after them everything of the attempt is removed first."""
OWN_CHECKS = (
    "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml",
    "FileAvailable--etc-kubernetes-manifests-etcd.yaml",
    "DirAvailable--var-lib-etcd",
    "Port-6443",
    "Port-10259",
    "Port-10257",
    "Port-10250",
    "Port-2379",
    "Port-2380",
)
"""Preflight checks of kubeadm that fail on what an interrupted attempt of our own left."""


class Init(StepKind):
    """`kubeadm init`."""

    name = "init"
    limit = 360.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`: etcd has this host as its voter, the API is ready, Node and kubeadm-config are there."""
        host = context.host
        if not host.has(paths.ADMIN_CONF) or not host.has(paths.KUBELET_CONF):
            return Seen.NOT_DONE, "this host has no kubeconfigs yet"
        return judge(context)

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`."""
        return may_not(context)

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        reason = may_not(context)
        if reason:
            raise Refused(f"This host must not form the cluster: {reason}.", "Look at the members of the cluster.")
        attempt = self._begin(context)
        close_ports(context)
        self.form(context, attempt)
        host.report("this host is the first control plane")

    def form(self, context: Context, attempt: int) -> None:
        """Form the cluster on this host and wait for it. Raises `Failed`."""
        ignored = OWN_CHECKS if attempt > 1 else ()
        path = write_configuration(context, configuration.init_documents(context.document, context.me, ignored))
        kubeadm(context, ["init", "--skip-token-print", "--config", path])
        seen, text = self.seen(context)
        if seen is not Seen.DONE:
            raise Failed(f"kubeadm ended, but {text}.")

    def _begin(self, context: Context) -> int:
        """Record the attempt before it starts; return its number since the last clean begin."""
        host = context.host
        before, epoch = host.json(ATTEMPT), context.document.bootstrap.epoch
        attempt = int(before.get("attempt") or 0) + 1 if _ours(context, before) else 1
        if attempt > AGAIN + 1:
            host.report("what the attempts before left is removed")
            reset_kubeadm(context)
            attempt = 1
        record = {"uid": context.document.uid, "epoch": epoch, "attempt": attempt}
        host.write(ATTEMPT, json.dumps(record).encode(), 0o600)
        return attempt


def may_not(context: Context) -> str:
    """Return why this host must not form the cluster, empty when it may."""
    document, host = context.document, context.host
    if not context.init_host:
        return f"the host {document.bootstrap.init_host_uid} forms it"
    if document.bootstrap.done is not None:
        return "the cluster was formed already"
    formed = host.json(FORMED)
    if formed.get("uid") == document.uid and formed.get("epoch") == document.bootstrap.epoch:
        return "this host has formed it already"
    if host.names(f"{paths.ETCD}/member") and not _ours(context, host.json(ATTEMPT)):
        return f"{paths.ETCD} has data of another cluster or epoch"
    for member in document.control_planes:
        if member.host_uid != context.host_uid and ask(context, member).api:
            return f"an API server answers on {member.address} ({member.node_name})"
    return ""


def judge(context: Context) -> Looked:
    """Return whether a running control plane of this host is what `init` leads to."""
    try:
        api = admin(context.host)
        status, text = api.text("/readyz", 5.0)
        if status != 200:
            return Seen.NOT_DONE, f"its API server is not ready: {text.strip()[:100]}"
        node = api.maybe(f"/api/v1/nodes/{context.me.node_name}")
        if node is None:
            return Seen.NOT_DONE, f"the node {context.me.node_name} is not registered"
        if not context.k3s and api.maybe("/api/v1/namespaces/kube-system/configmaps/kubeadm-config") is None:
            return Seen.NOT_DONE, "kubeadm-config is not stored"
        voters = [member for member in Etcd(context.host).members() if not member.learner]
    except EdgewrightError as error:
        return Seen.NOT_DONE, error.message.rstrip(".")
    if not among(context.me.address, (member.address for member in voters)):
        return Seen.NOT_DONE, "etcd does not have this host as a voter"
    return Seen.DONE, f"the API is ready, etcd has {len(voters)} voters"


_CHECK = re.compile(r"\[ERROR [^]]*\]: *(.+)")
_ERROR = re.compile(r"error execution phase (.+)")


def write_configuration(context: Context, documents: List[Dict[str, Any]]) -> str:
    """Write the configuration of kubeadm and its patches into memory; return the path of the file."""
    host = context.host
    host.folder(paths.KUBEADM, 0o700)
    path = f"{paths.KUBEADM}/config.json"
    host.write(path, configuration.render(documents), 0o600, durable=False)
    files = configuration.patch_files(context.document)
    host.remove(configuration.PATCHES)
    for name, text in files.items():
        host.write(f"{configuration.PATCHES}/{name}", text.encode(), 0o600, durable=False)
    return host.path(path)


def kubeadm(context: Context, arguments: List[str]) -> None:
    """Run kubeadm by its absolute path with our programs first in PATH. Raises `Failed`."""
    command = [context.path_of("kubeadm"), *arguments]
    lines: List[str] = []
    code = context.host.stream(command, {"PATH": paths.SEARCH}, errors=lines)
    if code != 0:
        raise Failed(f"kubeadm {arguments[0]} ended with {code}: {why(lines)}.")


def why(lines: List[str]) -> str:
    """Return why kubeadm ended, from the last lines of its standard error output: its failed checks, else its error.

    `[ERROR Port-6443]: Port 6443 is in use` is a failed check; `error: error execution phase ...: ...` an error.
    """
    text = "\n".join(lines)
    reason = "; ".join(_CHECK.findall(text)[:3]) or "".join(_ERROR.findall(text)[-1:])
    return clean(reason, 200).rstrip(".") or "its log has no reason"


def answers(address: str, port: int, timeout: float = 1.5) -> bool:
    """Return whether something accepts connections there."""
    try:
        socket.create_connection((address, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def _ours(context: Context, record: Dict[str, Any]) -> bool:
    document = context.document
    return (record.get("uid"), record.get("epoch")) == (document.uid, document.bootstrap.epoch)
