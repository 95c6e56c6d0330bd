"""Problems: what is wrong in a fleet, how bad it is, who owns it and what to do next.

Pure rules, used by the hub (alerts), the command line and the console alike. The caller turns what it knows of hosts,
alerts, tokens and certificates into the plain tuples of this package and gets `Problem`s, worst first.
"""

from edgewright.core.problems.causes import Cause, causes_of
from edgewright.core.problems.clusters import ClusterState, cluster_problem
from edgewright.core.problems.hosts import GROUP_FROM, HostState, host_problems
from edgewright.core.problems.plane import (
    AlertState,
    alert_key,
    alert_problem,
    approval_problem,
    certificate_name,
    certificate_problem,
    token_problem,
)
from edgewright.core.problems.problem import (
    ATTENTION,
    CERTIFICATE,
    CLOCK,
    DISK,
    DISK_FULL,
    OWNERS,
    PLANE,
    REST,
    SILENT,
    UNHEALTHY,
    WARNING,
    Problem,
    owner_of,
    ranked,
)

__all__ = [
    "ATTENTION",
    "CERTIFICATE",
    "CLOCK",
    "DISK",
    "DISK_FULL",
    "GROUP_FROM",
    "OWNERS",
    "PLANE",
    "REST",
    "SILENT",
    "UNHEALTHY",
    "WARNING",
    "AlertState",
    "Cause",
    "ClusterState",
    "HostState",
    "Problem",
    "alert_key",
    "alert_problem",
    "approval_problem",
    "causes_of",
    "certificate_name",
    "certificate_problem",
    "cluster_problem",
    "host_problems",
    "owner_of",
    "ranked",
    "token_problem",
]
