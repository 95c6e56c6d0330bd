"""From a run of probes to the facts of one host."""

from __future__ import annotations

import re
from typing import Any

from edgewright.clients.ssh.probes.frames import Reading, Run
from edgewright.clients.ssh.probes.parsing import (
    agent,
    certificates,
    disk,
    firewall,
    host,
    kubernetes,
    network,
    waiting,
)
from edgewright.clients.ssh.probes.sets import CATALOGUE
from edgewright.core.doctor.facts import Facts
from edgewright.core.text import clean

WHY = {
    "needs-root": "needs sudo",
    "hung": "did not end in time",
    "late": "the time of the run was over",
    "lost": "the connection ended before it",
}
ABSENT = {
    "kubernetes.files": ("cni_configs", "cni_programs", "runtime_sockets"),
    "images.blobs": ("empty_blobs",),
}
"""Facts by probe that are unknown, not empty, where another user than root saw nothing: folders may be closed to it."""
LINE_BY_LINE = ("disk.reads", "network.plane", "kubernetes.waits")
"""Probes of which each line is a fact by itself: what one printed before it hung counts."""
_NOTHING = Reading("lost")
NO_FORK = re.compile(r"(?i)(?:can't|cannot|unable to|failed to) v?fork\b|\bfork: (?:retry|resource)")
"""What shells write when no process could be started."""
NO_PROGRAM = "no-program"
"""The line of a probe for which the host has no program: its facts are unknown."""


def facts_of(run: Run, sent: float, received: float, errors: str = "") -> Facts:
    """Return what is known; `sent` and `received` are this machine's clock around the run, epoch seconds.

    `errors` is what the shell wrote beside the output of the probes.
    """
    readings = run.readings
    values: dict[str, Any] = {}

    def lines(name: str) -> tuple[str, ...]:
        reading = readings.get(name, _NOTHING)
        return reading.lines if reading.usable else ()

    def status(name: str) -> int | None:
        return readings.get(name, _NOTHING).status

    def usable(*names: str) -> bool:
        return any(readings.get(name, _NOTHING).usable and NO_PROGRAM not in lines(name) for name in names)

    simple = (
        ("identity.host", host.identity),
        ("boot.cmdline", host.cmdline),
        ("boot.uptime", host.uptime),
        ("boot.slots", host.slots),
        ("boot.kernel", host.kernel),
        ("units.state", host.units),
        ("units.errors", host.errors),
        ("units.processes", host.processes),
        ("units.memory", host.memory),
        ("units.limits", host.limits),
        ("time.clock", host.clock),
        ("time.sync", host.synchronized),
        ("disk.usage", disk.usage),
        ("disk.reads", disk.reads),
        ("network.links", network.links),
        ("network.addresses", network.addresses),
        ("network.listen", network.listening),
        ("network.gateway", network.gateway),
        ("network.duplicate", network.duplicates),
        ("network.plane", network.plane),
        ("network.firewall", firewall.firewall),
        ("dns.config", network.name_servers),
        ("dns.servers", network.servers),
        ("dns.plane", network.resolves),
        ("agent.log", agent.agent_log),
        ("kubernetes.files", kubernetes.files),
        ("kubernetes.settings", kubernetes.settings),
        ("kubernetes.kubelet", kubernetes.kubelet_log),
        ("kubernetes.runtime", kubernetes.runtime),
        ("kubernetes.server", kubernetes.server),
        ("kubernetes.steps", kubernetes.step_log),
        ("kubernetes.api", kubernetes.api),
        ("kubernetes.pods", kubernetes.pods),
        ("kubernetes.waits", waiting.waits),
        ("etcd.health", kubernetes.etcd_health),
        ("etcd.members", kubernetes.members),
        ("etcd.log", kubernetes.etcd_log),
        ("images.list", kubernetes.images),
        ("images.registry", kubernetes.registries),
        ("images.blobs", kubernetes.blobs),
    )
    for name, parse in simple:
        if usable(name):
            values.update(parse(lines(name)))
        elif name in LINE_BY_LINE and readings.get(name, _NOTHING).state == "hung":
            values.update(parse(readings[name].lines))
    for name, judged in (
        ("units.failed", host.failed),
        ("units.jobs", host.jobs),
        ("kubernetes.nodes", kubernetes.nodes),
    ):
        if usable(name):
            values.update(judged(lines(name), status(name)))
    if usable("disk.space", "disk.inodes", "disk.mounts"):
        root = readings.get("disk.mounts", _NOTHING).root
        values.update(disk.file_systems(lines("disk.space"), lines("disk.inodes"), lines("disk.mounts"), root))
    if usable("network.routes"):
        values.update(network.routes(lines("network.routes"), lines("network.routes6")))
    if usable("agent.unit", "agent.status"):
        values.update(agent.agent(lines("agent.unit"), lines("agent.status"), lines("agent.files")))
    if usable("userdata.site", "userdata.files"):
        values.update(agent.user_data(lines("userdata.site"), lines("userdata.files")))
    if usable("userdata.shape"):
        values.update(agent.shapes(lines("userdata.shape")))
    if usable("certificates.files"):
        keys = readings.get("certificates.keys", _NOTHING)  # of one that did not end, each line counts that it wrote
        written = keys.lines if keys.state == "hung" else lines("certificates.keys")
        values.update(certificates.certificates(lines("certificates.files"), written))
    for name, absent in ABSENT.items():
        if not readings.get(name, _NOTHING).root:
            values.update({field: None for field in absent if not values.get(field)})
    values["fork_refused"] = next((clean(line, 160) for line in errors.splitlines()[:400] if NO_FORK.search(line)), "")
    values["files_complete"] = readings.get("kubernetes.files", _NOTHING).root
    values["kernel_log"] = host.with_times(values.get("kernel_log", ()), values.get("clock"), values.get("uptime"))
    values.update(_clock(values.get("clock"), sent, received))
    read = frozenset(name for name, reading in readings.items() if reading.usable)
    missing = {name: WHY[reading.state] for name, reading in readings.items() if not reading.usable}
    for name in read:
        if NO_PROGRAM in lines(name):
            missing[name] = "the host has no program for it"
    return Facts(at=received, read=read - missing.keys(), not_read=missing, in_part=_in_part(run), **values)


def _in_part(run: Run) -> tuple[str, ...]:
    """Return the probes that read more as root and ran as another user."""
    if run.way in ("root", "sudo", "unknown"):
        return ()
    ran = {name for name, reading in run.readings.items() if reading.usable}
    return tuple(probe.id for probe in CATALOGUE if probe.root == "better" and probe.id in ran)


def _clock(clock: float | None, sent: float, received: float) -> dict[str, Any]:
    """Return how far the host's clock is ahead, with half of the run's time as the error."""
    if clock is None or received < sent:
        return {}
    middle, error = (sent + received) / 2, (received - sent) / 2 + 1
    return {"clock_off": clock - middle, "clock_error": error}
