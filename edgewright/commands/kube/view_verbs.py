"""Verbs that show what runs in a cluster in the console: lists that follow its API, and one object of them."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Target

_NO_CLI = "The command line has kube get, kube describe and kube logs."


class _View(Command):
    """A list of objects of a cluster."""

    role = "operator"
    needs = ("CanCall", "CanRelay")
    scope = "clusters"
    target = Target("cluster", 1, 1)
    over_ssh = True
    cli = False
    no_cli = _NO_CLI
    no_key = "w opens the pods of a cluster, and chooses the kind there."


class KubePods(_View):
    """Show the pods of a cluster as they are now: :pods NAME, or of the cluster in front."""

    name = "kube pods"
    title = "workloads"
    keys = ("w",)
    aliases = ("pods", "pod", "po")
    opens = "pods"


class KubeDeployments(_View):
    """Show the deployments of a cluster."""

    name = "kube deployments"
    title = "deployments"
    aliases = ("deployments", "deployment", "deploy", "dp")
    opens = "deployments"


class KubeStatefulSets(_View):
    """Show the stateful sets of a cluster."""

    name = "kube statefulsets"
    title = "stateful sets"
    aliases = ("statefulsets", "statefulset", "sts")
    opens = "statefulsets"


class KubeDaemonSets(_View):
    """Show the daemon sets of a cluster."""

    name = "kube daemonsets"
    title = "daemon sets"
    aliases = ("daemonsets", "daemonset", "ds")
    opens = "daemonsets"


class KubeServices(_View):
    """Show the services of a cluster."""

    name = "kube services"
    title = "services"
    aliases = ("services", "service", "svc")
    opens = "services"


class KubeNodes(_View):
    """Show the nodes of a cluster with their pods and GPUs."""

    name = "kube nodes"
    title = "nodes"
    aliases = ("nodes", "node", "no")
    opens = "nodes"


class KubeEvents(_View):
    """Show the events of a cluster's API; :events does so on the screens of its workloads."""

    name = "kube events"
    title = "events"
    aliases = ("cluster-events",)
    here = (("events", ("workloads", "deployments", "nodes")),)
    opens = "cluster-events"


class KubeMachines(_View):
    """Show the virtual machines of a cluster, where KubeVirt is installed."""

    name = "kube machines"
    title = "machines"
    aliases = ("machines", "vm", "vms")
    opens = "machines"


class _Pointed(Command):
    """What concerns the object under the cursor; the screen does it."""

    online = False
    scope = "workloads"
    also: ClassVar[tuple[str, ...]] = ("deployments", "nodes")
    cli = False
    no_cli = _NO_CLI


class KubeObject(_Pointed):
    """Show everything about the object under the cursor, with its events."""

    name = "kube object"
    title = "describe"
    keys = ("d",)
    action = "describe"
    on_rows = (1, 0)


class KubeKinds(_Pointed):
    """Choose what is shown of the cluster: pods, deployments, sets, services, nodes, events, machines."""

    name = "kube kinds"
    title = "kinds"
    keys = ("w",)
    action = "kinds"


class KubeNamespaces(_Pointed):
    """Choose the namespace that is shown; the digits do so too."""

    name = "kube namespaces"
    title = "namespace"
    keys = ("n",)
    also = ("deployments",)
    action = "namespaces"


COMMANDS: tuple[type[Command], ...] = (
    KubePods,
    KubeDeployments,
    KubeStatefulSets,
    KubeDaemonSets,
    KubeServices,
    KubeNodes,
    KubeEvents,
    KubeMachines,
    KubeObject,
    KubeKinds,
    KubeNamespaces,
)
