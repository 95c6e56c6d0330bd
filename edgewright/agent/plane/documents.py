"""The bodies that the agent sends: registration, facts, heartbeat."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional

from edgewright import __version__
from edgewright.agent.facts.device import Facts
from edgewright.agent.facts.system import Gauges
from edgewright.agent.kernel.conditions import Report
from edgewright.core import times
from edgewright.core.cloudconfig.userdata import Site
from edgewright.core.text import clean
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position

Json = Dict[str, Any]


class Self(NamedTuple):
    """How this host introduces itself."""

    uid: str
    uid_from: str
    site: Site
    observed: bool = False
    simulated: bool = False


def host_document(me: Self, facts: Facts, gauges: Gauges) -> Json:
    """Return the `v1EdgeHostDevice` with the facts (P20)."""
    extension = {
        **facts.extension,
        "simulated": me.simulated,
        "observed": me.observed,
        "uidFrom": me.uid_from,
        "uptimeSeconds": gauges.uptime_seconds,
        "load1": gauges.load1,
        "cpuPercent": gauges.cpu_percent,
        "memoryUsedMB": gauges.memory_used_mb,
        "agentVersion": __version__,
    }
    host = {
        "hostUid": me.uid,
        "hostAddress": facts.address,
        "macAddress": facts.mac,
        "remoteSsh": "enabled" if me.site.remote_shell and not me.observed else "disabled",
    }
    return {
        "metadata": {"uid": me.uid, "name": me.site.host_name or facts.host_name or me.uid},
        "spec": {"type": "edge-native", "device": facts.device, "host": host, protocol.EXTENSION: extension},
        "status": {"health": {"agentVersion": __version__}},
    }


def registration_document(
    me: Self,
    facts: Facts,
    gauges: Gauges,
    labels: Mapping[str, str],
    registration_id: str,
    token: str,
    pairing_key: str,
) -> Json:
    """Return the body of a registration (P8). The labels travel here and never again (P15)."""
    document = host_document(me, facts, gauges)
    document["metadata"]["labels"] = dict(labels)
    host = document["spec"]["host"]
    if token:
        host["hostAuthToken"] = token
    if pairing_key:
        host["hostPairingKey"] = pairing_key
    if me.site.disable_auto_register:
        host["disableAutoRegister"] = True
    if me.site.project_uid:
        host["project"] = {"uid": me.site.project_uid}
    elif me.site.project_name:
        host["project"] = {"name": me.site.project_name}
    extension = document["spec"][protocol.EXTENSION]
    extension["registrationId"] = registration_id
    extension["siteName"] = labels.get("site", "")
    return document


def heartbeat_body(
    report: Report,
    gauges: Gauges,
    seq: int,
    observed: Position,
    boot_id: str,
    address: str = "",
    mac: str = "",
    progress: Optional[Mapping[str, Any]] = None,
    link: Optional[Mapping[str, Any]] = None,
) -> Json:
    """Return the body of a heartbeat (P17). `link` is what the link costs, and whether work starts at once (P78).

    `clock` is this host's clock, evidence about the plane's (P41).
    `observed` is the applied generation, with the lineage it belongs to; `address` and `mac` name this machine should
    another one use the same identity. `progress` is where long work is (P69).
    """
    named = {"lineage": observed.lineage} if observed.lineage else {}
    return {
        "state": report.state.value,
        "message": clean(report.message, protocol.MAX_MESSAGE),
        "agentVersion": __version__,
        protocol.EXTENSION: {
            "seq": seq,
            "bootId": boot_id,
            "observedGeneration": observed.generation,
            **named,
            **({"address": address} if address else {}),
            **({"mac": mac} if mac else {}),
            **({"progress": dict(progress)} if progress else {}),
            **(link or {}),
            "clock": round(times.now(), 3),
            "load1": gauges.load1,
            "cpuPercent": gauges.cpu_percent,
            "memoryUsedMB": gauges.memory_used_mb,
            "uptimeSeconds": gauges.uptime_seconds,
        },
    }
