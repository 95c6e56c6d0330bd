"""Verbs about clusters: list, show, make, plan, apply, delete, kubeconfig, certificates, what an operator decides."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by


class ClusterList(ListVerb):
    """List clusters, those that were deleted in the last 72 hours last."""

    name = "cluster list"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "clusters"
    no_key = "Type :clusters."
    aliases = ("clusters",)
    params = filtered_by("state:running text")
    opens = "clusters"


class ClusterShow(ShowVerb):
    """Show one cluster: hosts with their progress, profiles, conditions."""

    name = "cluster show"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    scope = "clusters"
    target = Target("cluster", 1, 1)
    over_ssh = True
    opens = "cluster"


class ClusterNew(Command):
    """Make a cluster: profile, network, hosts, preflight and settings; nothing is created before you confirm it."""

    name = "cluster new"
    needs = ("CanCall",)
    title = "new"
    keys = ("plus",)
    scope = "clusters"
    opens = "cluster-new"
    cli = False
    no_cli = "The command line has cluster create and apply -f with an answer file."


class ClusterCreate(Command):
    """Create a cluster from an answer file; --plan checks it with the plane and changes nothing.

    `edgewright apply --example Cluster` prints a commented file. `edgewright apply -f FILE` creates the cluster too, or
    changes one that exists to what the file has.
    """

    name = "cluster create"
    role = "admin"
    implementation = "cluster.actions"
    needs = ("CanCall", "CanListHosts")
    uses = ("CanListProjects",)
    title = "create from a file"
    keys = ("i",)
    scope = "clusters"
    danger = "write"
    asks = "Create a cluster"
    params = (Param("file", "answer file of kind Cluster", required=True, metavar="FILE"),)


_FILE = Param("file", "answer file of kind Cluster", required=True, metavar="FILE")


class ClusterPlan(Command):
    """Show what `cluster apply` of an answer file would do: checked by the plane, nothing is changed."""

    name = "cluster plan"
    implementation = "cluster.actions"
    needs = ("CanCall", "CanListHosts")
    uses = ("CanListProjects",)
    title = "plan"
    scope = "clusters"
    console = False
    params = (_FILE,)


class ClusterApply(Command):
    """Create the cluster of an answer file, or change it to what the file has: pools, profiles, settings."""

    name = "cluster apply"
    role = "admin"
    implementation = "cluster.actions"
    needs = ("CanCall", "CanListHosts")
    uses = ("CanListProjects",)
    title = "apply"
    scope = "clusters"
    console = False
    danger = "write"
    params = (_FILE,)


class ClusterAdopt(Command):
    """Take over a cluster that this plane does not know, or the document that its hosts have of a known one."""

    name = "cluster adopt"
    role = "admin"
    implementation = "cluster.decisions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "adopt"
    scope = "clusters"
    console = False
    danger = "destructive"
    target = Target("cluster", 1, 1)
    params = (Param("host", "UID of the control plane whose document is taken", flag="--host", metavar="HOST"),)


class ClusterOverride(Command):
    """Let hosts that have another document of a cluster take that of this plane."""

    name = "cluster override"
    role = "admin"
    implementation = "cluster.decisions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "override"
    scope = "clusters"
    console = False
    danger = "destructive"
    target = Target("cluster", 1, 1)


class ClusterDelete(Command):
    """Delete clusters: workloads end, hosts leave and are free; data of local volumes stays on their disks, unused."""

    name = "cluster delete"
    role = "admin"
    implementation = "cluster.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "delete"
    keys = ("ctrl+d",)
    scope = "clusters"
    danger = "destructive"
    target = Target("cluster")
    params = (
        Param(
            "force", "end a deletion that has lasted 15 minutes without the hosts that did not leave", flag="--force",
            kind="flag",
        ),
    )  # fmt: skip


class ClusterRetry(Command):
    """Start the steps of a cluster again that failed: on the hosts where one waits for an operator."""

    name = "cluster retry"
    implementation = "cluster.actions"
    needs = ("CanCall", "CanOperateHosts")
    uses = ("CanListProjects",)
    title = "retry"
    keys = ("r",)
    scope = "clusters"
    danger = "write"
    target = Target("cluster")


class ClusterLogs(Command):
    """Read a log of a node: of its kubelet, container runtime, keepalived, reconciler or agent, whatever its health."""

    name = "cluster logs"
    needs = ("CanReadLogs",)
    title = "node logs"
    keys = ("l",)
    scope = "clusters"
    role = "operator"
    action = "node_logs"
    on_rows = (1, 0)
    cli = False
    no_cli = "The command line has: edgewright host logs HOST --unit UNIT."


class ClusterRelease(Command):
    """Release a host from its cluster: it is drained, leaves, and is free for another one."""

    name = "cluster release"
    role = "admin"
    implementation = "cluster.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "release"
    keys = ("R",)
    asks = "Release a host from {what}"
    scope = "clusters"
    danger = "destructive"
    target = Target("cluster", 1, 1)
    params = (Param("host", "name or UID of the host", flag="--host", required=True, metavar="HOST"),)


class ClusterForget(Command):
    """Declare a host of a cluster lost: it never returns, and the other hosts remove it without it."""

    name = "cluster forget"
    role = "admin"
    implementation = "cluster.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "forget"
    keys = ("X",)
    asks = "Forget a lost host of {what}"
    scope = "clusters"
    danger = "destructive"
    target = Target("cluster", 1, 1)
    params = (Param("host", "name or UID of the host", flag="--host", required=True, metavar="HOST"),)


class ClusterKubeconfig(Command):
    """Print your own kubeconfig of a cluster, valid for 24 hours, or write it to a file that only you can read.

    It has the rights of your role: viewers read all but Secrets, operators change workloads, admins everything. The
    key is made here; a control plane signs for it, so one has to be in contact with the plane. The plane records it.
    """

    name = "cluster kubeconfig"
    implementation = "cluster.kubeconfig"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "kubeconfig"
    keys = ("K",)
    asks = "Kubeconfig of {what}"
    scope = "clusters"
    target = Target("cluster", 1, 1)
    params = (
        Param(
            "role", "rights of a lower role than yours", flag="--role", choices=("viewer", "operator", "admin"),
            metavar="ROLE",
        ),
        Param("admin", "the stored file of admins (30 days), for admins", flag="--admin", kind="flag"),
        Param(
            "stored", "the stored file of operators (30 days): needs no host in contact", flag="--stored", kind="flag",
        ),
        Param(
            "out", "write it to a file in place of printing it", flag="--out", metavar="FILE",
            form="file to write, readable by you alone; empty: show it",
        ),
        Param(
            "merge", "add it to the file that kubectl uses (KUBECONFIG or ~/.kube/config)", flag="--merge", kind="flag",
            form="add it to the file that kubectl uses",
        ),
    )  # fmt: skip


class ClusterCertificates(Command):
    """List the certificates of a cluster's nodes with their ends."""

    name = "cluster certificates"
    implementation = "cluster.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "certificates"
    keys = ("E",)
    scope = "clusters"
    target = Target("cluster", 1, 1)


COMMANDS: tuple[type[Command], ...] = (
    ClusterList,
    ClusterShow,
    ClusterNew,
    ClusterCreate,
    ClusterPlan,
    ClusterApply,
    ClusterAdopt,
    ClusterOverride,
    ClusterDelete,
    ClusterRetry,
    ClusterLogs,
    ClusterRelease,
    ClusterForget,
    ClusterKubeconfig,
    ClusterCertificates,
)
