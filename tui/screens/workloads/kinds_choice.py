"""What is chosen from on the lists of a cluster: the kind of objects, and the namespace."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.store.workloads.kinds import KINDS
from tui.widgets.lines import Line, line

ALL = "*"
"""Key of the line for all namespaces: no namespace has this name."""
_COMMANDS = {
    "pods": ":pods", "deployments": ":deploy", "statefulsets": ":sts", "daemonsets": ":ds", "services": ":svc",
    "nodes": ":nodes", "cluster-events": ":events", "machines": ":vm",
}  # fmt: skip


def kind_lines() -> list[Line]:
    """Return every kind with the command that opens it; a key is the view."""
    return [line((f"{kind.title:<14}", "strong"), (_COMMANDS[kind.view], "muted"), key=kind.view) for kind in KINDS]


def namespace_lines(names: Sequence[str]) -> list[Line]:
    """Return all namespaces with their digits."""
    every = [line(("0  ", "accent"), ("all", "strong"), key=ALL)]
    return every + [
        line((f"{number if number < 10 else ' '}  ", "accent"), (name, "strong"), key=name)
        for number, name in enumerate(names, 1)
    ]
