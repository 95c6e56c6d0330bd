"""Steps `release` and `delete`: this host leaves; what is not in the ledger and not Kubernetes' own stays as it is."""

from __future__ import annotations

import json

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.host import mounts
from edgewright.agent.clusters.kube import own_node
from edgewright.agent.clusters.kube.api import admin
from edgewright.agent.clusters.kube.health import answering
from edgewright.agent.clusters.kube.reset import kill_shims, remove_pods, reset_kubeadm
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import same
from edgewright.core.clusters.actions import short
from edgewright.core.errors import EdgewrightError, Failed, Refused

RESETTING = paths.STATE + "/resetting.json"


class Release(StepKind):
    """Stops Kubernetes and undoes what the ledger lists. It can be repeated after a crash at any place."""

    name = "release"
    limit = 900.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        if context.ledger.entries() or context.host.has(paths.APPLIED):
            return Seen.NOT_DONE, "the ledger is not empty"
        return Seen.DONE, "nothing of the cluster is left"

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        if context.owner() not in ("", context.document.uid):
            raise Refused(f"This host belongs to the cluster {context.owner()}.", "Nothing of it is removed.")
        body = {"releaseId": context.argument or context.me.release_id, "uid": context.document.uid}
        host.write(RESETTING, json.dumps(body).encode(), 0o600)
        host.run(["systemctl", "stop", paths.KEEPALIVED_UNIT], 60)
        self.take_leave(context)
        reset_kubeadm(context)
        remove_pods(context)
        for unit in (paths.IMAGES_UNIT, paths.CONTAINERD_UNIT):
            host.run(["systemctl", "stop", unit], 60)
        kill_shims(context)
        for point in mounts(host, [paths.CONTAINERD + "/state", paths.RUN, paths.KUBELET, paths.CONTAINERD_ROOT]):
            if point != paths.CONTAINERD_ROOT and host.run(["umount", point]).code != 0:
                host.run(["umount", "--lazy", point])
        failed = context.ledger.undo(host.report)
        if failed:
            raise Failed(f"Not undone: {'; '.join(failed)[:600]}", "Look at these, then retry.")
        host.run(["systemctl", "daemon-reload"])
        for folder in (paths.RUN, paths.TREES, paths.CONTENT):
            host.remove(folder)
        empty_root(context)
        host.remove(f"{paths.K3S}/agent")
        host.remove(paths.STATE)
        for folder in (paths.TREES, "/opt/edgewright", paths.K3S):
            if host.has(folder) and not host.names(folder):
                host.remove(folder)
        host.run(["systemctl", "reset-failed", f"edgewright-step-cluster-{short(context.document.uid, 8)}-*"])
        host.report("this host has left the cluster")

    def take_leave(self, context: Context) -> None:
        """Let the Node be not ready: the leader removes it at its next look, not when the API has missed it for 40 s.

        The leader has removed this host from etcd before. Nothing depends on this.
        """
        host = context.host
        if not host.has(paths.KUBELET_CONF):
            return
        host.run(["systemctl", "stop", context.node_unit], 60)
        try:
            own_node.not_ready(context)
        except EdgewrightError as error:
            host.report(f"the Node is left to the leader: {error.message}")


class Delete(Release):
    """The same for a cluster that is deleted: nothing is drained, and no leader removes this host."""

    name = "delete"
    limit = 1800.0

    def take_leave(self, context: Context) -> None:
        """Remove the own Node and etcd member while others are there: the leader, who goes last, then sees it at once.

        Without this the last host loses the quorum with the second one, and waits until the API was silent long enough.
        """
        host = context.host
        if not host.has(paths.ADMIN_CONF):
            return
        if not context.k3s:  # whose unit is API and etcd too
            host.run(["systemctl", "stop", context.node_unit], 60)  # it would register its Node again
        try:
            admin(host).delete(f"/api/v1/nodes/{context.me.node_name}")
            etcd, _ = answering(context)
            members = etcd.members()
            own = [member for member in members if same(member.address, context.me.address)]
            if own and len(members) > 1:
                etcd.remove(own[0].id)
                host.report("this host has left etcd")
        except EdgewrightError as error:
            host.report(f"the others are not asked: {error.message}")


def empty_root(context: Context) -> None:
    """Remove the data of the container runtime; a mount point stays, with nothing in it."""
    host = context.host
    if paths.CONTAINERD_ROOT in mounts(host, [paths.CONTAINERD_ROOT]):
        for name in host.names(paths.CONTAINERD_ROOT):
            host.remove(f"{paths.CONTAINERD_ROOT}/{name}")
    else:
        host.remove(paths.CONTAINERD_ROOT)
