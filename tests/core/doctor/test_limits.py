"""Rules about limits of the kernel, the last upgrade, the proxy before the plane, and an agent beside the unit's."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import is_fault
from edgewright.core.doctor.facts import LogLine, Port, Server
from edgewright.core.doctor.findings import DESTRUCTIVE, LIKELY, MACHINE, SURE, UNSURE, Diagnosis
from tests.core.doctor.healthy import HEALTHY, NOW, log, unit, units

CONTAINER = {"container": "systemd-nspawn"}
UNREACHED = HEALTHY.agent._replace(phase="unreachable", code="ProxyUnreachable", last_heartbeat=NOW - 4000)
FULL = LogLine(NOW - 60, "kernel", "nf_conntrack: nf_conntrack: table full, dropping packet")
TILL = "/system.slice/till.service"
REJECTED = LogLine(NOW - 60, "kernel", f"cgroup: fork rejected by pids controller in {TILL}")
PROXY = Port("proxy.example", 3128, "open")


def diagnosed(**changes: Any) -> Diagnosis:
    return diagnose(HEALTHY._replace(**changes))


@pytest.mark.parametrize(
    ("expected", "certainty", "changes"),
    [
        ("conntrack-full", LIKELY, {"conntrack": (262_144, 262_144)}),
        ("conntrack-full", SURE, {"conntrack": (250_000, 262_144), "kernel_log": (FULL,), **CONTAINER}),
        ("conntrack-full", LIKELY, {"conntrack": (90, 262_144), "kernel_log": (FULL,)}),
        ("conntrack-full", UNSURE, {"conntrack": (90, 262_144), "kernel_log": (FULL,), **CONTAINER}),
        ("", "", {"conntrack": (90_000, 262_144), "kernel_log": (FULL._replace(at=NOW - 4000),)}),
        ("", "", {"conntrack": (0, 0)}),
        ("pids-full", SURE, {"threads": 32_000, "threads_limit": 32_768}),
        ("pids-full", SURE, {"fork_refused": "sh: 3: Cannot fork"}),
        ("", "", {"threads": 900, "threads_limit": 32_768}),
        ("pids-full", SURE, {"limited": ((TILL, 40, 40, 7),)}),
        ("pids-full", LIKELY, {"limited": ((TILL, 40, 40, 0),)}),
        ("pids-full", UNSURE, {"limited": ((TILL, 3, 40, 7),)}),
        ("pids-full", LIKELY, {"limited": ((TILL, 3, 40, 7),), "kernel_log": (REJECTED,)}),
        ("pids-full", LIKELY, {"kernel_log": (REJECTED,)}),
        ("pids-full", UNSURE, {"kernel_log": (REJECTED,), **CONTAINER}),
        ("pids-full", LIKELY, {"unit_logs": {"till.service": log("sh: 1: Cannot fork", "sh")}}),
        (
            "pids-full",
            LIKELY,
            {"unit_logs": {"till.service": log("RuntimeError: can't start new thread", "python3")}},
        ),
        (
            "pids-full",
            LIKELY,
            {"runtime_log": log("runtime: failed to create new OS thread (have 9 already; errno=11)", "containerd")},
        ),
        ("", "", {"kubelet_log": log("read: resource temporarily unavailable"), "nodes": None}),
    ],
)
def test_limits_of_the_kernel(expected: str, certainty: str, changes: dict[str, Any]) -> None:
    found = diagnosed(**changes).findings
    assert [(f.symptom, f.certainty) for f in found] == ([(expected, certainty)] if expected else [])
    assert all(fix.danger != DESTRUCTIVE for each in found for fix in each.fixes)


def test_a_full_table_of_connections_explains_what_is_not_reached() -> None:
    found = diagnosed(
        conntrack=(100, 100),
        gateway="silent",
        servers=(Server("10.4.1.1", "silent"),),
        plane_resolves=False,
        plane=Port("hub.example", 8443, "name"),
        agent=UNREACHED._replace(code="DnsFailed"),
    ).findings
    assert found[0].symptom == "conntrack-full" and len(found) > 3 and all(f.explained_by for f in found[1:])


def test_the_limit_of_one_unit_explains_that_unit_alone() -> None:
    failed = {**HEALTHY.units, "kubelet": unit("kubelet", "failed"), "containerd": unit("containerd", "failed")}
    limited = (("/system.slice/till.service", 40, 40, 7), ("/system.slice/containerd.service", 9, 9, 1))
    found = {f.key: f.explained_by for f in diagnosed(units=failed, limited=limited, api="silent").findings}
    assert "pids-full:containerd" in found["unit-failed:containerd"]
    assert "pids-full:till" not in {cause for causes in found.values() for cause in causes}
    pod = diagnosed(limited=(("/kubepods/burstable/pod1/cri-containerd-2.scope", 9, 9, 1),)).findings
    assert [f.object for f in pod] == ["a pod"]
    (own,) = diagnosed(kernel_log=(REJECTED,), **CONTAINER).findings
    assert own.object == MACHINE


DONE = "INFO[2026-11-29] Upgrade completed"
WRONG = "ERRO[2026-11-29] running hook: failed to unpack image: no space left on device"


@pytest.mark.parametrize(
    ("lines", "changes", "certainty"),
    [
        ((DONE, WRONG), {"upgrade_at": NOW - 600}, LIKELY),
        ((WRONG,), {"upgrade_at": NOW - 90 * 86_400}, UNSURE),
        ((WRONG,), {"upgrade_at": NOW - 90 * 86_400, "upgrade_failure": True}, LIKELY),
        (('{"level":"error","message":"1 error occurred: exit status 1"}',), {"upgrade_at": NOW}, LIKELY),
        ((WRONG, DONE), {"upgrade_at": NOW}, ""),
        (("copied 4000 files, 0 errors", "warning: could not sync the clock, ignored"), {"upgrade_at": NOW}, ""),
        ((), {}, ""),
    ],
)
def test_the_end_of_the_log_of_an_upgrade(lines: tuple[str, ...], changes: dict[str, Any], certainty: str) -> None:
    found = diagnosed(upgrade_log=lines, upgrade_file="stylus-upgrade.log", **changes).findings
    assert [(f.symptom, f.certainty) for f in found] == ([("upgrade-failed", certainty)] if certainty else [])
    assert not found or (found[0].evidence[0].probe == "boot.slots" and "stylus-upgrade.log" in found[0].next_step)


def test_an_upgrade_that_failed_is_why_the_host_runs_its_passive_slot() -> None:
    changes = {"slot": "passive", "upgrade_failure": True, "cmdline": "root=LABEL=COS_PASSIVE upgrade_failure"}
    found = diagnosed(upgrade_log=(WRONG,), upgrade_file="stylus-upgrade.log", **changes).findings
    assert [f.symptom for f in found] == ["upgrade-failed", "booted-passive"] and found[1].explained_by


@pytest.mark.parametrize(
    ("proxy", "says", "words"),
    [
        (PROXY._replace(state="refused"), "", "refuses connections"),
        (PROXY._replace(state="silent"), "", "does not answer"),
        (PROXY._replace(state="name"), "", "does not resolve"),
        (PROXY, "407", "asks for a login"),
        (PROXY, "403", "refuses the way to the plane (HTTP 403)"),
        (PROXY, "503", "does not reach the plane (HTTP 503)"),
        (PROXY, "silent", "takes connections and does not answer"),
        (PROXY, "closed", "ends the connection"),
    ],
)
def test_a_proxy_that_lets_nothing_through(proxy: Port, says: str, words: str) -> None:
    found = diagnosed(plane=None, proxy=proxy, proxy_answer=says, agent=UNREACHED).findings
    assert [f.symptom for f in found] == ["plane-unreachable", "agent-silent"]
    assert words in found[0].text and found[0].certainty == LIKELY and found[1].explained_by
    well = diagnosed(plane=None, proxy=proxy, proxy_answer=says)
    assert not is_fault(well), "the agent has its plane: what the probe saw is over"


def test_behind_a_proxy_the_host_need_not_resolve_the_plane() -> None:
    way = {"proxy": PROXY, "proxy_answer": "200", "plane": Port("hub.example", 443, "open")}
    assert not diagnosed(**way, plane_resolves=False).findings
    silent = diagnosed(**way, plane_resolves=False, servers=(Server("10.4.1.1", "silent"),))
    assert [(f.symptom, f.certainty) for f in silent.findings] == [("dns-silent", UNSURE)]
    direct = diagnosed(proxy=PROXY._replace(state="refused"))  # without Python both ways are tried
    assert not is_fault(direct)


def test_an_agent_beside_the_unit_has_its_folder() -> None:
    line = log("Another agent already runs on the data folder /var/lib/edgewright.", "edgewright-agent")
    starting = unit("edgewright-agent", "activating", sub="start", restarts=1)
    found = diagnosed(units={**HEALTHY.units, "edgewright-agent": starting}, agent_log=line).findings
    assert [(f.key, f.certainty) for f in found] == [("unit-restarts:edgewright-agent", SURE)]
    assert "started beside its unit" in found[0].text
    assert not diagnosed(agent_log=line).findings, "it runs by now"
    assert not diagnosed(units=units(unit("containerd"), unit("kubelet")), agent_log=line).findings
