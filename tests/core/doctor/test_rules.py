"""Rules: one fault each, what it gives and what it does not; and the choice of the first cause."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document, is_fault
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
    Pod,
    Port,
    Server,
    Unit,
)
from edgewright.core.doctor.findings import DANGERS, DESTRUCTIVE, NO_UNDO, SURE, UNSURE
from edgewright.core.doctor.symptoms import LEADS_TO, SYMPTOMS

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


def first_of(**changes: Any) -> str:
    diagnosis = diagnose(HEALTHY._replace(**changes))
    return "" if diagnosis.first is None else diagnosis.first.symptom


def disk(mount: str = "/", used: int = 100, free: int = 0, **more: Any) -> FileSystem:
    return FileSystem(mount, (mount,), more.pop("kind", "ext4"), 30_000_000, free, used, **more)


def log(text: str, unit_: str = "kubelet") -> tuple[LogLine, ...]:
    return (LogLine(NOW - 20, unit_, text),)


def test_a_healthy_host_has_no_finding_and_says_what_is_healthy() -> None:
    diagnosis = diagnose(HEALTHY)
    assert diagnosis.findings == () and not is_fault(diagnosis)
    assert {"disk / 33 %", "clock", "DNS", "etcd 1 of 1", "nodes 1 of 1", "certificates 200d"} <= set(diagnosis.fine)
    assert "agent registered, last heartbeat 20 s ago" in diagnosis.fine


def test_unknown_is_neither_healthy_nor_a_fault() -> None:
    diagnosis = diagnose(Facts(at=NOW))
    assert diagnosis.findings == () and diagnosis.fine == ()


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("disk-full", {"file_systems": (disk(),)}),
        ("disk-full", {"file_systems": (disk("/var", 94, 1000),)}),
        ("inodes-full", {"file_systems": (disk(used=50, free=10**7)._replace(inodes_used=100),)}),
        ("read-only", {"no_writes": ("/var/lib/edgewright",)}),
        ("io-errors", {"kernel_log": log("EXT4-fs error (device sda2): ext4_find_entry:1463", "kernel")}),
        ("out-of-memory", {"kernel_log": log("Out of memory: Killed process 812 (shop)", "kernel")}),
        ("out-of-memory", {"units": {**HEALTHY.units, "k3s": unit("k3s", "failed", result="oom-kill")}}),
        ("memory-low", {"available_kb": 100_000}),
        ("clock-wrong", {"clock_off": -180.0}),
        ("no-link", {"links": (Link("eno1", "down", False, 1500, True, True),)}),
        ("no-address", {"addresses": (Address("lo", "127.0.0.1", "host"), Address("eno1", "169.254.3.4", "link"))}),
        ("no-route", {"default_route": ("", "")}),
        ("gateway-silent", {"gateway": "silent"}),
        ("duplicate-address", {"rivals": {"10.4.1.7": ("aa:bb:cc:dd:ee:ff",)}}),
        ("vip-two-owners", {"rivals": {"10.4.1.9": ("aa:bb:cc:dd:ee:ff",)}, "vips": ("10.4.1.9",)}),
        ("dns-missing", {"name_servers": (), "servers": (), "plane_resolves": False}),
        ("dns-silent", {"servers": (Server("10.4.1.1", "silent"),), "plane_resolves": False}),
        ("name-unknown", {"plane_resolves": False, "plane": Port("hub.example", 8443, "name")}),
        ("plane-unreachable", {"plane": Port("hub.example", 8443, "refused")}),
        (
            "booted-passive",
            {"slot": "passive", "cmdline": "root=LABEL=COS_PASSIVE upgrade_failure", "upgrade_failure": True},
        ),
        ("booted-recovery", {"slot": "recovery"}),
        ("upgrade-failed", {"upgrade_failure": True}),
        ("unit-masked", {"units": units(unit("edgewright-agent"), unit("containerd", "inactive", load="masked"))}),
        ("unit-failed", {"units": units(unit("edgewright-agent", "failed", result="exit-code"))}),
        ("unit-stopped", {"units": units(unit("edgewright-agent", "inactive", condition=True))}),
        ("unit-restarts", {"units": units(unit("kubelet", "activating", sub="auto-restart", restarts=9))}),
        ("start-hangs", {"waiting_jobs": ("edgewright-agent.service start waiting", "a.service start running")}),
        (
            "swap-on",
            {
                "units": units(unit("kubelet", "activating", sub="auto-restart")),
                "kubelet_log": log("running with swap on is not supported"),
                "nodes": None,
            },
        ),
        (
            "cgroup-mismatch",
            {
                "units": units(unit("kubelet", "failed")),
                "kubelet_log": log("kubelet is configured to not run on a host using cgroup v1"),
                "nodes": None,
            },
        ),
        ("certificate-expired", {"certificates": (Certificate(PKI + "apiserver.crt", ends=NOW - 86400),)}),
        (
            "certificate-early",
            {"certificates": (Certificate(PKI + "apiserver.crt", begins=NOW + 86400, ends=NOW + 9**9),)},
        ),
        ("certificate-broken", {"certificates": (Certificate(PKI + "apiserver.crt", fault="issuer"),)}),
        ("certificate-soon", {"certificates": (Certificate(PKI + "apiserver.crt", ends=NOW + 5 * 86400),)}),
        (
            "etcd-no-quorum",
            {"members": (Member("a", "", True, True), Member("b", "", True, False), Member("c", "", True, False))},
        ),
        ("etcd-no-quorum", {"members": None, "etcd": "unhealthy", "etcd_leader": False}),
        (
            "etcd-member",
            {"members": (Member("a", "", True, True), Member("b", "", True, True), Member("c", "", True, False))},
        ),
        ("etcd-full", {"alarms": ("NOSPACE",)}),
        ("etcd-down", {"etcd": "silent", "etcd_leader": None, "members": None}),
        ("api-down", {"api": "silent"}),
        ("cni-missing", {"cni_configs": (), "nodes": None}),
        ("node-not-ready", {"nodes": (Node("edge-1", "NotReady"),)}),
        ("pods-fail", {"pods": (Pod("shop", "web-0", "0/1", "CrashLoopBackOff"),)}),
        ("registry-down", {"registries": (Port("registry.example", 443, "silent"),)}),
        (
            "registry-ca",
            {
                "kubelet_log": log(
                    'failed to pull image "r.example/x:1": x509: certificate signed by unknown authority'
                ),
                "nodes": None,
            },
        ),
        ("image-missing", {"kubelet_log": log('Failed to pull image "r.example/x:1": not found'), "nodes": None}),
        ("blobs-empty", {"empty_blobs": ("/usr/local/spectrocloud/peerbundle/sha256/aa",)}),
        ("runtime-down", {"runtime_answers": False}),
        (
            "runtime-state",
            {"runtime_log": log("failed to recover state: failed to reserve sandbox name", "containerd")},
        ),
        ("ip-forward-off", {"ip_forward": False}),
        ("user-data-broken", {"user_data_tabs": True}),
        (
            "kernel-old",
            {"kernel": "Linux 4.18.0", "step_log": (LogLine(None, "kube-init", "[ERROR SystemVerification]: x"),)},
        ),
        ("firewall-closed", {"units": units(unit("rke2-server")), "firewall_ports": ("22/tcp",)}),
    ],
)
def test_each_fault_alone_is_the_first_cause(expected: str, changes: dict[str, Any]) -> None:
    diagnosis = diagnose(HEALTHY._replace(**changes))
    assert diagnosis.first is not None and diagnosis.first.symptom == expected
    assert is_fault(diagnosis)
    assert diagnosis.first.evidence and diagnosis.first.next_step.endswith(".") and diagnosis.first.text.endswith(".")


@pytest.mark.parametrize(
    ("code", "symptom"),
    [
        ("UnknownCa", "wrong-ca"),
        ("InvalidEdgeToken", "token-refused"),
        ("DuplicateEdgeHostUid", "duplicate-uid"),
        ("CertificateExpired", "plane-certificate"),
        ("EdgeHostNotPreRegistered", "waits-for-approval"),
        ("UnAuthorizedAccess", "credential-lost"),
        ("WrongHostName", "wrong-name"),
        ("SomethingElse", "agent-unregistered"),
    ],
)
def test_what_our_agent_reports(code: str, symptom: str) -> None:
    agent = Agent(
        "edgewright-agent", "active", phase="refused", code=code, message="The plane said no.", registered=False
    )
    assert first_of(agent=agent) == symptom


def test_the_agent_s_report_of_the_way_counts_where_no_probe_knows_it() -> None:
    agent = Agent("edgewright-agent", "active", phase="unreachable", code="NoRoute", registered=True)
    unknown = {"plane": Port("10.4.0.2", 8443, ""), "plane_resolves": None}
    assert first_of(agent=agent, **unknown) == "plane-unreachable"
    assert first_of(agent=agent) == "agent-silent", "the probe has just reached it"


@pytest.mark.parametrize(
    "changes",
    [
        {"file_systems": (disk(kind="squashfs"),)},
        {"file_systems": (disk(read_only=True),)},
        {"file_systems": (FileSystem("/run", ("/run",), "tmpfs", 1000, 900, 10),)},
        {"no_writes": ("/usr/local", "/etc"), "immutable": True},
        {"units": {**HEALTHY.units, "cloud-init": unit("cloud-init", "inactive", type="oneshot")}},
        {"units": {**HEALTHY.units, "systemd-timesyncd": unit("systemd-timesyncd", "inactive", condition=False)}},
        {"units": {**HEALTHY.units, "docker": unit("docker", "inactive", load="masked")}},
        {"units": {**HEALTHY.units, "systemd-networkd": unit("systemd-networkd", "inactive", enabled="disabled")}},
        {"name_servers": (), "servers": (), "plane_resolves": None, "plane": Port("10.4.0.2", 8443, "open")},
        {"kubelet_log": (LogLine(NOW - 20, "kubelet", "cni plugin not initialized"),)},
        {
            "kubelet_log": (LogLine(NOW - 4000, "kubelet", "certificate has expired or is not yet valid"),),
            "nodes": None,
        },
        {"swap": True},
        {"clock_off": 58.0},
        {"waiting_jobs": ("edgewright-agent.service start waiting",), "uptime": 30.0},
        {"kernel_log": log("Out of memory: Killed process 1", "kernel"), "container": "systemd-nspawn"},
        {"default_route": ("fe80::1", "eno1"), "gateway": "none"},
    ],
)
def test_what_is_no_fault(changes: dict[str, Any]) -> None:
    assert [finding.key for finding in diagnose(HEALTHY._replace(**changes)).findings] == []


def test_a_full_disk_explains_what_follows_and_nothing_else() -> None:
    facts = HEALTHY._replace(
        file_systems=(disk(),),
        usage=(("/var/log/journal", 22_000_000), ("/root", 9000)),
        units=units(unit("edgewright-agent", "activating", sub="auto-restart", restarts=40)),
        clock_off=-180.0,
    )
    first, clock, agent = diagnose(facts).findings
    assert first.text == "/ is full (0 KB free of 29 GB); /var/log/journal has 21 GB of it."
    assert (first.symptom, first.certainty, first.explained_by) == ("disk-full", SURE, ())
    assert first.fixes[0].command == "journalctl --vacuum-size=500M" and first.fixes[0].undo == NO_UNDO
    assert (clock.symptom, clock.explained_by) == ("clock-wrong", ())
    assert agent.symptom == "unit-restarts" and agent.explained_by[0] == "disk-full:/"


def test_a_wrong_clock_explains_certificates() -> None:
    facts = HEALTHY._replace(
        clock=NOW + 400 * 86400,
        clock_off=400 * 86400.0,
        certificates=(Certificate(PKI + "apiserver.crt", begins=NOW - 9, ends=NOW + 200 * 86400),),
        api="silent",
        agent=Agent("edgewright-agent", "active", phase="unreachable", code="CertificateExpired", registered=True),
    )
    findings = diagnose(facts).findings
    assert [f.symptom for f in findings if not f.explained_by] == ["clock-wrong"]
    certificate = next(f for f in findings if f.symptom == "certificate-expired")
    assert "Correct the clock" in certificate.next_step and all("renew" not in fix.command for fix in certificate.fixes)


def test_no_route_explains_dns_and_plane() -> None:
    facts = HEALTHY._replace(
        default_route=("", ""),
        gateway="none",
        servers=(Server("8.8.8.8", "no-route"),),
        plane_resolves=False,
        plane=Port("hub.example", 8443, "name"),
        agent=Agent("edgewright-agent", "active", phase="unreachable", code="DnsFailed", registered=True),
    )
    findings = diagnose(facts).findings
    assert findings[0].symptom == "no-route" and all(f.explained_by for f in findings[1:]) and len(findings) > 2


def test_a_stopped_runtime_explains_the_kubelet_and_not_the_agent() -> None:
    facts = HEALTHY._replace(
        units=units(
            unit("containerd", "inactive"),
            unit("kubelet", "activating", sub="auto-restart"),
            unit("edgewright-agent", "failed"),
        ),
        nodes=(Node("edge-1", "NotReady"),),
    )
    explained = {f.key: f.explained_by for f in diagnose(facts).findings}
    assert "unit-stopped:containerd" in explained["unit-restarts:kubelet"]
    assert explained["unit-failed:edgewright-agent"] == () and explained["node-not-ready:edge-1"] != ()


def test_an_etcd_that_is_full_has_its_quorum() -> None:
    members = tuple(Member(name, "", True, False) for name in "abc")
    facts = HEALTHY._replace(members=members, alarms=("NOSPACE",), etcd="unhealthy", etcd_leader=True)
    assert [f.symptom for f in diagnose(facts).findings] == ["etcd-full"]


def test_of_a_unit_that_fails_the_last_runs_count() -> None:
    lines = (
        LogLine(NOW - 900, "kubelet", "running with swap on is not supported"),
        LogLine(NOW - 600, "kubelet", "failed to load kubelet config file /var/lib/kubelet/config.yaml"),
    )
    facts = HEALTHY._replace(units=units(unit("kubelet", "failed")), kubelet_log=lines, nodes=None)
    assert [f.symptom for f in diagnose(facts).findings] == ["kubelet-settings", "unit-failed"]
    runs = [
        LogLine(NOW - 900 + n, who, text)
        for n, (who, text) in enumerate(
            (
                ("systemd", "Started kubelet.service."),
                ("kubelet", "running with swap on is not supported"),
                ("systemd", "Started kubelet.service."),
                ("kubelet", "failed to load kubelet config file /var/lib/kubelet/config.yaml"),
                ("systemd", "Started kubelet.service."),
            )
        )
    ]
    facts = facts._replace(kubelet_log=tuple(runs))
    assert [f.symptom for f in diagnose(facts).findings] == ["kubelet-settings", "unit-failed"]


def test_a_unit_that_an_operator_stopped_is_not_explained_by_a_full_disk() -> None:
    facts = HEALTHY._replace(file_systems=(disk(),), units=units(unit("edgewright-agent", "inactive")))
    assert {f.symptom: f.explained_by for f in diagnose(facts).findings}["unit-stopped"] == ()


def test_a_failed_unit_that_nobody_needs_is_no_cause() -> None:
    diagnosis = diagnose(HEALTHY._replace(failed_units=("motd-news.service",)))
    assert [(f.symptom, f.certainty) for f in diagnosis.findings] == [("unit-other-failed", UNSURE)]
    assert not is_fault(diagnosis)


def test_destructive_fixes_are_never_first_and_never_alone() -> None:
    facts = HEALTHY._replace(
        file_systems=(disk(),),
        usage=(("/var/lib/containerd", 9_000_000),),
        runtime_log=log("failed to recover state", "containerd"),
        nodes=(Node("edge-1", "NotReady"),),
    )
    fixes = [finding.fixes for finding in diagnose(facts).findings]
    assert any(fix.danger == DESTRUCTIVE for each in fixes for fix in each)
    for each in fixes:
        assert not each or each[0].danger != DESTRUCTIVE
        assert all(fix.danger in DANGERS and fix.undo and fix.command and "\n" not in fix.command for fix in each)


def test_every_edge_is_of_known_symptoms() -> None:
    assert set(LEADS_TO) <= set(SYMPTOMS)
    assert {effect for effects in LEADS_TO.values() for effect in effects} <= set(SYMPTOMS)
    assert all(name not in effects for name, effects in LEADS_TO.items())


def test_the_document_has_everything() -> None:
    found = document("root@edge-1", HEALTHY, diagnose(HEALTHY._replace(gateway="silent")), root="sudo", seconds=2.14)
    assert found["fault"] is True and found["seconds"] == 2.1 and found["host"]["name"] == "edge-1"
    (only,) = found["findings"]
    assert only["symptom"] == "gateway-silent" and only["evidence"][0]["probe"] == "network.gateway"
    assert set(only["fixes"][0]) == {"title", "command", "danger", "undo"}
