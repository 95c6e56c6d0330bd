"""A host that is open by SSH on the screen of a host: what the probes and its own API know, with the age of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.commands.site.api.host_document import Known, document_of
from edgewright.commands.site.api.listed import health_of
from edgewright.commands.site.api.same import known_of
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.screens.host.content import HostFacts

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site  # which loads what SSH needs

MOST = 5
"""Further findings that are shown as sentences; Doctor has all."""


def site_facts(site: Site | None, target: str, now: float, others: Sequence[Site] = ()) -> HostFacts:
    """Return all that is known of the host of a site; its health is that of the last run of the probes.

    `others` lead to the same host: the newest answer counts.
    """
    if site is None:
        closed = f"{clean(target)} is not open any more. Open it: :site open {clean(target)}"
        return HostFacts(clean(target), "-", now, sources="Not connected.", error=closed)
    newest = max((site, *others), key=lambda each: each.read_at or 0.0)
    known, report = known_of((site, *others)), newest.report
    if known.facts is None and known.info is None:
        nothing = "Nothing was read from this host yet: Doctor reads it."
        return HostFacts(clean(site.name), "-", now, sources="Not read yet.", error=nothing)
    findings: Any = () if report is None else report["findings"]
    health, reason = health_of(report)
    doc = document_of(known)
    return HostFacts(
        name=clean(site.name),
        uid=clean(doc["metadata"]["uid"]) or "-",
        now=now,
        state=clean(doc["status"].get("state") or ""),
        health=health,
        reason=clean(reason, 400),
        also=tuple(clean(each["text"], 200) for each in findings[1 : 1 + MOST]),
        doc=doc,
        sources=sources(known, is_stale(site), now),
    )


def sources(known: Known, stale: bool, now: float) -> str:
    """Return where the values are from, and how old they are."""
    parts = []
    if known.read_at is not None:
        parts.append(f"By the probes {age_of(known.read_at, now)} ago.")
    if known.info_at is not None:
        parts.append(f"Hardware, cards, agent and cluster by the local API {age_of(known.info_at, now)} ago.")
    if stale:
        parts.append("There is no connection now.")
    return " ".join(parts)


def is_stale(site: Site | None) -> bool:
    """Return whether what is shown cannot be read again now."""
    return site is None or not site.is_open
