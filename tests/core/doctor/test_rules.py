"""Rules: one fault each, what it gives and what it does not; and the choice of the first cause."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import is_fault
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
)
from edgewright.core.doctor.findings import UNSURE
from tests.core.doctor.healthy import HEALTHY, NOW, PKI, disk, log, unit, units

MAC = "aa:bb:cc:dd:ee:ff"


def first_of(**changes: Any) -> str:
    diagnosis = diagnose(HEALTHY._replace(**changes))
    return "" if diagnosis.first is None else diagnosis.first.symptom


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
        (
            "out-of-memory",
            {"oom_log": log("shop.service: A process of this unit has been killed by the OOM killer.", "systemd")},
        ),
        ("io-errors", {"kernel_log": log("nvme nvme0: I/O 12 QID 3 timeout, aborting", "kernel")}),
        ("io-errors", {"kernel_log": log("ata2.00: failed command: READ FPDMA QUEUED", "kernel")}),
        ("duplicate-address", {"addresses": (Address("eno1", "10.4.1.7"), Address("eno1", "2001:db8::7", "", True))}),
        ("duplicate-address", {"kernel_log": log("IPv6: eno1: IPv6 duplicate address 2001:db8::7 used", "kernel")}),
        ("kine-down", {"kubelet_log": log("kine: dial tcp 10.4.1.8:2379: connection refused", "k3s"), "nodes": None}),
        (
            "image-signature",
            {"kubelet_log": log('Failed to pull image "r/x:1": signature is invalid'), "nodes": None},
        ),
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
        ("unit-stopped", {"units": units(unit("stylus-agent", "inactive", enabled="disabled"))}),
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
            "runtime-down",
            {
                "units": units(unit("containerd", sub="running"), unit("edgewright-agent")),
                "runtime_sockets": (),
                "read": frozenset({"kubernetes.runtime"}),
            },
        ),
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
        ("firewall-closed", {"dropped_ports": (6443, 10250)}),
        ("ip-forward-off", {"ip_forward": False, "kube_files": frozenset()}),
        ("cni-owner", {"cni_owner": "1000"}),
        ("var-tmp-mode", {"var_tmp_mode": "drwxr-xr-x."}),
        ("user-data-broken", {"broken_yaml": (("/oem/90_custom.yaml", "line 6: expected ',' or '}'"),)}),
        ("unit-masked", {"units": {**HEALTHY.units, "ssh": unit("ssh", "inactive", load="masked")}}),
        ("unit-failed", {"units": {**HEALTHY.units, "ssh": unit("ssh", "failed")}}),
        (
            "unit-masked",
            {
                "units": {
                    **HEALTHY.units,
                    "sshd": unit("sshd", "inactive", load="bad-setting"),
                    "ssh": unit("ssh", "failed", load="masked"),
                }
            },
        ),
        (
            "io-errors",
            {
                "kernel_log": log("I/O error, dev loop3, sector 8", "kernel"),
                "container": "systemd-nspawn",
                "file_systems": (*HEALTHY.file_systems, FileSystem("/opt/spectrocloud", device="/dev/loop3")),
            },
        ),
        ("runtime-state", {"runtime_log": log("meta.db: invalid database", "containerd")}),
        (
            "kubelet-settings",
            {
                "units": {**HEALTHY.units, "kubelet": unit("kubelet", "failed")},
                "kubelet_log": log(
                    "failed to load kubelet config file: cannot unmarshal string into KubeletConfiguration.failSwapOn",
                    "kubelet",
                ),
                "swap": True,
                "kubelet_settings": {"failSwapOn": "treu"},
                "nodes": None,
            },
        ),
        (
            "credential-lost",
            {
                "agent": HEALTHY.agent._replace(phase="unreachable", registered=False),
                "agent_log": log("The plane has deleted this host (ew-1).", "edgewright-agent"),
            },
        ),
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
        {"units": {**HEALTHY.units, "k3s": unit("k3s"), "containerd": unit("containerd", "inactive", load="masked")}},
        {"kernel_log": log("blk_update_request: I/O error, dev fd0, sector 0", "kernel")},
        {"certificates": (Certificate("/var/lib/kubelet/pki/kubelet.crt", begins=0.0, ends=NOW - 9),)},
        {"certificates": (Certificate(PKI + "apiserver.crt", begins=NOW - 10 * 86400, ends=NOW + 10 * 86400),)},
        {"clock_off": 58.0},
        {"waiting_jobs": ("edgewright-agent.service start waiting",), "uptime": 30.0},
        {"default_route": ("fe80::1", "eno1"), "gateway": "none"},
        {
            "links": (Link("eno1", "up", True, 1500, True, True), Link("eno2", "up", True, 1500, True, True, MAC)),
            "rivals": {"10.4.1.7": (MAC,)},
        },
        {"without_discards": ("data",)},
        {"oom_log": (LogLine(NOW - 4000, "systemd", "shop.service: Failed with result 'oom-kill'."),)},
        {"kernel_log": (LogLine(NOW - 4000, "kernel", "IPv6: eno1: IPv6 duplicate address 2001:db8::7 used"),)},
        {"units": {**HEALTHY.units, "remote-shell": unit("remote-shell", "activating", sub="start")}, "uptime": 60.0},
        {"nodes": (Node("edge-1", "Ready", "v1.32.3+k3s1"),)},
        {"var_tmp_mode": "drwxrwxrwt+"},
        {"dropped_ports": (10250,), "units": units(unit("edgewright-agent")), "kube_files": frozenset()},
        {"units": {**HEALTHY.units, "dropbear": unit("dropbear"), "ssh": unit("ssh", "inactive", load="masked")}},
        {"cni_owner": "root"},
    ],
)
def test_what_is_no_fault(changes: dict[str, Any]) -> None:
    assert [finding.key for finding in diagnose(HEALTHY._replace(**changes)).findings] == []


def test_a_masked_service_that_nothing_misses_is_no_fault() -> None:
    for name in ("systemd-networkd", "systemd-resolved", "systemd-timesyncd"):
        masked = {**HEALTHY.units, name: unit(name, "inactive", load="masked")}
        diagnosis = diagnose(HEALTHY._replace(units=masked))
        assert [(f.symptom, f.certainty) for f in diagnosis.findings] == [("unit-masked", UNSURE)]
        assert not is_fault(diagnosis)
    gone = diagnose(HEALTHY._replace(units=masked, clock_off=300.0))
    assert [f.symptom for f in gone.findings] == ["unit-masked", "clock-wrong"], "then it is why"


@pytest.mark.parametrize(
    ("symptom", "changes"),
    [
        ("no-trim", {"without_discards": ("data",), "cmdline": "rd.immucore.uki"}),
        ("version-avoided", {"nodes": (Node("edge-1", "Ready", "v1.32.2+k3s1"),)}),
        ("remote-shell", {"units": {**HEALTHY.units, "remote-shell": unit("remote-shell", "activating", sub="start")}}),
        ("io-errors", {"kernel_log": (LogLine(NOW - 90_000, "kernel", "Buffer I/O error on dev sdb, block 0"),)}),
    ],
)
def test_what_a_host_works_with_is_no_fault(symptom: str, changes: dict[str, Any]) -> None:
    diagnosis = diagnose(HEALTHY._replace(**changes))
    assert [(f.symptom, f.certainty) for f in diagnosis.findings] == [(symptom, UNSURE)] and not is_fault(diagnosis)


def test_silent_name_servers_are_no_cause_where_nothing_asks_for_names() -> None:
    refuses, plane = (Server("10.4.1.1", "refused"),), Port("10.4.0.2", 8443, "refused")
    away = HEALTHY._replace(servers=refuses, plane=plane, plane_resolves=None)
    found = diagnose(away).findings
    assert [(f.symptom, f.certainty) for f in found] == [("plane-unreachable", "likely"), ("dns-silent", UNSURE)]
    first = diagnose(away._replace(registries=(Port("r.example", 443, "name"),))).findings[0]
    assert (first.symptom, first.certainty) == ("dns-silent", "likely")


def test_a_pod_of_kube_vip_from_before_the_boot_is_named() -> None:
    lost = (Pod("kube-system", "kube-vip-edge-1", "1/1", "Unknown"), Pod("shop", "web", "0/1", "Unknown"))
    (finding,) = diagnose(HEALTHY._replace(pods=lost)).findings
    assert finding.fixes[0].command == "kubectl delete pod -n kube-system kube-vip-edge-1"
    assert not finding.fixes[0].repair and "Delete the pod of kube-vip" in finding.next_step


@pytest.mark.parametrize(
    ("cmdline", "command"),
    [
        ("root=LABEL=COS_PASSIVE", "grub2-editenv /oem/grubenv set next_entry=cos && reboot"),
        ("edgewright.slot=passive", "grub-editenv /oem/grubenv set next_entry=active && reboot"),
    ],
)
def test_the_way_back_to_the_active_slot_is_that_of_the_boot_loader(cmdline: str, command: str) -> None:
    (finding,) = diagnose(HEALTHY._replace(slot="passive", cmdline=cmdline)).findings
    assert finding.fixes[0].command == command
