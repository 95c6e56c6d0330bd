"""Steps `join-control-plane` and `join-worker`: with a token that this host derives and the leader has admitted."""

from __future__ import annotations

import json
from typing import Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks.peer import close_ports
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube import configuration, own_node
from edgewright.agent.clusters.kube.discovery import cluster_ca, cluster_secret, own_token
from edgewright.agent.clusters.kube.etcd import Etcd, EtcdMember
from edgewright.agent.clusters.kube.init import ATTEMPT, OWN_CHECKS, judge, kubeadm, write_configuration
from edgewright.agent.clusters.kube.reset import reset_kubeadm
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import same
from edgewright.core.clusters import join
from edgewright.core.errors import EdgewrightError, Failed, Refused

JOINED = paths.STATE + "/joined.json"
"""The join epoch in which this host has joined, once that was observed."""
READY = 240.0
PROMOTED = 120.0
"""Seconds for which etcd may refuse to make a voter of a learner, because it has not caught up."""


class Join(StepKind):
    """`kubeadm join`, repeated from a clean state unless the host is a member already."""

    control_plane = False

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        host = context.host
        if not host.has(paths.KUBELET_CONF) or not host.has(context.node_config):
            return Seen.NOT_DONE, "this host has not joined"
        if self.control_plane:
            return judge(context)
        running = host.run(["systemctl", "is-active", "--quiet", context.node_unit]).code == 0
        return (Seen.DONE, "the kubelet runs") if running else (Seen.NOT_DONE, "the kubelet does not run")

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        if self._finish(context):
            note_joined_here(context)
            return
        authority = self.authority(context)
        if not authority:
            raise Failed("The leader has not admitted this host.", "It does so one host after another.")
        done = context.document.bootstrap.done
        if done is not None and done.ca_spki_sha256 != authority:
            raise Refused("The API has another CA than the cluster was formed with.", "Look at the address of the API.")
        if begun(host):
            host.report("what an attempt before left is removed")
            reset_kubeadm(context)
        record = {"uid": context.document.uid, "epoch": context.document.bootstrap.epoch, "attempt": 1}
        host.write(ATTEMPT, json.dumps(record).encode(), 0o600)
        close_ports(context)
        self.launch(context, authority)
        until_ready(context, self.control_plane)
        note_joined_here(context)

    def authority(self, context: Context) -> str:
        """Return the key of the CA that this host joins, empty while it is not admitted. Raises `EdgewrightError`."""
        return cluster_ca(context)

    def launch(self, context: Context, authority: str) -> None:
        """Join. Raises `Failed`."""
        key = ""
        if self.control_plane:
            key = join.certificate_key(cluster_secret(context), context.host_uid, context.me.join_epoch)
        documents = configuration.join_documents(
            context.document, context.me, own_token(context).text, f"sha256:{authority}", key, OWN_CHECKS
        )
        path = write_configuration(context, documents)
        try:
            kubeadm(context, ["join", "--config", path])
        finally:
            context.host.remove(path)  # it contains the token

    def _finish(self, context: Context) -> bool:
        """Finish a join that got so far that it must not begin again; return whether it is done."""
        host = context.host
        if not host.has(paths.KUBELET_CONF) or not host.has(context.node_config):
            return False
        if not self.control_plane:
            host.report("the kubelet has its credentials: it is started")
            host.must(["systemctl", "start", context.node_unit])
            return True
        member = own_member(context)
        if member is None or not member.started:
            return False
        host.report("etcd has this host as a member: the join is finished, never reset")
        host.run(["systemctl", "start", context.node_unit])
        if member.learner:
            promote(context, member)
        until_ready(context, True)
        return True


def until_ready(context: Context, control_plane: bool, ready: bool = True) -> None:
    """Wait until this host is what the planner takes for joined. Raises `Failed` after `READY` seconds.

    Without `ready` its Node need not be ready: on the host that forms the cluster the CNI comes afterwards.
    """
    host = context.host
    until = host.uptime() + READY
    while True:
        seen, reason = judge(context) if control_plane else (Seen.DONE, "")
        if seen is Seen.DONE:
            reason = own_node.waits_for_own(context) if ready else ""
            if not reason:
                return
        if host.uptime() > until:
            hint = f"Look at its log: journalctl -u {context.node_unit}"
            raise Failed(f"This node is not complete: {reason}.", hint)
        host.sleep(1.0)


class JoinControlPlane(Join):
    """Joins as a control plane: one at a time, by the leader's grant."""

    name = "join-control-plane"
    limit = 600.0
    control_plane = True


class JoinWorker(Join):
    """Joins as a worker."""

    name = "join-worker"
    limit = 360.0


def own_member(context: Context) -> Optional[EtcdMember]:
    """Return the etcd member of this host as etcd itself reports it, `None` when it cannot be asked or has none."""
    for address in [member.address for member in context.document.control_planes]:
        try:
            members = Etcd(context.host, address).members()
        except EdgewrightError:
            continue
        return next((item for item in members if same(context.me.address, item.address)), None)
    return None


def begun(host: Host) -> bool:
    """Return whether an attempt left files: kubeadm refuses to join over most of them, at whatever place it ended."""
    files = (paths.KUBELET_CONF, f"{paths.KUBERNETES}/bootstrap-kubelet.conf", paths.ADMIN_CONF)
    folders = (f"{paths.ETCD}/member", f"{paths.KUBERNETES}/pki", f"{paths.KUBERNETES}/manifests")
    return any(host.has(name) for name in files) or any(host.names(name) for name in folders)


def promote(context: Context, member: EtcdMember) -> None:
    """Make a voter of the own learner, which a kubeadm that was interrupted would have done. Raises `Failed`.

    A learner answers no such request itself, and a voter refuses it until the learner has caught up: the others are
    asked until one agrees.
    """
    host, problem = context.host, "no other control plane answers"
    until = host.uptime() + PROMOTED
    others = [other.address for other in context.document.control_planes if other.host_uid != context.host_uid]
    while True:
        for address in others:
            try:
                Etcd(host, address).promote(member.id)
            except EdgewrightError as error:
                problem = error.message.rstrip(".")
                continue
            host.report("the learner of this host is a voter of etcd now")
            return
        now = own_member(context)
        if now is not None and not now.learner:
            return  # the answer was lost, or an attempt before did it
        if host.uptime() > until:
            raise Failed(f"etcd does not make this learner a voter: {problem}.", "Look at the etcd of this host.")
        host.sleep(2.0)


def note_joined_here(context: Context) -> None:
    """Note on this disk that the host has joined: it does not join again by itself in this epoch."""
    body = {"uid": context.document.uid, "joinEpoch": context.me.join_epoch}
    context.host.write(JOINED, json.dumps(body).encode(), 0o600)


def joined_here(context: Context) -> int:
    """Return the join epoch that this host has noted, 0 for none."""
    body = context.host.json(JOINED)
    epoch = body.get("joinEpoch")
    return epoch if body.get("uid") == context.document.uid and isinstance(epoch, int) else 0
