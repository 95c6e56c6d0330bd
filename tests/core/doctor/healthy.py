"""A healthy host as facts, and what changes it."""

from __future__ import annotations

from typing import Any

from edgewright.core.doctor.facts import (
    Address,
    Agent,
    Certificate,
    Facts,
    FileSystem,
    Link,
    LogLine,
    Member,
    Node,
    Port,
    Server,
    Unit,
)

NOW = 1_795_970_000.0
PKI = "/etc/kubernetes/pki/"


def unit(name: str, active: str = "active", **more: Any) -> Unit:
    return Unit(name, more.pop("load", "loaded"), active, enabled=more.pop("enabled", "enabled"), **more)


def units(*given: Unit) -> dict[str, Unit]:
    return {each.name: each for each in given}


HEALTHY = Facts(
    at=NOW,
    read=frozenset({"agent.unit"}),
    hostname="edge-1",
    kernel="Linux 6.1",
    uptime=9000.0,
    slot="active",
    upgrade_failure=False,
    systemd=True,
    units=units(unit("edgewright-agent"), unit("containerd"), unit("kubelet")),
    failed_units=(),
    waiting_jobs=(),
    memory_kb=8_000_000,
    available_kb=4_000_000,
    swap=False,
    clock=NOW,
    clock_off=0.4,
    clock_error=1.0,
    file_systems=(FileSystem("/", ("/", "/var"), "ext4", 30_000_000, 20_000_000, 33, 10, False),),
    writes=frozenset({"/var", "/var/log"}),
    links=(Link("eno1", "up", True, 1500, True, True),),
    addresses=(Address("eno1", "10.4.1.7", "global"),),
    default_route=("10.4.1.1", "eno1"),
    gateway="answers",
    asked_arp=("10.4.1.7",),
    name_servers=("10.4.1.1",),
    servers=(Server("10.4.1.1", "answers", 0),),
    plane=Port("hub.example", 8443, "open"),
    plane_resolves=True,
    agent=Agent(
        "edgewright-agent", "active", phase="registered", registered=True, last_heartbeat=NOW - 20, interval=60.0
    ),
    certificates=(Certificate(PKI + "apiserver.crt", ends=NOW + 200 * 86400, begins=NOW - 86400),),
    files_complete=True,
    kube_files=frozenset({"/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml"}),
    cni_configs=("10-flannel.conflist",),
    cni_programs=("bridge",),
    runtime_answers=True,
    api="serves",
    nodes=(Node("edge-1", "Ready"),),
    pods=(),
    etcd="serves",
    etcd_leader=True,
    members=(Member("edge-1", "https://10.4.1.7:2379", True, True),),
    ip_forward=True,
    empty_blobs=(),
)


def disk(mount: str = "/", used: int = 100, free: int = 0, **more: Any) -> FileSystem:
    return FileSystem(mount, (mount,), more.pop("kind", "ext4"), 30_000_000, free, used, **more)


def log(text: str, unit_: str = "kubelet") -> tuple[LogLine, ...]:
    return (LogLine(NOW - 20, unit_, text),)
