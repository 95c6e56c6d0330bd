"""The preflight of a made-up host: the same checks as a real one reports, from its made-up facts."""

from __future__ import annotations

from typing import List

from edgewright.agent.facts.device import Facts
from edgewright.agent.reconcile.checks import FAILED, MIN_CPUS, MIN_MEMORY_MB, OK, PORTS, WARNING, Check
from edgewright.agent.reconcile.preflight import clock


def made_up_checks(facts: Facts, clock_off: float, memory_mb: int) -> List[Check]:
    """Return the checks of a host with these facts; its clock is `clock_off` seconds ahead of the plane's."""
    mount, percent = facts.fullest
    disk = WARNING if percent >= 85 else OK
    cores = int(facts.device["cpu"]["cores"])
    checks = [
        Check("disk", disk, f"{mount} {percent} % used", "" if disk == OK else "Free space or add a disk."),
        _least("memory", memory_mb, MIN_MEMORY_MB, "MB"),
        _least("cpu", cores, MIN_CPUS, "CPUs"),
        clock(clock_off),
        Check("name", OK, facts.host_name),
        Check("ports", OK, "free: " + ", ".join(str(port) for port in PORTS)),
    ]
    fixed = (("swap", "off"), ("cgroup", "v2"), ("security", "AppArmor is enabled"), ("route", "by eth0"))
    checks += [Check(name, OK, text) for name, text in fixed]
    return [*checks, Check("plane", OK, "made up: this host is simulated")]


def _least(name: str, value: int, least: int, unit: str) -> Check:
    if value < least:
        return Check(name, FAILED, f"{value} {unit}, a control plane needs {least}", f"Use a machine with more {name}.")
    return Check(name, OK, f"{value} {unit}")
