"""Step `etcd-space`: the member of this host gets room again after etcd raised the alarm NOSPACE for it.

With that alarm no value is stored in the cluster, the Lease of the leader included: each control plane does this
for its own member, one after the other, because a member serves nothing while it is defragmented.
"""

from __future__ import annotations

from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube.etcd import Etcd
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters.quorum import NOSPACE
from edgewright.core.errors import Failed

ROOM = 0.9
"""Part of the quota that the database may have for the alarm to be ended."""


class EtcdSpace(StepKind):
    """Removes history, defragments, and ends the alarm when that has made room."""

    name = "etcd-space"
    limit = 600.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        etcd = Etcd(context.host)
        if NOSPACE in etcd.alarms().get(etcd.me(), []):
            return Seen.NOT_DONE, "etcd has the alarm NOSPACE"
        return Seen.DONE, "etcd has no such alarm"

    def act(self, context: Context) -> None:
        """See `StepKind.act`. Raises `Failed` when what is in use leaves no room."""
        etcd, host = Etcd(context.host), context.host
        before = etcd.size()
        etcd.compact(before.revision)
        etcd.defragment()
        after = etcd.size()
        host.report(
            f"etcd: {before.stored / 1e6:.0f} MB before, {after.stored / 1e6:.0f} of {after.quota / 1e6:.0f} MB now"
        )
        if after.stored > ROOM * after.quota:
            raise Failed(
                f"The objects of the cluster need {after.used / 1e6:,.0f} MB of the {after.quota / 1e6:,.0f} MB that "
                "etcd may have.",
                "Delete objects that are not needed (deleting works), or raise quota-backend-bytes of etcd.",
                "EtcdFull",
            )
        etcd.end_alarm(etcd.me(), NOSPACE)
        host.report("the alarm of etcd is ended")
