"""Kubernetes, etcd and images on the host."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, integer_of, log, with_word, without_secrets
from edgewright.clients.ssh.probes.parsing.network import port
from edgewright.core.doctor.facts import LogLine, Member, Node, Pod

Lines = Sequence[str]


def files(lines: Lines) -> dict[str, Any]:
    """Return which files of Kubernetes and the CNI are there."""
    folders = {row.split()[0]: row.split() for row in with_word(lines, "dir") if row.split()}
    inside: dict[str, list[str]] = {}
    for row in with_word(lines, "in"):
        parts = row.split(None, 1)
        if len(parts) == 2:
            inside.setdefault(parts[0], []).append(parts[1])
    owner = folders.get("/opt/cni/bin", [])
    programs = "/opt/cni/bin" in folders

    def of(folder: str) -> tuple[str, ...]:
        return tuple(inside.get(folder, ()))

    return {
        "kube_files": frozenset(row.split()[0] for row in with_word(lines, "file") if row.split()),
        "manifests": of("/etc/kubernetes/manifests"),
        "cni_configs": tuple(n for n in of("/etc/cni/net.d") if n.endswith((".conf", ".conflist", ".json"))),
        "cni_programs": of("/opt/cni/bin") if programs else (),
        "cni_owner": owner[2] if len(owner) == 3 else "",
        "cni_files_owner": first(lines, "cni-file"),
        "unreadable": tuple(row.strip() for row in with_word(lines, "unreadable")),
        "selinux": first(lines, "selinux"),
        "runtime_sockets": tuple(row.strip() for row in with_word(lines, "socket")),
    }


def settings(lines: Lines) -> dict[str, Any]:
    """Return what a kubelet needs of the kernel."""
    kinds = {row.split()[0] for row in with_word(lines, "cgroup") if row.split()}
    version = "hybrid" if len(kinds) > 1 else {"cgroup2": "v2", "cgroup": "v1"}.get(next(iter(kinds), ""), "")
    controllers = first(lines, "controllers")
    kubelet = {}
    for row in with_word(lines, "kubelet"):
        name, mark, value = row.partition(":")
        if mark:
            kubelet[name.strip()] = value.strip()
    forward, bridge = first(lines, "ip_forward"), first(lines, "br_netfilter")
    cgroup = [row for row in with_word(lines, "containerd") if "SystemdCgroup" in row]
    plugins = " ".join(row for row in with_word(lines, "containerd") if "disabled_plugins" in row)
    call = first(lines, "bridge_call")
    return {
        "cgroup": version,
        "controllers": frozenset(controllers.split())
        if "controllers" in {line.split(" ")[0] for line in lines}
        else None,
        "ip_forward": forward == "1" if forward in ("0", "1") else None,
        "bridge_filter": bridge == "yes" if bridge in ("yes", "no") else None,
        "kubelet_settings": kubelet,
        "systemd_cgroup": "true" in cgroup[0] if cgroup else None,
        "bridge_call": call == "1" if call in ("0", "1") else None,
        "cri_disabled": re.search(r"[\"'](?:[a-z0-9.]*\.)?cri(?:\.v1\.(?:images|runtime))?[\"']", plugins) is not None,
    }


def runtime(lines: Lines) -> dict[str, Any]:
    """Return whether a container runtime answers, and the end of its log."""
    answers, silent = with_word(lines, "answers"), with_word(lines, "silent")
    rest = [line for line in lines if not line.startswith(("answers /", "silent /", "plugin "))]
    state = True if answers else False if silent else None
    return {"runtime_answers": state, "runtime_log": log(rest), "cri_error": bool(with_word(lines, "plugin"))}


def server(lines: Lines) -> dict[str, Any]:
    """Return the API server that the kubelet uses, as it is reached."""
    result = port(first(lines, "server"))
    return {} if result is None else {"kubelet_server": result}


def kubelet_log(lines: Lines) -> dict[str, Any]:
    """Return the end of the kubelet's log."""
    return {"kubelet_log": log(lines)}


def step_log(lines: Lines) -> dict[str, Any]:
    """Return the ends of Palette's logs of kubeadm; the unit is the log's name."""
    rows = [line.split(" ", 1) for line in lines]
    return {"step_log": tuple(LogLine(None, row[0], without_secrets(row[1])) for row in rows if len(row) == 2)}


def api(lines: Lines) -> dict[str, Any]:
    """Return whether the API server of this host serves."""
    if "none" in lines:
        return {"api": "none"}
    failing = tuple(line[3:].split(" ")[0] for line in lines if line.startswith("[-]"))
    if failing or any("readyz check failed" in line for line in lines):
        return {"api": "not-ready", "api_failing": failing}
    if any(line.strip() in ("readyz check passed", "ok") or line.startswith("readyz check passed") for line in lines):
        return {"api": "serves"}
    code = first(lines, "code")
    if first(lines, "failed") or code not in ("", "0"):
        return {"api": "silent"}
    if any("Unauthorized" in line or "Forbidden" in line for line in lines):
        return {"api": "serves"}
    return {}


def nodes(lines: Lines, status: int | None) -> dict[str, Any]:
    """Return the nodes, or why they cannot be listed."""
    if not lines or "none" in lines:
        return {}
    rows = [line.split() for line in lines]
    results = [
        Node(row[0], row[1], row[4], row[2])
        for row in rows
        if len(row) >= 6 and re.fullmatch(r"(?:Not)?Ready(?:,\w+)*|Unknown", row[1])
    ]
    if results:
        return {"nodes": tuple(results)}
    return {"kube_error": lines[-1]}


def pods(lines: Lines) -> dict[str, Any]:
    """Return pods that do not run; none of them is a fact only where all were listed without an error."""
    rows = [line.split() for line in lines]
    results = []
    for row in rows:
        if len(row) >= 8 and re.fullmatch(r"\d+/\d+", row[2]):
            results.append(Pod(row[0], row[1], row[2], row[3], row[-3] if len(row) >= 10 else ""))
    return {"pods": tuple(results)} if results or "listed 0" in lines else {}


def etcd_health(lines: Lines) -> dict[str, Any]:
    """Return whether etcd of this host serves and has a leader."""
    if "none" in lines:
        return {"etcd": "none"}
    health = first(lines, "health")
    leader = next((row.split()[-1] for row in with_word(lines, "metric") if "has_leader" in row), "")
    facts: dict[str, Any] = {"etcd_leader": leader not in ("0", "0.0") if leader else None}
    if health == "no-answer":
        return {"etcd": "silent"}
    try:
        state = str(json.loads(health).get("health", "")).lower()
    except (ValueError, AttributeError, RecursionError):
        state = ""
    return {**facts, "etcd": {"true": "serves", "false": "unhealthy"}.get(state, "")}


def members(lines: Lines) -> dict[str, Any]:
    """Return members with their health, and alarms."""
    if "none" in lines or "no-program" in lines:
        return {}
    health: dict[str, bool] = {}
    for row in with_word(lines, "health"):
        match = re.search(r"(https?://[^\s\",]+)[^{]*? is (healthy|unhealthy)", row)
        if match:
            health[match[1]] = match[2] == "healthy"
        else:
            match = re.search(r'endpoint":"(https?://[^"]+)".*health":(true|false)', row)
            if match:
                health[match[1]] = match[2] == "true"
    results = []
    for row in with_word(lines, "member"):
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) >= 5 and re.fullmatch(r"[0-9a-f]{6,16}", cells[0]):
            endpoint = cells[4] if len(cells) > 5 else ""
            learner = cells[-1] == "true"
            results.append(Member(cells[2], endpoint, cells[1] == "started", health.get(endpoint), learner))
    alarms = tuple(match[1] for row in with_word(lines, "alarm") if (match := re.search(r"alarm:([A-Z]+)", row)))
    facts: dict[str, Any] = {"alarms": alarms}
    if results:
        facts["members"] = tuple(results)
    return facts


def etcd_log(lines: Lines) -> dict[str, Any]:
    """Return the end of etcd's log."""
    return {"etcd_log": tuple(LogLine(None, "etcd", line) for line in lines)}


def images(lines: Lines) -> dict[str, Any]:
    """Return how many images the runtime has."""
    parts = first(lines, "images").split()
    return {"images": integer_of(parts[0]) if parts else None}


def registries(lines: Lines) -> dict[str, Any]:
    """Return the registries that the host asks."""
    results = (port(row) for row in with_word(lines, "registry"))
    return {"registries": tuple(each for each in results if each is not None)}


def blobs(lines: Lines) -> dict[str, Any]:
    """Return blobs of size zero; nothing where the host has no folder of blobs."""
    if not with_word(lines, "dir"):
        return {}
    return {"empty_blobs": tuple(line for line in lines if line.startswith("/"))}
