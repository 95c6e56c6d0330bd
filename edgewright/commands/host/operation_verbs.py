"""The verbs that ask a host for work: its checks before it joins a cluster, and a reboot."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Target


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


COMMANDS: tuple[type[Command], ...] = (HostPreflight, HostReboot)
