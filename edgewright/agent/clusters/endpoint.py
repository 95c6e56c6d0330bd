"""Who answers at the address of the API. Asking takes up to two seconds, so it is asked where a step depends on it."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.init import answers
from edgewright.agent.clusters.vip import arp
from edgewright.core.errors import EdgewrightError

ARP_SECONDS = 0.6
MACS_SELDOM = 30.0
"""Seconds for which the answers of ARP count where no step depends on them."""


class Look(NamedTuple):
    """What was seen of the endpoint: `None` where it was not asked, or cannot be. `macs` are of other machines."""

    answering: Optional[bool] = None
    macs: Optional[List[str]] = None


class Endpoint:
    """The endpoints of this host's clusters, with the answers of ARP that still count."""

    def __init__(self) -> None:
        self._macs: Dict[str, Tuple[float, Optional[List[str]]]] = {}

    def look(self, context: Context, forms: bool, here: Optional[bool]) -> Look:
        """Return who answers now.

        `forms`: this host may be about to form the cluster, so no other machine may have the VIP. `here`: it has it.
        """
        host, endpoint = context.host, context.document.endpoint
        macs = None
        if context.has_vip and context.control_plane:
            at, macs = self._macs.get(context.document.uid) or (-MACS_SELDOM, None)
            if forms or host.uptime() - at >= MACS_SELDOM:
                macs = _macs(context)
                self._macs[context.document.uid] = (host.uptime(), macs)
                if here is False and macs == []:
                    return Look(False, macs)  # where no machine has the address, none accepts connections
        return Look(answers(endpoint.host, endpoint.port), macs)


def _macs(context: Context) -> Optional[List[str]]:
    try:
        return arp.probe(context.host, context.nic, context.document.endpoint.host, ARP_SECONDS)
    except EdgewrightError:
        return None
