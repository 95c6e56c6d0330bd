"""The verbs that ask a host for work: its checks before it joins a cluster, a reboot, and what an operator decides."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class HostPreflight(Command):
    """Check whether a host is ready for Kubernetes: all failures at once, each with what to do. Changes nothing."""

    name = "host preflight"
    implementation = "host.operations"
    needs = ("CanListHosts", "CanOperateHosts")
    title = "preflight"
    keys = ("K",)
    scope = "hosts"
    also = ("host",)
    target = Target("host", 1, 1)
    opens = "preflight"
    role = "operator"


class HostReboot(Command):
    """Reboot hosts, each once; a host reports its result when its agent runs again."""

    name = "host reboot"
    implementation = "host.operations"
    needs = ("CanListHosts", "CanOperateHosts")
    title = "reboot"
    keys = ("B",)
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host")


class HostRetry(Command):
    """Start steps of hosts again that failed or wait for an operator."""

    name = "host retry"
    implementation = "host.decisions"
    needs = ("CanListHosts", "CanOperateHosts")
    title = "retry"
    keys = ("r",)
    scope = "hosts"
    also = ("host",)
    danger = "write"
    target = Target("host")
    params = (Param("step", "only this step (default: all that wait)", flag="--step", metavar="STEP"),)


class HostAccept(Command):
    """Accept the document of a restored plane that waits on a host, in place of the one that it has."""

    name = "host accept"
    implementation = "host.decisions"
    needs = ("CanListHosts", "CanOperateHosts")
    title = "accept document"
    no_key = "It is needed after a plane was restored only; type :host accept."
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host", 1, 1)
    params = (
        Param("document", "uid of the document (default: the only one that waits)", flag="--document", metavar="UID"),
    )


COMMANDS: tuple[type[Command], ...] = (HostPreflight, HostReboot, HostRetry, HostAccept)
