"""The arguments of the verbs that the agent's own units run; one that only reports loads nothing else of clusters."""

from __future__ import annotations

from typing import Any

CLUSTER_VERBS = ("cluster-step", "images-server", "peer-server")


def add_cluster_parsers(verbs: Any, epilog: str) -> None:
    """Add `cluster-step`, `images-server` and `peer-server` to the agent's command line."""
    step = verbs.add_parser("cluster-step", help="do the work of one step of a cluster (units run this)", epilog=epilog)
    step.add_argument("step", metavar="STEP")
    step.add_argument("uid", metavar="UID", help="the cluster")
    step.add_argument(
        "--data", default="/var/lib/edgewright", metavar="DIR", help="the agent's own folder (%(default)s)"
    )
    step.add_argument("--host", default="", metavar="UID", help="this host")
    step.add_argument("--argument", default="", metavar="TEXT", help="a member, a layer or a release")
    step.add_argument("--node", default="", metavar="NAME", help="the Node of that member")
    images = verbs.add_parser("images-server", help="serve images to this host's container runtime", epilog=epilog)
    images.add_argument("--port", type=int, default=5081, metavar="PORT")
    peer = verbs.add_parser("peer-server", help="answer the other members of a cluster", epilog=epilog)
    peer.add_argument("uid", metavar="UID", help="the cluster")
    peer.add_argument(
        "--data", default="/var/lib/edgewright", metavar="DIR", help="the agent's own folder (%(default)s)"
    )
