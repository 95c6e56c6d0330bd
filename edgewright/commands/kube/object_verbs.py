"""Verbs of the console on objects of a cluster: delete, edit, scale, restart, logs, shell, ports, nodes, a file."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Danger, Param, Target

ANY, DEPLOYMENTS, NODES = "workloads", "deployments", "nodes"
"""Scopes: lists of pods, services and others; of what has pods by a template; of nodes."""
_CONSOLE = "The console asks for what is missing; the command line has {}."


class _OnObjects(Command):
    """What changes objects of a cluster; the screen gives them as arguments: `kind`, `objects`, and the open API."""

    role = "operator"
    needs = ("CanCall", "CanRelay")
    uses = ("CanListProjects",)
    scope = ANY
    target = Target("cluster", 1, 1)
    over_ssh = True
    on_rows = (1, 0)
    cli = False
    danger: ClassVar[Danger] = "write"


class KubeObjectDelete(_OnObjects):
    """Delete the marked objects, or the one under the cursor; the plan names what comes again and what does not."""

    name = "kube object delete"
    implementation = "kube.objects"
    title = "delete"
    keys = ("ctrl+d",)
    also = (DEPLOYMENTS,)
    danger = "destructive"
    no_cli = "The command line has kube delete."


class KubeObjectEdit(_OnObjects):
    """Edit the object under the cursor in $EDITOR; the plan has the difference that the server finds."""

    name = "kube object edit"
    implementation = "kube.changes.editing"
    title = "edit"
    keys = ("e",)
    also = (DEPLOYMENTS, NODES)
    action = "edit_object"
    on_rows = (1, 1)
    no_cli = "kubectl edit does so through kube proxy."


class KubeObjectScale(_OnObjects):
    """Set how many pods a deployment or a stateful set has; an autoscaler that sets it again is in the plan."""

    name = "kube object scale"
    implementation = "kube.changes.scaling"
    title = "scale"
    keys = ("s",)
    scope = DEPLOYMENTS
    action = "scale_object"
    no_cli = _CONSOLE.format("kube scale")


class KubeObjectRestart(_OnObjects):
    """Replace the pods of the marked deployments or sets, or of the one under the cursor, as their strategy has it."""

    name = "kube object restart"
    implementation = "kube.changes.scaling"
    title = "restart"
    keys = ("r",)
    scope = DEPLOYMENTS
    no_cli = "The command line has kube restart."


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
    also = (DEPLOYMENTS, NODES)
    asks = "Apply a file to {what}"
    on_rows = (0, 0)
    params = (Param("file", "manifest in YAML or JSON", required=True, metavar="FILE"),)
    no_cli = "The command line has kube apply."


class _PodLog(Command):
    """A log of pods; the screen opens it."""

    scope = ANY
    also = (DEPLOYMENTS,)
    on_rows = (1, 0)
    online = False
    cli = False


class KubePodLogs(_PodLog):
    """Follow the logs of the marked pods, or of the pods of what is under the cursor, merged by time."""

    name = "kube pod logs"
    title = "logs"
    keys = ("l",)
    action = "pod_logs"
    no_cli = "The command line has kube logs."


class KubePodPrevious(_PodLog):
    """Show the logs of the former containers: what a container printed before its last restart."""

    name = "kube pod previous"
    title = "former log"
    keys = ("p",)
    action = "pod_previous"
    no_cli = "The command line has kube logs --previous."


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
    on_rows = (1, 1)
    cli = False
    no_cli = "The command line has kube exec."


class KubePodForward(_OnObjects):
    """Lead a port of 127.0.0.1 to a port of the pod, deployment or service under the cursor. Needs kubectl."""

    name = "kube pod forward"
    implementation = "kube.changes.forwarding"
    title = "port-forward"
    keys = ("F",)
    also = (DEPLOYMENTS,)
    action = "port_forward"
    on_rows = (1, 1)
    no_cli = _CONSOLE.format("kube port-forward")


class KubeForwards(Command):
    """Show the ports of this machine that lead into clusters, and end one; all end with the console."""

    name = "kube forwards"
    title = "forwards"
    keys = ("f",)
    aliases = ("forwards", "pf")
    scope = ANY
    also = (DEPLOYMENTS,)
    online = False
    action = "port_forwards"
    cli = False
    no_cli = "A kube port-forward of the command line ends with Ctrl-C."


COMMANDS: tuple[type[Command], ...] = (
    KubeObjectDelete,
    KubeObjectEdit,
    KubeObjectScale,
    KubeObjectRestart,
    KubePodLogs,
    KubePodPrevious,
    KubePodShell,
    KubePodForward,
    KubeForwards,
    KubeManifest,
    KubeNodeCordon,
    KubeNodeUncordon,
    KubeNodeDrain,
)
