"""Verbs of the console on objects of a cluster: delete, logs, shell, cordon, drain, apply a file."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Danger, Param, Target

ANY, NODES = "workloads", "nodes"


class _OnObjects(Command):
    """What changes objects of a cluster; the screen gives them as arguments: `kind`, `objects`, and the open API."""

    role = "operator"
    needs = ("CanCall", "CanRelay")
    uses = ("CanListProjects",)
    scope = ANY
    target = Target("cluster", 1, 1)
    cli = False
    danger: ClassVar[Danger] = "write"


class KubeObjectDelete(_OnObjects):
    """Delete the marked objects, or the one under the cursor; the plan names what comes again and what does not."""

    name = "kube object delete"
    implementation = "kube.objects"
    title = "delete"
    keys = ("ctrl+d",)
    danger = "destructive"
    no_cli = "The command line has kube delete."


class KubeNodeCordon(_OnObjects):
    """Let no new pod start on the marked nodes, or the one under the cursor."""

    name = "kube node cordon"
    implementation = "kube.objects"
    title = "cordon"
    keys = ("c",)
    scope = NODES
    no_cli = "The command line has kube cordon."


class KubeNodeUncordon(_OnObjects):
    """Let pods start on nodes again."""

    name = "kube node uncordon"
    implementation = "kube.objects"
    title = "uncordon"
    keys = ("u",)
    scope = NODES
    no_cli = "The command line has kube uncordon."


class KubeNodeDrain(_OnObjects):
    """Cordon a node and evict its pods; what stays, what blocks (pod, budget) and what is lost is in the plan."""

    name = "kube node drain"
    implementation = "kube.draining"
    title = "drain"
    keys = ("r",)
    scope = NODES
    danger = "destructive"
    no_cli = "The command line has kube drain."


class KubeManifest(_OnObjects):
    """Apply a file on the server's side; the plan shows the difference that the server finds. Needs kubectl."""

    name = "kube manifest"
    implementation = "kube.manifest"
    title = "apply a file"
    keys = ("plus",)
    also = (NODES,)
    asks = "Apply a file to {what}"
    params = (Param("file", "manifest in YAML or JSON", required=True, metavar="FILE"),)
    no_cli = "The command line has kube apply."


class KubePodLogs(Command):
    """Follow the logs of the marked pods, or of the pods of what is under the cursor, merged by time."""

    name = "kube pod logs"
    title = "logs"
    keys = ("l",)
    scope = ANY
    online = False
    action = "pod_logs"
    cli = False
    no_cli = "The command line has kube logs."


class KubePodShell(Command):
    """Open a shell in the pod under the cursor, in this terminal. Needs kubectl."""

    name = "kube pod shell"
    implementation = "kube.shell"
    title = "shell"
    keys = ("s",)
    scope = ANY
    role = "operator"
    needs = ("CanCall", "CanRelay")
    danger = "write"
    action = "pod_shell"
    cli = False
    no_cli = "The command line has kube exec."


COMMANDS: tuple[type[Command], ...] = (
    KubeObjectDelete,
    KubePodLogs,
    KubePodShell,
    KubeManifest,
    KubeNodeCordon,
    KubeNodeUncordon,
    KubeNodeDrain,
)
