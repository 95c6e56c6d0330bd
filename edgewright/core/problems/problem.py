"""What a problem is, and which of two is worse."""

from __future__ import annotations

from typing import Iterable, List, NamedTuple, Optional, Tuple

PLANE, SILENT, DISK, CERTIFICATE, CLOCK, REST = range(6)
"""Harm, worst first: plane or cluster down, host silent, disk full, certificate ends, clock wrong, everything else."""

CLUSTER = "cluster/"
"""What begins the key of a cluster's problem."""

ATTENTION, UNHEALTHY, WARNING = "attention", "unhealthy", "warning"
"""Sections: an operator must decide, a host is unhealthy, a host will be unhealthy if nothing is done."""

OWNERS: Tuple[str, ...] = ("host", "plane", "operator")
"""Owner classes: where the problem is solved. Who works on it is the assignee, a name in the handling record."""

DISK_FULL = 95.0
"""Percent used of a file system from which it is a problem: a kubelet evicts pods from there."""


class Problem(NamedTuple):
    """One problem, of one host or of many with the same cause.

    `key` is the same for as long as the problem lasts and differs for another cause; handling records (acknowledged,
    assigned, silenced) are stored under it. `harm` is a rank, 0 is worst. `since` is epoch seconds. `next_step` is one
    sentence; `action` is the name of the command that helps with it (`host logs`) and `argument` its argument: a unit,
    a filter or a uid. `uids` are the hosts behind it, `target` the view and the uid or filter to open.
    """

    key: str
    kind: str
    harm: int
    subject: str
    text: str
    since: Optional[float]
    owner: str
    uids: Tuple[str, ...] = ()
    next_step: str = ""
    action: str = ""
    argument: str = ""
    section: str = UNHEALTHY
    target: Tuple[str, str] = ("", "")


def ranked(problems: Iterable[Problem]) -> List[Problem]:
    """Return problems worst first: by harm, then the plane, clusters and hosts in this order, then by hosts and age.

    Those with more hosts are before those with fewer, and older ones before newer; unknown ages are last.
    """
    return sorted(
        problems,
        key=lambda problem: (
            problem.harm,
            0 if problem.kind == "plane" else 1 if problem.key.startswith(CLUSTER) else 2,
            -len(problem.uids),
            problem.since if problem.since is not None else float("inf"),
            problem.key,
        ),
    )


def owner_of(who: str) -> str:
    """Return the owner class for a plane's `who`; `person` (older hubs), `nobody` and unknown ones are operators."""
    return who if who in OWNERS else "operator"
