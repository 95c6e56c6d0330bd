"""What a lab looks like now: a document for programs, a table for people."""

from __future__ import annotations

import shlex
from typing import Any

from edgewright.core.errors import Failed
from edgewright.lab import machine, plane, processes
from edgewright.lab.kubernetes import registry
from edgewright.lab.state import Folder, LabState, Member

UNIT = "edgewright-agent.service"


def agent_of(host: Member) -> str:
    """Return what systemd in the host reports of the agent's unit: active, failed, ..., `-` when it cannot be asked."""
    if host.frozen or not machine.leader(host):
        return "-"
    try:
        return machine.within(host, "systemctl", "is-active", UNIT, timeout=3.0, check=False).strip() or "-"
    except Failed:
        return "-"


def link_of(member: Member) -> str:
    """Return the link of a member in a few words: up, cut, or how bad it is."""
    if member.link_down:
        return "cut"
    slow = member.slow
    if slow is None:
        return "up"
    parts = [f"{slow.delay:g}ms" if slow.delay else "", f"~{slow.jitter:g}ms" if slow.jitter else ""]
    parts += [f"{slow.loss:g}%lost" if slow.loss else "", f"{slow.rate:g}kbit/s" if slow.rate else ""]
    return " ".join(filter(None, parts)) or "up"


def _registry(folder: Folder, state: LabState) -> dict[str, Any] | None:
    """Return the registry of a lab with Kubernetes: where it is, how it is, and the tree that it has."""
    member = state.registry
    if member is None:
        return None
    condition = "frozen" if member.frozen else "off" if not processes.alive(member.pid, member.started) else "starting"
    if condition == "starting" and registry.answers(folder, member):
        condition = "running"
    return {
        "address": member.address,
        "state": condition,
        "link": link_of(member),
        "ca": str(registry.ca_file(folder)),
        "log": str(folder.path / "registry.log"),
        **registry.contents(folder, member),
    }


def document(folder: Folder, state: LabState) -> dict[str, Any]:
    """Return the full status as one document; `state` of a host is what its systemd reports, `off` or `frozen`."""
    hub = None
    if state.hub is not None:
        on = processes.alive(state.hub.pid, state.hub.started)
        condition = "frozen" if state.hub.frozen else "off" if not on else "starting"
        if condition == "starting" and plane.answers(folder, state):
            condition = "running"
        hub = {
            "address": state.hub.address,
            "state": condition,
            "link": link_of(state.hub),
            "url": state.endpoint,
            "ca": str(plane.ca_file(folder)),
            "apiKeyFile": str(plane.key_file(folder)),
            "log": str(plane.log_file(folder)),
        }
    return {
        "name": state.name,
        "folder": str(folder.path),
        "phase": state.phase,
        "network": f"{state.subnet}.0/24",
        "endpoint": state.endpoint,
        "sshKey": str(folder.key),
        "hub": hub,
        "kubernetes": state.kubernetes or None,
        "registry": _registry(folder, state),
        "hosts": [
            {
                "name": host.name,
                "uid": f"{state.name}-{host.name}",
                "address": host.address,
                "state": machine.condition(host),
                "agent": agent_of(host),
                "link": link_of(host),
                "clock": host.clock or "true",
                "leader": machine.leader(host),
                "console": str(folder.host(host.name) / "console.log"),
            }
            for host in state.hosts.values()
        ],
        "oneway": [{"from": first, "to": second} for first, second in state.oneway],
    }


def table(shown: dict[str, Any]) -> str:
    """Return the status as lines for a user."""
    rows = [("NAME", "ADDRESS", "STATE", "AGENT", "LINK", "CLOCK")]
    if shown["hub"]:
        hub = shown["hub"]
        rows.append(("hub", hub["address"], hub["state"], "-", hub["link"], "true"))
    if shown["registry"]:
        registry = shown["registry"]
        rows.append(("registry", registry["address"], registry["state"], "-", registry["link"], "true"))
    rows += [(h["name"], h["address"], h["state"], h["agent"], h["link"], h["clock"]) for h in shown["hosts"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{cut['from']} does not reach {cut['to']}" for cut in shown["oneway"]]
    return "\n".join(lines)


def ways_in(shown: dict[str, Any]) -> str:
    """Return how a user gets into the lab: the console's context, and SSH to a host."""
    lines = []
    if shown["hub"]:
        hub = shown["hub"]
        lines.append("Open the console on it:")
        parts = [shown["name"], "--url", hub["url"], "--ca", hub["ca"], "--api-key-file", hub["apiKeyFile"]]
        lines.append(f"  edgewright context add {shlex.join(parts)}")
        lines.append(f"  edgewright --context {shlex.quote(shown['name'])}")
    if shown["hosts"]:
        lines.append("Get into a host:")
        lines.append(
            f"  ssh -i {shlex.quote(shown['sshKey'])} -o StrictHostKeyChecking=no root@{shown['hosts'][0]['address']}"
        )
    return "\n".join(lines)
