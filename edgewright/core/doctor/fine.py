"""What was looked at and is healthy, in a few words each: from facts that are known, never from their absence."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from edgewright.core import times
from edgewright.core.doctor.facts import NO_ANSWER, Facts
from edgewright.core.doctor.findings import Finding
from edgewright.core.doctor.rules.control import APART
from edgewright.core.doctor.rules.host import IMAGES


def fine(facts: Facts, findings: Sequence[Finding]) -> Tuple[str, ...]:
    """Return what is healthy; nothing about a subject that a finding is about."""
    wrong = {finding.symptom for finding in findings}
    return tuple(text for symptoms, text in _checks(facts) if text and not wrong & symptoms)


def _checks(facts: Facts) -> "List[Tuple[set[str], str]]":
    return [
        ({"disk-full", "inodes-full", "read-only", "io-errors"}, _disk(facts)),
        ({"memory-low", "out-of-memory"}, _memory(facts)),
        ({"clock-wrong"}, _clock(facts)),
        ({"no-link", "no-address", "no-route", "gateway-silent"}, _network(facts)),
        ({"duplicate-address", "vip-two-owners"}, "no other machine has its addresses" if facts.asked_arp else ""),
        ({"dns-missing", "dns-silent", "name-unknown"}, _names(facts)),
        ({"plane-unreachable"}, "plane's port reached" if facts.plane and facts.plane.state == "open" else ""),
        (
            {"unit-failed", "unit-masked", "unit-stopped", "unit-restarts", "unit-other-failed"},
            "no unit failed" if facts.failed_units == () else "",
        ),
        ({"agent-silent", "agent-unregistered"}, _agent(facts)),
        ({"booted-passive", "booted-recovery"}, f"slot {facts.slot}" if facts.slot == "active" else ""),
        ({"certificate-expired", "certificate-broken", "certificate-soon", "certificate-early"}, _certificates(facts)),
        ({"etcd-no-quorum", "etcd-down", "etcd-member", "etcd-full"}, _etcd(facts)),
        ({"api-down"}, "API server serves" if facts.api == "serves" else ""),
        ({"node-not-ready"}, _nodes(facts)),
        ({"pods-fail"}, "all pods run" if facts.pods == () else ""),
        ({"runtime-down", "runtime-state"}, "container runtime answers" if facts.runtime_answers else ""),
        ({"blobs-empty"}, "no empty blobs" if facts.empty_blobs == () else ""),
    ]


def _disk(facts: Facts) -> str:
    used = [
        (s.used, s.mount) for s in facts.file_systems if s.used is not None and s.kind not in IMAGES and not s.read_only
    ]
    if not used:
        return ""
    percent, mount = max(used)
    return f"disk {mount} {percent} %"


def _memory(facts: Facts) -> str:
    if not facts.memory_kb or facts.available_kb is None:
        return ""
    return f"memory {100 - 100 * facts.available_kb // facts.memory_kb} %"


def _clock(facts: Facts) -> str:
    if facts.clock_off is None:
        return ""
    off = abs(facts.clock_off)
    return "clock" if off <= facts.clock_error + 1 else f"clock within {times.duration(max(1.0, off))}"


def _network(facts: Facts) -> str:
    if facts.default_route is None or not facts.default_route[1]:
        return ""
    if any(link.name == facts.default_route[1] and link.carrier is False for link in facts.links or ()):
        return ""
    gateway = {"answers": ", gateway answers"}.get(facts.gateway, "")
    return f"network {facts.default_route[1]}{gateway}"


def _names(facts: Facts) -> str:
    answers = any(server.state == "answers" and server.rcode not in NO_ANSWER for server in facts.servers)
    return "DNS" if facts.plane_resolves or (answers and facts.plane_resolves is None) else ""


def _agent(facts: Facts) -> str:
    agent = facts.agent
    if agent.phase == "registered":
        if facts.clock is not None and agent.last_heartbeat is not None:
            return (
                f"agent registered, last heartbeat {times.duration(max(0.0, facts.clock - agent.last_heartbeat))} ago"
            )
        return "agent registered"
    return f"{agent.unit} runs" if agent.unit and agent.active == "active" and not agent.phase else ""


def _certificates(facts: Facts) -> str:
    now = facts.clock if facts.clock is not None else facts.at
    ends = [c.ends for c in facts.certificates or () if c.ends is not None and not c.place.startswith(APART)]
    return f"certificates {times.age(min(ends) - now)}" if ends and min(ends) > now else ""


def _etcd(facts: Facts) -> str:
    members = facts.members
    if members and all(member.healthy for member in members):
        return f"etcd {len(members)} of {len(members)}"
    return "etcd serves" if facts.etcd == "serves" and facts.etcd_leader and not members else ""


def _nodes(facts: Facts) -> str:
    return (
        f"nodes {len(facts.nodes)} of {len(facts.nodes)}"
        if facts.nodes and all(n.status.startswith("Ready") for n in facts.nodes)
        else ""
    )
