"""What a screen may measure by itself: the direct way to a cluster's API, without any credential.

A kubeconfig is fetched for what a user asks for, and each fetch is audited; a look at a screen is none. The CA that a
verb of this machine has used before is public, and proves that the answer is of the cluster.
"""

from __future__ import annotations

import asyncio
import ssl

from edgewright.commands.kube import ways
from edgewright.core import times
from edgewright.store.collections.catalogue import measured
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow

EVERY = 60.0
"""Seconds in which a result is not measured again, whichever screen or verb measured it."""
UNPROVEN = "the first use of the API proves whose it is"


async def look(row: ClusterRow) -> bool:
    """Measure the direct way in at most `DIRECT_WITHIN` seconds and store the result; returns whether it was due.

    Nothing is measured of a simulated cluster, and of one whose API does not serve yet.
    """
    if row.simulated or row.forms or not row.endpoint:
        return False
    before = (await asyncio.to_thread(measured.read)).get(row.uid, {}).get("direct")
    if before is not None and 0 <= times.now() - before.at < EVERY:
        return False
    authority = await asyncio.to_thread(measured.authority, row.uid)
    context = ways.trusting(authority) if authority else _asking_nothing()
    result = await ways.measure_direct(row.endpoint, ways.PORT, context)
    state, error = result.state, result.error
    if state == "yes" and not authority:
        state, error = "open", UNPROVEN
    await asyncio.to_thread(measured.note, row.uid, direct=(state, error))
    return True


def _asking_nothing() -> ssl.SSLContext:
    """Return a TLS context that takes any certificate: nothing is sent over it, and what answers counts as unproven."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
