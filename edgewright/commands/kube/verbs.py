"""Verbs about what runs in clusters: proxy, reach, and kubectl's own over the same route."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Param, Target

_ADMIN = Param("admin", "with the rights of an admin; the plane records it", flag="--admin", kind="flag")
_RELAY = Param("relay", "through the plane, without a look for a direct route", flag="--relay", kind="flag")
_SSH = Param("ssh", "through this member of the cluster, where no direct route is", flag="--ssh", metavar="USER@HOST")
_ARGUMENTS = Param("arguments", "arguments of kubectl; its options after --", many=True, metavar="ARGUMENT")


class _Kube(Command):
    """What all have in common."""

    role = "operator"
    needs = ("CanCall", "CanRelay")
    uses = ("CanListProjects",)
    scope = "clusters"
    console = False
    shows_progress = True
    target = Target("cluster", 1, 1)
    over_ssh = True


class KubeProxy(_Kube):
    """Open a local port to a cluster's API for kubectl, k9s and helm, until Ctrl-C.

    The direct route is used where there is one, else SSH through a member (--ssh, or a control plane of your SSH
    configuration), else the relay: a host of the cluster brings the stream to the plane. TLS runs end to end. A
    kubeconfig for the port is written and removed at the end.
    """

    name = "kube proxy"
    implementation = "kube.proxy"
    title = "proxy"
    params = (
        Param("port", "local port (default: a free one)", flag="--port", kind="int", metavar="N"),
        Param("kubeconfig", "write the kubeconfig there", flag="--kubeconfig", metavar="FILE"),
        _ADMIN,
        _SSH,
        _RELAY,
    )


class KubeReach(_Kube):
    """Measure how a cluster's API is reached from here: direct, by SSH, through the relay."""

    name = "kube reach"
    implementation = "kube.reach"
    title = "reach"
    params = (_SSH,)


class KubeAsk(_Kube):
    """Ask a service of an application of a cluster through its API: whether one answers, how fast, by which way."""

    name = "kube ask"
    implementation = "kube.asking"
    title = "ask an application"


class _Kubectl(_Kube):
    """A verb of kubectl, which must be on PATH."""

    implementation = "kube.kubectl"
    params: ClassVar[tuple[Param, ...]] = (_ARGUMENTS, _ADMIN, _SSH, _RELAY)


class KubeGet(_Kubectl):
    """Show objects of a cluster: kube get CLUSTER pods -- -A -o wide. Without a plane: kube get ssh:HOST pods."""

    name = "kube get"
    quick = "kube.plain.quick"
    title = "get"


class KubeDescribe(_Kubectl):
    """Describe objects of a cluster: kube describe CLUSTER node edge-1."""

    name = "kube describe"
    title = "describe"


class KubeLogs(_Kubectl):
    """Show logs of pods: kube logs CLUSTER deploy/shop -- -n shop -f."""

    name = "kube logs"
    title = "logs"
    params = (
        _ARGUMENTS,
        Param("previous", "of the container before its last restart", flag="--previous", kind="flag"),
        *_Kubectl.params[1:],
    )


class KubeExec(_Kubectl):
    """Run a program in a pod: kube exec CLUSTER -- -it -n shop shop-0 -- sh."""

    name = "kube exec"
    title = "exec"
    danger = "write"


class KubeApply(_Kubectl):
    """Apply manifests on the server's side; --plan shows the difference: kube apply CLUSTER -- -f shop.yaml."""

    name = "kube apply"
    title = "apply"
    danger = "write"


class KubeScale(_Kubectl):
    """Set how many pods something has: kube scale CLUSTER deployment/web --replicas 3 -- -n shop."""

    name = "kube scale"
    title = "scale"
    danger = "write"
    params = (
        _ARGUMENTS,
        Param("replicas", "how many pods", flag="--replicas", required=True, kind="int", metavar="N"),
        *_Kubectl.params[1:],
    )


class KubeRestart(_Kubectl):
    """Replace the pods of something by new ones: kube restart CLUSTER deployment/web -- -n shop."""

    name = "kube restart"
    title = "restart"
    danger = "write"


class KubePortForward(_Kubectl):
    """Lead a port of 127.0.0.1 to a pod until Ctrl-C: kube port-forward CLUSTER svc/web 8080:80 -- -n shop."""

    name = "kube port-forward"
    title = "port-forward"
    danger = "write"


class KubeCordon(_Kubectl):
    """Let no new pod start on a node: kube cordon CLUSTER NODE."""

    name = "kube cordon"
    title = "cordon"
    danger = "write"


class KubeUncordon(_Kubectl):
    """Let pods start on a node again: kube uncordon CLUSTER NODE."""

    name = "kube uncordon"
    title = "uncordon"
    danger = "write"


class KubeDelete(_Kubectl):
    """Delete objects of a cluster: kube delete CLUSTER pod shop-0 -- -n shop."""

    name = "kube delete"
    title = "delete"
    danger = "destructive"


class KubeDrain(_Kubectl):
    """Move all pods off a node; what blocks it (pod, budget) is shown: kube drain CLUSTER NODE."""

    name = "kube drain"
    title = "drain"
    danger = "destructive"


COMMANDS: tuple[type[Command], ...] = (
    KubeProxy,
    KubeReach,
    KubeAsk,
    KubeGet,
    KubeDescribe,
    KubeLogs,
    KubeExec,
    KubeApply,
    KubeScale,
    KubeRestart,
    KubePortForward,
    KubeCordon,
    KubeUncordon,
    KubeDelete,
    KubeDrain,
)
