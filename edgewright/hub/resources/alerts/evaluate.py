"""The problems of the fleet as the hub sees them, by the rules that every console uses (`core.problems`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgewright.core.hosts.health import GRACE
from edgewright.core.problems import (
    DISK_FULL,
    AlertState,
    HostState,
    Problem,
    alert_problem,
    certificate_problem,
    host_problems,
    ranked,
    token_problem,
)
from edgewright.hub.db.records import HostEntry
from edgewright.hub.readmodel.alert_board import PLANE
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.alerts.certificates import OwnCertificates

if TYPE_CHECKING:
    from edgewright.hub.services import Services

_SLICE = 150
"""Hosts that are looked at before others have their turn."""
TOKEN_SOON = 7 * 86_400.0
"""Seconds before its end from which a token is a problem."""


@dataclass
class Gateway:
    """How many hosts are behind one address: judged at all, silent, and late."""

    known: int = 0
    silent: int = 0
    late: int = 0


class Findings:
    """What one look at the fleet found for one scope: a project, or all of them for `""`.

    `late` is, by site, the number of hosts that have missed heartbeats and are not unhealthy yet: a storm that grows.
    `silent` is, by site, the number of hosts that are unhealthy for their silence.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.problems: dict[str, Problem] = {}
        self.late: dict[str, int] = {}
        self.silent: dict[str, int] = {}
        self.behind: dict[str, Gateway] = {}
        """Address from which heartbeats came last -> the hosts behind it."""
        self.gateway_of: dict[str, str] = {}
        """Uid of a silent host -> that address."""
        self._states: list[HostState] = []
        self._known: dict[str, int] = {}

    def add(self, entry: HostEntry, hub: Services, now: float) -> None:
        """Look at one host."""
        live, facts, site = entry.live, entry.facts, entry.facts.site or ""
        address = live.sender.peer or entry.record.address
        gateway = self.behind.get(address) or self.behind.setdefault(address, Gateway())
        if live.health != "unknown":
            gateway.known += 1
        if live.health != "unknown":
            self._known[site] = self._known.get(site, 0) + 1
        disk = facts.disk
        if live.health != "unhealthy":
            if disk is not None and disk[0] >= DISK_FULL:
                self._states.append(_state(entry, site)._replace(disk_percent=disk[0], disk_mount=disk[1]))
            if live.health == "healthy" and hub.renderer.silence(entry, now) > GRACE * hub.options.heartbeat:
                self.late[site] = self.late.get(site, 0) + 1
                gateway.late += 1
            return
        verdict = hub.renderer.verdict(entry, now)
        due = verdict.deadline
        silent = verdict.health.value == "unhealthy" and due is not None and due <= now
        if silent:
            self.silent[site] = self.silent.get(site, 0) + 1
            self.gateway_of[entry.record.uid] = address
            gateway.silent += 1
        state = _state(entry, site)
        self._states.append(state._replace(unhealthy=True, silent=silent, reason=verdict.reason, since=verdict.since))

    def gateway(self, problem: Problem) -> str:
        """Return the address that all silent hosts are behind when no other host behind it responds, else `""`."""
        addresses = {self.gateway_of.get(uid, "") for uid in problem.uids}
        address = addresses.pop() if len(addresses) == 1 else ""
        gateway = self.behind.get(address) if address else None
        return address if gateway is not None and gateway.silent >= gateway.known else ""

    def late_near(self, problem: Problem, site: str) -> bool:
        """Whether hosts of the same site, or behind the same address, have missed heartbeats and are not silent yet."""
        addresses = {self.gateway_of.get(uid, "") for uid in problem.uids}
        gateways = [self.behind[address] for address in addresses if address in self.behind]
        everything = sum(gateway.known - gateway.silent - gateway.late for gateway in gateways) == 0
        return bool(self.late.get(site)) or (everything and any(gateway.late for gateway in gateways))

    async def finish(self, hub: Services, now: float) -> None:
        """Turn what was seen into problems, with the plane's own alerts, tokens and certificate."""
        duplicates: set[str] = set()
        problems: list[Problem] = []
        for alert in hub.alerts.all():
            if self.scope and alert.project_uid != self.scope and alert.kind != PLANE:
                continue
            if alert.kind == "duplicate-identity":
                duplicates.update(alert.host_uids)
            uids = tuple(uid for uid in alert.host_uids if uid in hub.state.hosts)
            state = AlertState(
                alert.uid, alert.kind, alert.code, alert.subject, alert.text, alert.hint, alert.since, "operator", uids
            )
            problems.append(alert_problem(state))
        for token in hub.part(Tokens).by_uid.values():
            ends = token.expiry
            if ends is not None and token.active and ends - now < TOKEN_SOON and self.scope in ("", token.project_uid):
                problems.append(token_problem(token.uid, token.name, ends, now))
        for name, ends, renewed in () if self.scope else hub.part(OwnCertificates).ends:
            certificate = certificate_problem(name, ends, now, renewed)
            if certificate is not None:
                problems.append(certificate)

        def judge() -> dict[str, Problem]:
            every = ranked([*problems, *host_problems(self._states, self._known, duplicates)])
            return {problem.key: problem for problem in every}

        # A fleet with the same fault everywhere takes half a second to judge; the tuples are of this look alone.
        self.problems = await asyncio.to_thread(judge) if len(self._states) > _SLICE else judge()
        self._states = []


def _state(entry: HostEntry, site: str) -> HostState:
    return HostState(entry.record.uid, entry.facts.name, site, last_seen=entry.live.at)


async def look(hub: Services, scopes: list[str], now: float) -> dict[str, Findings]:
    """Look at every host once, for every scope, in slices."""
    matches = {scope: Findings(scope) for scope in scopes}
    for index, entry in enumerate(list(hub.state.hosts.values())):
        for scope in ("", entry.record.project_uid):
            if scope in matches:
                matches[scope].add(entry, hub, now)
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
    for findings in matches.values():
        await findings.finish(hub, now)
    return matches
