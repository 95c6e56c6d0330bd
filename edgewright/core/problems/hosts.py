"""Problems of hosts: silence at one host or behind one link, what hosts report, and the same fault at many hosts."""

from __future__ import annotations

from typing import Container, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.problems.causes import Cause, causes_of, disk_cause
from edgewright.core.problems.problem import DISK_FULL, SILENT, UNHEALTHY, WARNING, Problem

GROUP_FROM = 3
"""Hosts with the same fault from which it is one problem that opens to its hosts."""


class HostState(NamedTuple):
    """What the rules need of one host; times in epoch seconds.

    `silent` is an unhealthy host without heartbeats; `unhealthy` one that is silent or reports `reason`.
    `disk_percent` and `disk_mount` are of its fullest file system.
    """

    uid: str
    name: str
    site: str = ""
    unhealthy: bool = False
    silent: bool = False
    reason: str = ""
    since: Optional[float] = None
    last_seen: Optional[float] = None
    disk_percent: Optional[float] = None
    disk_mount: str = ""


def host_problems(
    hosts: Iterable[HostState], known: Mapping[str, int], duplicates: Container[str] = (), group_from: int = GROUP_FROM
) -> List[Problem]:
    """Return the problems of hosts; healthy ones may be left out of `hosts`.

    `known` is the number of hosts of a site whose health is known; when all of them are silent, and more than one, the
    link of the site is the problem. `duplicates` are hosts whose second machine is a problem already, by an alert.
    """
    silent: Dict[str, List[HostState]] = {}
    faults: Dict[str, List[Tuple[HostState, Cause]]] = {}
    for host in hosts:
        if host.silent:
            silent.setdefault(host.site, []).append(host)
        elif host.unhealthy:
            for cause in causes_of(host.reason):
                if cause.kind != "duplicate" or host.uid not in duplicates:
                    faults.setdefault(cause.name, []).append((host, cause))
        elif host.disk_percent is not None and host.disk_percent >= DISK_FULL:
            cause = disk_cause(host.disk_mount or "?", f"{host.disk_percent:.0f}")
            faults.setdefault(cause.name, []).append((host, cause))
    problems: List[Problem] = []
    for site, quiet in silent.items():
        problems += _silence(site, quiet, known.get(site, len(quiet)), group_from)
    for affected in faults.values():
        if len(affected) >= group_from:
            problems.append(_shared(affected))
        else:
            problems += [_fault(host, cause) for host, cause in affected]
    return problems


def _silence(site: str, quiet: List[HostState], known: int, group_from: int) -> List[Problem]:
    responding = max(known - len(quiet), 0)
    if site and len(quiet) >= 2 and not responding:
        return [_link(site, quiet)]
    if len(quiet) >= group_from:
        return [_silent_many(site, quiet, responding)]
    return [_silent(host, responding if site else 0) for host in quiet]


def _link(site: str, quiet: List[HostState]) -> Problem:
    return Problem(
        key=f"site/{site}/link",
        kind="link",
        harm=SILENT,
        subject=site,
        text=f"link down, {len(quiet)} hosts behind it",
        since=max(_moments(quiet), default=None),
        owner="operator",
        uids=_uids(quiet),
        next_step=f"Check router, power and provider of {site}; its hosts return by themselves.",
        action="host list",
        argument=f"tag.site:{site}",
        target=("hosts", f"tag.site:{site}"),
    )


def _silent_many(site: str, quiet: List[HostState], responding: int) -> Problem:
    where = f" of {site}" if site else " without a site tag"
    others = f"; {responding} more respond" if site else ""
    step = f"The link of {site} is up: check power and switch that these hosts share."
    result = f"health:unhealthy {f'tag.site:{site} ' if site else ''}seen>1m"
    return Problem(
        key=f"site/{site or '-'}/silent",
        kind="silent",
        harm=SILENT,
        subject=site or f"{len(quiet)} hosts",
        text=f"no heartbeat from {len(quiet)} hosts{where}{others}"
        if not site
        else f"{len(quiet)} hosts silent{others}",
        since=min(_moments(quiet), default=None),
        owner="host" if site else "operator",
        uids=_uids(quiet),
        next_step=step
        if site
        else "Check what these hosts share: network, power, provider. Tag hosts with their site.",
        action="host list",
        argument=result,
        target=("hosts", result),
    )


def _silent(host: HostState, responding: int) -> Problem:
    if responding:
        text = "no heartbeat; its neighbours respond"
        step = f"The link of {host.site} is up: check power, cable and console of {host.name}."
    else:
        text = "no heartbeat"
        step = f"Check the link of {host.site or 'its site'}, then power and console of {host.name}."
    neighbours = bool(host.site)
    return Problem(
        key=f"host/{host.uid}/silent",
        kind="silent",
        harm=SILENT,
        subject=host.name,
        text=text,
        since=host.since if host.since is not None else host.last_seen,
        owner="host" if responding else "operator",
        uids=(host.uid,),
        next_step=step,
        action="host list" if neighbours else "host show",
        argument=f"tag.site:{host.site}" if neighbours else host.uid,
        target=("host", host.uid),
    )


def _fault(host: HostState, cause: Cause) -> Problem:
    return Problem(
        key=f"host/{host.uid}/{cause.name}",
        kind=cause.kind,
        harm=cause.harm,
        subject=host.name,
        text=cause.text,
        since=host.since if host.unhealthy else None,
        owner="operator",
        uids=(host.uid,),
        next_step=cause.next_step,
        action=cause.action,
        argument=cause.argument,
        section=UNHEALTHY if host.unhealthy else WARNING,
        target=("host", host.uid),
    )


def _shared(affected: List[Tuple[HostState, Cause]]) -> Problem:
    hosts = [host for host, _ in affected]
    cause = affected[0][1]
    moments = [host.since for host in hosts if host.unhealthy and host.since is not None]
    return Problem(
        key=f"fault/{cause.name}",
        kind=cause.kind,
        harm=cause.harm,
        subject=f"{len(hosts):,} hosts",
        text=cause.many,
        since=min(moments, default=None),
        owner="operator",
        uids=_uids(hosts),
        next_step=f"Open the hosts and look for what changed on all of them. At each: {cause.next_step}",
        action="host list",
        argument=cause.filter,
        section=UNHEALTHY if any(host.unhealthy for host in hosts) else WARNING,
        target=("hosts", cause.filter),
    )


def _moments(hosts: List[HostState]) -> List[float]:
    moments = [host.last_seen if host.last_seen is not None else host.since for host in hosts]
    return [moment for moment in moments if moment is not None]


def _uids(hosts: List[HostState]) -> Tuple[str, ...]:
    return tuple(sorted(host.uid for host in hosts))
