"""Steps `vip` and `keepalived`: the address during the formation, and afterwards the service that moves it."""

from __future__ import annotations

from typing import Dict

from edgewright.agent.clusters import ledger as ledgers
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.kube.init import may_not
from edgewright.agent.clusters.vip import arp, check, configuration, notify
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import among
from edgewright.core.errors import Failed, Refused

ARP_SECONDS = 0.9
"""The planner has asked right before, and the preflight for longer."""


class Vip(StepKind):
    """Sets the VIP on the host that forms the cluster, without a check: `kubeadm init` itself calls the endpoint."""

    name = "vip"
    limit = 30.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        if has_vip(context):
            return Seen.DONE, f"{context.document.endpoint.host} is on this host"
        return Seen.NOT_DONE, f"{context.document.endpoint.host} is not on this host"

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`."""
        return may_not(context)

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        address, nic = context.document.endpoint.host, context.nic
        if not nic:
            raise Failed(f"No interface has the address {context.me.address}.", "Check the network of this host.")
        others = arp.probe(context.host, nic, address, ARP_SECONDS)
        if others:
            raise Refused(f"The VIP {address} is in use by {', '.join(others)}.", "Choose a free address.", "VipInUse")
        bits = 128 if ":" in address else 32
        context.ledger.note(ledgers.ADDRESS, f"{address}/{bits}", nic)
        context.host.must(["ip", "address", "replace", f"{address}/{bits}", "dev", nic])
        if ":" not in address:
            arp.announce(context.host, nic, address)


class Keepalived(StepKind):
    """Runs keepalived with the present control planes; a change of the members is a reload, not a restart."""

    name = "keepalived"
    limit = 120.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        for name, text in files(context).items():
            if context.host.data(f"/run/{name}") != text.encode():
                return Seen.NOT_DONE, f"/run/{name} is not as wanted"
        if context.host.data(check.PROGRAM) != check.SCRIPT.encode():
            return Seen.NOT_DONE, "the check of the VIP is not as wanted"
        if context.host.data(notify.PROGRAM) != notify.script(context.data).encode():
            return Seen.NOT_DONE, "the program for a VIP that moved is not as wanted"
        if context.host.run(["systemctl", "is-active", "--quiet", paths.KEEPALIVED_UNIT]).code != 0:
            return Seen.NOT_DONE, "keepalived does not run"
        return Seen.DONE, "keepalived runs with all control planes as peers"

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        context.ledger.note(ledgers.UNIT, paths.KEEPALIVED_UNIT)
        bits = 128 if ":" in context.document.endpoint.host else 32
        context.ledger.note(ledgers.ADDRESS, f"{context.document.endpoint.host}/{bits}", context.nic)
        for name, text in files(context).items():
            host.write(f"{paths.BOOT}/{name}", text.encode())
            host.write(f"/run/{name}", text.encode(), durable=False)
        host.write(check.PROGRAM, check.SCRIPT.encode(), 0o755)
        host.write(notify.PROGRAM, notify.script(context.data).encode(), 0o755)
        host.must(["systemctl", "daemon-reload"])
        running = host.run(["systemctl", "is-active", "--quiet", paths.KEEPALIVED_UNIT]).code == 0
        if running:
            host.must(["systemctl", "kill", "--signal=HUP", "--kill-whom=main", paths.KEEPALIVED_UNIT])
        else:
            host.must(["systemctl", "start", paths.KEEPALIVED_UNIT])


def files(context: Context) -> Dict[str, str]:
    """Return the files of keepalived below /run by name."""
    return {
        f"{paths.UNITS}/{paths.KEEPALIVED_UNIT}"[len("/run/") :]: configuration.unit(),
        f"{paths.KEEPALIVED}/keepalived.conf"[len("/run/") :]: configuration.keepalived(
            context.document, context.me, context.nic
        ),
        check.PEERS[len("/run/") :]: check.peers(context.document, context.me),
    }


def has_vip(context: Context) -> bool:
    """Return whether this host has the VIP on one of its interfaces."""
    output = context.host.run(["ip", "-o", "address", "show"]).output
    address = context.document.endpoint.host
    return among(address, (line.split()[3] for line in output.splitlines() if len(line.split()) > 3))
