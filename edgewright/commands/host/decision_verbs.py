"""The verbs by which an operator decides about the work of a host: a step starts again, a document is accepted."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


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


COMMANDS: tuple[type[Command], ...] = (HostRetry, HostAccept)
