"""Which hosts a new cluster can have, and why another one cannot: the rules by which the plane refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.host.operations import Check
from edgewright.core.addresses import among
from edgewright.core.clusters.validate import HostFacts, host_problems
from edgewright.core.text import clean
from edgewright.store.collections.document_values import part, parts, text

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow


class Candidate(NamedTuple):
    """A host, and why a cluster cannot have it: a phrase that begins with its name, "" for one that is free."""

    row: HostRow
    reason: str = ""
    hint: str = ""

    @property
    def free(self) -> bool:
        """Whether a new cluster can have it."""
        return not self.reason


class Card(NamedTuple):
    """A network card that a host reports, with its main address."""

    name: str
    address: str


def facts_of(row: HostRow) -> HostFacts:
    """Return what the rules for hosts look at; as in the hub, a host that is not registered is unhealthy."""
    healthy = row.state != "unpaired" and row.health == "healthy"
    return HostFacts(row.name, healthy, row.observed, row.simulated, row.cluster)


def candidates(
    rows: Iterable[HostRow], project: str, projects: Mapping[str, str], simulated: bool | None
) -> list[Candidate]:
    """Return all hosts, free ones first, each by name.

    `project` is the uid of the project that the cluster is made in ("": not known). `simulated` is the kind of the
    hosts that were chosen; with None each host is judged by its own.
    """
    result = []
    for row in rows:
        kind = row.simulated if simulated is None else simulated
        problem = next(host_problems(facts_of(row), kind), None)
        if project and row.project_uid and row.project_uid != project:
            name = projects.get(row.project_uid, row.project_uid)
            result.append(Candidate(row, f"{row.name} is in the project {name}", "Make the cluster in that project."))
        elif problem is None:
            result.append(Candidate(row))
        else:
            reason = (
                f"{problem.message}: {row.reason}" if problem.code == "HostUnhealthy" and row.reason else problem[0]
            )
            result.append(Candidate(row, reason, problem.hint))
    return sorted(result, key=lambda item: (not item.free, item.row.name.casefold(), item.row.uid))


def cards_of(document: Mapping[str, Any]) -> list[Card]:
    """Return the network cards in the document of a host, the default one first as the host reports them."""
    nics = parts(part(part(document, "spec"), "device"), "nics")
    return [Card(text(nic, "nicName"), text(nic, "ip")) for nic in nics if text(nic, "nicName")]


def address_check(cards: Iterable[Card], address: str, nic: str) -> Check:
    """Check that what a cluster sets for a host is on it already: nothing changes addresses of hosts."""
    known = list(cards)
    listed = ", ".join(f"{card.name} {card.address or 'without an address'}" for card in known) or "no cards"
    if nic and all(card.name != nic for card in known):
        text_ = f"there is no network card {clean(nic, 40)}; the host reports {listed}"
        return Check("address", "failed", text_, "Name one of these.")
    own = [card for card in known if nic in ("", card.name)]
    if address and not among(address, (card.address for card in own)):
        text_ = f"{clean(address, 60)} is not on the host{f' at {nic}' if nic else ''}; it reports {listed}"
        return Check("address", "failed", text_, "Set it on the host first, or leave it empty.")
    shown = address or next((card.address for card in own if card.address), "")
    if not shown:
        return Check("address", "failed", f"the host reports no address ({listed})", "Give it one first.")
    return Check("address", "ok", shown, "")
