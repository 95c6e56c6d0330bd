"""keepalived reports that the VIP has moved: the reconciler looks at once, so that the plane sees two owners in time.

A control plane looks by itself every minute only, and a partition lets two hosts own the VIP for less than that.
"""

from __future__ import annotations

import os
import shlex

from edgewright.agent.clusters import paths
from edgewright.agent.reconcile import exchange

PROGRAM = paths.STATE + "/vip-moved"
"""On the disk, beside the check: /run may not allow programs."""


def script(data: str) -> str:
    """Return the program that keepalived runs at each change of its state; `data` is the data folder of the agent."""
    wake = os.path.join(exchange.folders(data)[exchange.REQUESTS], exchange.WAKE + ".json")
    head = "#!/bin/sh\n# Made by Edgewright: wakes the reconciler, which reports who has the VIP."
    return f"{head}\n: > {shlex.quote(wake)}\n"
