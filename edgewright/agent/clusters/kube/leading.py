"""Duties of the leader: admit a host, end a grant, drain, remove a member of etcd, remove a node."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

from edgewright.agent.clusters.addons.helm import kubectl_api
from edgewright.agent.clusters.checks.peer import question
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube import leader, tokens
from edgewright.agent.clusters.kube.api import Api, admin
from edgewright.agent.clusters.kube.etcd import Etcd
from edgewright.agent.clusters.kube.health import members_with_health
from edgewright.agent.clusters.kube.labels import label_value
from edgewright.agent.clusters.kube.own_node import is_ready, labels_of
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import same
from edgewright.core.clusters import grants, observed, quorum
from edgewright.core.clusters.model import CONTROL_PLANE, NEVER, PRESENT, Member, Pool
from edgewright.core.clusters.planning.judge import admitted
from edgewright.core.errors import Failed, NotFound, Refused

BROKEN = 30
"""Seconds for which a drain waits for the pods of a node that is not ready, whose host is there; each node is looked at
again that often, since one that just lost its kubelet or its etcd counts as ready for a while."""


class Duty(StepKind):
    """A step of the leader; its argument is the UID of the member that it is about. Judged by the planner's rules."""

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`: the driver judges duties by what it gathered."""
        return Seen.UNKNOWN, "judged by the planner"


class ServeJoin(Duty):
    """Writes the grant first, then the token (and certificates) by which the host notices it."""

    name = "serve-join"
    limit = 120.0

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api, member = admin(context.host), about(context)
        if member.role == CONTROL_PLANE:
            view = leader.read(context, api)
            if view.grant is not None and view.grant.host_uid != member.host_uid:
                raise Failed(f"{view.grant.host_uid} has the grant.", "It ends first.")
            if view.grant is None:
                verdict = quorum.may_add(members_with_health(context))
                if not verdict.allowed:
                    raise Failed(f"{member.node_name} cannot join now: {verdict.reason}.", "It is tried again.")
                node = api.maybe(f"/api/v1/nodes/{member.node_name}") or {}
                grant = leader.new_grant(context, member.host_uid, grants.JOIN)
                before = str((node.get("metadata") or {}).get("uid") or "")
                leader.set_grant(context, api, grant._replace(node=before))
                context.host.report(f"grant for {member.node_name}: {verdict.reason}")
        tokens.serve(context, api, member)
        context.host.report(f"{member.node_name} is admitted for {tokens.MINUTES} minutes")


class EndGrant(Duty):
    """Cleans up first, then ends the grant."""

    name = "end-grant"
    limit = 120.0

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api, host = admin(context.host), context.host
        view = leader.read(context, api)
        if context.document.member(context.argument) is None:  # the document dropped it: nothing of it may stay
            self._forget(context, api, view)
            return
        member = about(context)
        joined = self._joined(context, api, member, view.grant)
        own = view.grant if view.grant is not None and view.grant.host_uid == member.host_uid else None
        if own is not None and grants.state_of(own, context.document, joined) is grants.GrantState.OPEN:
            raise Failed(f"{member.node_name} has not joined yet.", "Its grant stays open until then.")
        if member.role == CONTROL_PLANE and not joined:
            self._dead_learner(context, member)
        tokens.withdraw(context, api, member.host_uid)
        if joined:
            api.merge(
                f"/api/v1/nodes/{member.node_name}", {"metadata": {"labels": labels_of(context.document, member)}}
            )
            leader.note_joined(api, lambda known: known.update({member.host_uid: member.join_epoch}))
        if own is not None:
            leader.set_grant(context, api, None, "" if joined else member.host_uid)
        host.report(f"the grant of {member.node_name} is over: {'joined' if joined else 'not joined'}")

    def _forget(self, context: Context, api: Api, view: leader.View) -> None:
        tokens.withdraw(context, api, context.argument)
        leader.note_joined(api, lambda known: _drop(known, context.argument))
        if view.grant is not None and view.grant.host_uid == context.argument:
            leader.set_grant(context, api, None)

    def _joined(self, context: Context, api: Api, member: Member, grant: Optional[grants.Grant]) -> bool:
        node = api.maybe(f"/api/v1/nodes/{member.node_name}")
        if member.state != PRESENT or node is None or member.role != CONTROL_PLANE:
            return member.state == PRESENT and is_ready(node)
        there = {member.node_name: observed.Node(str(node["metadata"]["uid"]), is_ready(node))}
        etcd, ready = members_with_health(context), leader.grantee_ready(context, grant)
        seen = observed.Observed(
            context.host_uid, api=observed.Api(nodes=there, etcd=etcd, grant=grant, grantee_ready=ready)
        )
        return bool(admitted(seen, context.document, member))

    def _dead_learner(self, context: Context, member: Member) -> None:
        """Remove a member of etcd that never started, or a learner whose join is over."""
        etcd = Etcd(context.host)
        for item in etcd.members():
            if same(item.address, member.address) and (item.learner or not item.started):
                etcd.remove(item.id)
                context.host.report(f"removed the learner of {member.node_name} from etcd")


class Drain(Duty):
    """Cordons a leaving node and moves its pods away."""

    name = "drain"
    limit = 900.0

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api, member = admin(context.host), about(context)
        path = f"/api/v1/nodes/{member.node_name}"
        if api.maybe(path) is None:
            return
        api.merge(path, {"spec": {"unschedulable": True}})
        pool = next((pool for pool in context.document.pools if pool.name == member.pool), Pool(member.pool))
        others = [n for n in api.items("/api/v1/nodes") if n["metadata"]["name"] != member.node_name and is_ready(n)]
        if pool.drain.mode != NEVER and (others or pool.drain.mode == "always"):
            command = [
                context.path_of("kubectl"), "drain", member.node_name, *kubectl_api(context),
                "--ignore-daemonsets", "--delete-emptydir-data", "--force",
            ]  # fmt: skip
            if pool.drain.disable_eviction:
                command.append("--disable-eviction")
            self._move(context, command, min(pool.drain.timeout_seconds, int(self.limit) - 60))
        if api.maybe(path) is not None:  # it was not removed meanwhile
            api.merge(path, {"metadata": {"annotations": {leader.RELEASE: member.release_id}}})

    @staticmethod
    def _move(context: Context, command: Sequence[str], limit: int) -> None:
        """Run a drain until no pod is left, for `limit` seconds; pods of a broken node are not waited for."""
        api, member, host = admin(context.host), about(context), context.host
        until = host.uptime() + limit
        while True:
            began = host.uptime()
            seconds = max(1, min(BROKEN, round(until - began)))
            if host.stream([*command, f"--timeout={seconds}s"]) == 0:
                return
            # A kubelet without its API ends no pod; its host is there, and ends all of them when it resets itself. A
            # host that is not there either may still run them: it is waited for, or declared lost.
            node = api.maybe(f"/api/v1/nodes/{member.node_name}")
            if node is None:
                return
            if not is_ready(node) and question(context, member.address, member) is not None:
                host.report(f"{member.node_name} is not ready: its pods end when that host resets itself")
                return
            ended = host.uptime()
            if ended - began < seconds - 1:
                text = f"kubectl could not drain {member.node_name}: it ended after {ended - began:.0f} s."
                raise Failed(text, "The log of the step has the reason.")
            if until - ended < 1:
                raise Failed(
                    f"{member.node_name} cannot be drained within {limit} s.",
                    "The log of the step names the pods and budgets that hinder it.",
                    "DrainBlocked",
                )


class RemoveMember(Duty):
    """Removes a control plane from etcd, with the guard's numbers; done by a survivor."""

    name = "remove-member"
    limit = 120.0

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api, member, etcd = admin(context.host), about(context), Etcd(context.host)
        listed = etcd.members()
        target = next((m for m in listed if m.name == member.node_name or same(m.address, member.address)), None)
        if target is None:
            self._end(context, api, member)
            return
        verdict = quorum.may_remove(members_with_health(context), str(target.id))
        if not verdict.allowed:
            raise Refused(
                f"{member.node_name} stays in etcd: {verdict.reason}.", "Bring the others back first.", "Quorum"
            )
        view = leader.read(context, api)
        if view.grant is not None and view.grant.host_uid != member.host_uid:
            raise Failed(f"{view.grant.host_uid} has the grant.", "It ends first.")
        if view.grant is None:
            leader.set_grant(context, api, leader.new_grant(context, member.host_uid, grants.REMOVE))
        if etcd.leader() == target.id:
            self._move_leader(context, member, target.id)
        etcd.remove(target.id)
        context.host.report(f"removed {member.node_name} from etcd: {verdict.reason}")
        self._end(context, api, member)

    def _move_leader(self, context: Context, member: Member, target: int) -> None:
        """Let this host's member lead: the leader has to be asked; without its answer, etcd elects one anyway."""
        own = Etcd(context.host).me()
        try:
            Etcd(context.host, member.address).move_leader(own)
            context.host.report("the leader of etcd was moved to this host")
        except Failed as error:
            context.host.report(f"the leader of etcd was not moved: {error.message}")

    def _end(self, context: Context, api: Api, member: Member) -> None:
        view = leader.read(context, api)
        if view.grant is not None and view.grant.host_uid == member.host_uid:
            leader.set_grant(context, api, None)


class RemoveNode(Duty):
    """Deletes the Node, the token and the record of a member that has left."""

    name = "remove-node"
    limit = 120.0

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        api, uid = admin(context.host), context.argument
        name = context.node or about(context).node_name
        if uid:
            tokens.withdraw(context, api, uid)
            leader.note_joined(api, lambda known: _drop(known, uid))
        api.delete(f"/api/v1/nodes/{name}")
        if context.k3s:  # with it, a host that comes back with this name and a new disk would be refused
            api.delete(f"/api/v1/namespaces/kube-system/secrets/{name}.node-password.k3s")
        context.host.report(f"removed the node {name}")


def _drop(known: Dict[str, int], uid: str) -> None:
    for name in [name for name in known if uid in (name, label_value(name))]:
        del known[name]


def about(context: Context) -> Member:
    """Return the member that a duty is about. Raises `NotFound`."""
    member = context.document.member(context.argument)
    if member is None:
        raise NotFound(f"The cluster has no member {context.argument!r}.", "Look at its document.")
    return member
