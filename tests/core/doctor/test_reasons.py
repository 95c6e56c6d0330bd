"""Rules by general evidence: a unit's own lines, starts that hang, mounts, the way to the plane, a node apart."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import is_fault
from edgewright.core.doctor.facts import (
    Address,
    Certificate,
    Entry,
    Facts,
    FileSystem,
    Link,
    LogLine,
    Node,
    Pod,
    Port,
    Unit,
)
from edgewright.core.doctor.findings import LIKELY, MACHINE, SURE, UNSURE, Diagnosis
from tests.core.doctor.healthy import HEALTHY, NOW, PKI, log, unit, units

UNREACHED = HEALTHY.agent._replace(phase="unreachable", last_heartbeat=NOW - 4000)
CONTAINER: dict[str, Any] = {"container": "systemd-nspawn"}
OUT_OF_MEMORY = LogLine(NOW - 60, "kernel", "Memory cgroup out of memory: Killed process 30276 (python3)")
NO_CLUSTER: dict[str, Any] = {"nodes": None, "kube_files": frozenset(), "api": "none", "etcd": "none"}


def diagnosed(**changes: Any) -> Diagnosis:
    return diagnose(HEALTHY._replace(**changes))


def said(*lines: str, by: str = "sshd") -> tuple[LogLine, ...]:
    return tuple(LogLine(NOW - 30 + n, by, line) for n, line in enumerate(lines))


@pytest.mark.parametrize(
    ("lines", "status", "words"),
    [
        (said("/etc/ssh/sshd_config line 12: Bad configuration option: Foo"), 255, "line 12: Bad configuration option"),
        (
            (
                *said("bind: Address already in use"),
                *said("ssh.service: Failed with result 'exit-code'.", by="systemd"),
            ),
            1,
            "bind: Address already in use",
        ),
        (
            said("ssh.service: Failed at step EXEC spawning /usr/sbin/sshd: Exec format error", by="systemd"),
            203,
            "its program cannot be started; ssh.service: Failed at step EXEC",
        ),
        (said('E1129 22:00:01.123456    77 run.go:72] "command failed" err="x"'), 1, 'has failed: "command failed"'),
        ((), 217, "its user does not exist"),
    ],
)
def test_a_unit_that_failed_is_named_with_its_own_reason(lines: tuple[LogLine, ...], status: int, words: str) -> None:
    failed = unit("ssh", "failed", result="exit-code", exit_status=status)
    found = diagnosed(units={**HEALTHY.units, "ssh": failed}, unit_logs={"ssh.service": lines}).findings[0]
    assert found.symptom == "unit-failed" and found.certainty == SURE and words in found.text
    assert not lines or found.evidence[-1].probe == "units.errors"


def test_an_agents_own_log_is_its_reason_where_no_other_was_read() -> None:
    failed = unit("edgewright-agent", "failed", result="exit-code", exit_status=1)
    changed = {**HEALTHY.units, "edgewright-agent": failed}
    found = diagnosed(units=changed, agent_log=log("ModuleNotFoundError: No module named 'ssl'", "python3"))
    assert "No module named 'ssl'" in found.findings[0].text


@pytest.mark.parametrize("name", ["dbus", "systemd-journald", "edgewright-reconciler", "chrony"])
def test_a_unit_of_the_system_that_failed_is_no_unit_to_do_without(name: str) -> None:
    found = diagnosed(units={**HEALTHY.units, name: unit(name, "failed", result="signal")})
    assert [(f.symptom, f.object) for f in found.findings] == [("unit-failed", name)] and is_fault(found)


def test_a_failed_ssh_server_explains_nothing_about_the_cluster() -> None:
    changed = {**HEALTHY.units, "ssh": unit("ssh", "failed", result="exit-code")}
    found = diagnosed(units=changed, api="silent").findings
    assert {f.symptom: f.explained_by for f in found} == {"unit-failed": (), "api-down": ()}


@pytest.mark.parametrize(
    ("active", "sub", "since", "certainty"),
    [
        ("activating", "start-pre", 300.0, LIKELY),
        ("activating", "start", 46.0, LIKELY),
        ("activating", "start-pre", 15.0, UNSURE),
        ("activating", "start-pre", 3.0, ""),
        ("activating", "auto-restart-queued", 300.0, ""),
        ("deactivating", "stop-sigterm", 60.0, LIKELY),
    ],
)
def test_a_start_that_does_not_end(active: str, sub: str, since: float, certainty: str) -> None:
    began = 9000.0 - since
    agent = unit("edgewright-agent", active, sub=sub, began=began, changed=began)
    found = diagnosed(units={**HEALTHY.units, "edgewright-agent": agent}).findings
    assert [f.certainty for f in found if f.symptom == "start-hangs"] == ([certainty] if certainty else [])


def test_a_chain_that_waits_behind_a_unit_which_has_just_begun_is_not_sure() -> None:
    jobs = ("prepare.service start running", "kubelet.service start waiting")
    for began, certainty in ((8000.0, LIKELY), (8995.0, UNSURE)):
        other = {"prepare.service": Unit("prepare", "loaded", "activating", "start", began=began)}
        (found,) = diagnosed(waiting_jobs=jobs, other_units=other).findings
        assert (found.symptom, found.certainty) == ("start-hangs", certainty) and "prepare.service" in found.text


def test_a_host_in_emergency_mode() -> None:
    found = diagnosed(system_state="maintenance", failed_units=("data.mount",)).findings
    assert {f.object for f in found} == {"data.mount", "emergency"} and found[0].symptom == "unit-failed"


def test_a_mount_that_failed_and_one_that_was_unmounted() -> None:
    lines = said("mount: /opt/site-data: special device UUID=1 does not exist.", by="mount")
    steers = diagnosed(failed_units=(r"media-a\x1b\x5b2J.mount",)).findings
    assert [f.text for f in steers] == ["/media/a\ufffd[2J could not be mounted."]
    name = r"opt-site\x2ddata.mount"
    (found,) = diagnosed(failed_units=(name,), unit_logs={name: lines}).findings
    assert (found.symptom, found.certainty) == ("unit-failed", LIKELY)
    assert "/opt/site-data could not be mounted: mount: /opt/site-data: special device" in found.text
    (gone,) = diagnosed(fstab=(Entry("/data", "ext4", False), Entry("/", "ext4", True))).findings
    assert (gone.symptom, gone.certainty, gone.object) == ("unit-stopped", LIKELY, "mount /data")
    (mild,) = diagnosed(fstab=(Entry("/data", "ext4", False, needed=False),)).findings
    assert mild.certainty == UNSURE
    assert not diagnosed(fstab=(Entry("none", "swap", False),)).findings


@pytest.mark.parametrize(
    ("system", "fstab", "certainty"),
    [
        (FileSystem("/data", ("/data",), "ext4", read_only=True), (Entry("/data", "ext4", True),), LIKELY),
        (FileSystem("/media/usb", ("/media/usb",), "ext4", read_only=True), (), UNSURE),
        (FileSystem("/data", ("/data",), "ext4", read_only=True), (Entry("/data", "ext4", True, writes=False),), ""),
        (FileSystem("/cdrom", ("/cdrom",), "iso9660", read_only=True), (), ""),
    ],
)
def test_a_disk_that_came_up_read_only(system: FileSystem, fstab: tuple[Entry, ...], certainty: str) -> None:
    found = diagnosed(file_systems=(*HEALTHY.file_systems, system), fstab=fstab).findings
    assert [(f.symptom, f.certainty) for f in found] == ([("read-only", certainty)] if certainty else [])


@pytest.mark.parametrize(
    ("expected", "certainty", "changes"),
    [
        ("io-errors", SURE, {"read_faults": (("/data", "dd: error reading '/dev/sdb': Input/output error"),)}),
        ("io-errors", LIKELY, {"counted_errors": (("/", 3, NOW - 600),)}),
        ("io-errors", UNSURE, {"counted_errors": (("/", 3, NOW - 30 * 86400),)}),
        ("io-errors", UNSURE, {"counted_errors": (("/", 3, None),)}),
        (
            "io-errors",
            LIKELY,
            {"kernel_log": log("I/O error, dev loop3", "kernel"), "disks": {"/": "loop3"}, **CONTAINER},
        ),
        (
            "io-errors",
            LIKELY,
            {"unit_logs": {"data.mount": said("mount: /data: can't read superblock: bad superblock")}},
        ),
        ("disk-full", LIKELY, {"unit_logs": {"till.service": said("inotify_add_watch: No space left on device")}}),
        (
            "out-of-memory",
            SURE,
            {
                "kernel_log": (OUT_OF_MEMORY,),
                "kill_log": (LogLine(NOW - 59, "systemd", "till.service: Main process exited, code=killed, status=9"),),
                **CONTAINER,
            },
        ),
        ("out-of-memory", LIKELY, {"pods": (Pod("shop", "till-0", "0/1", "OOMKilled"),)}),
        ("var-tmp-mode", LIKELY, {"tmp_mode": "drwxr-xr-x"}),
        ("memory-low", LIKELY, {"kubelet_log": log("eviction manager: must evict pod(s): memory"), "nodes": None}),
        (
            "disk-full",
            LIKELY,
            {"kubelet_log": log('"Image garbage collection failed" err="failed to garbage collect required amount"')},
        ),
    ],
)
def test_disks_and_memory(expected: str, certainty: str, changes: dict[str, Any]) -> None:
    found = diagnosed(**{"nodes": None, **changes}).findings
    assert (found[0].symptom, found[0].certainty) == (expected, certainty)


def test_what_the_machine_below_a_container_reports_is_unsure_and_last() -> None:
    lines = (LogLine(NOW - 60, "kernel", "I/O error, dev loop3, sector 8"), OUT_OF_MEMORY)
    found = diagnosed(kernel_log=lines, **CONTAINER)
    assert [(f.key, f.certainty) for f in found.findings] == [
        (f"io-errors:{MACHINE}", UNSURE),
        (f"out-of-memory:{MACHINE}", UNSURE),
    ]
    assert not is_fault(found)
    other = diagnosed(kernel_log=lines, failed_units=("till.service",), **CONTAINER)
    assert other.findings[0].symptom == "unit-other-failed", "what is known to be of this host is first"
    assert not diagnosed(kernel_log=(OUT_OF_MEMORY._replace(at=NOW - 4000),), **CONTAINER).findings


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("plane-unreachable", {"plane_tls": "silent"}),
        ("plane-unreachable", {"plane_tls": "error WRONG_VERSION_NUMBER"}),
        ("plane-unreachable", {"plane_tls": "closed"}),
        ("plane-unreachable", {"plane_tls": "ok", "lost_size": 1500, "passed_size": 1400}),
        ("plane-unreachable", {"plane_tls": "ok", "plane_http": 503}),
        ("wrong-ca", {"plane_tls": "ok", "plane_verify": 20}),
        ("wrong-name", {"plane_tls": "ok", "plane_verify": 62}),
        ("plane-certificate", {"plane_tls": "ok", "plane_verify": 10}),
    ],
)
def test_the_way_to_a_plane_whose_port_is_open(expected: str, changes: dict[str, Any]) -> None:
    found = diagnosed(agent=UNREACHED, **changes)
    assert (found.findings[0].symptom, found.findings[0].certainty) == (expected, LIKELY)
    assert found.findings[-1].symptom == "agent-silent" and found.findings[-1].explained_by
    well = diagnosed(**changes).findings
    assert all(f.certainty == UNSURE for f in well), "an agent that has its plane is right"


def test_sizes_and_the_line_of_etc_hosts_are_shown() -> None:
    first = diagnosed(agent=UNREACHED, plane_tls="silent", lost_size=1500, passed_size=700).findings[0]
    assert first.evidence[-1].text == "1500 bytes: no answer; 700 bytes: answer" and "700 or less" in first.next_step
    away = diagnosed(plane=Port("hub.example", 8443, "refused"), plane_hosts="10.9.9.9 hub.example").findings[0]
    assert away.evidence[-1].text == "/etc/hosts: 10.9.9.9 hub.example"


@pytest.mark.parametrize(
    ("expected", "certainty", "link"),
    [
        ("no-link", LIKELY, Link("eth1", "down", False, 1500, True, True, kind="card")),
        ("no-link", LIKELY, Link("eth1", "down", None, 1500, False, False, kind="vlan")),
        ("", "", Link("eth1", "down", False, 1500, False, True, kind="bridge")),
        ("", "", Link("eth2", "down", False, 1500, True, True, kind="card")),
        ("no-address", LIKELY, Link("eth2", "up", True, 1500, True, True, setup="failed")),
        ("no-address", UNSURE, Link("eth2", "up", True, 1500, True, True, setup="configuring")),
    ],
)
def test_one_card_of_several(expected: str, certainty: str, link: Link) -> None:
    links, addresses = HEALTHY.links or (), HEALTHY.addresses or ()
    used = (*addresses, Address("eth1", "10.7.0.2", "global"))
    found = diagnosed(links=(*links, link), addresses=used).findings
    assert [(f.symptom, f.certainty) for f in found] == ([(expected, certainty)] if expected else [])


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("node-not-ready", {"kubelet_server": Port("10.4.1.99", 6443, "no-route")}),
        ("node-not-ready", {"kubelet_log": log('"Unable to register node with API server" err="dial tcp"')}),
        ("node-not-ready", {"kubelet_log": log('nodes "edge-9" is forbidden: node "a" is not allowed to modify node')}),
        (
            "api-down",
            {"kubelet_log": log("Could not process manifest file /etc/kubernetes/manifests/kube-apiserver.yaml")},
        ),
        ("etcd-down", {"kubelet_log": log("Could not process manifest file /etc/kubernetes/manifests/etcd.yaml: x")}),
        ("runtime-down", {"cri_disabled": True}),
        ("runtime-down", {"cri_error": True}),
        ("firewall-closed", {"closed_ports": (10250,)}),
        ("firewall-closed", {"forward_dropped": True}),
        (
            "cni-missing",
            {
                "cni_configs": (),
                "runtime_log": log('received fs event" event="fs change event(REMOVE \\"x\\")"', "containerd"),
                **NO_CLUSTER,
            },
        ),
        ("unit-failed", {"units": units(unit("edgewright-agent"), unit("containerd"))}),
        (
            "unit-restarts",
            {"units": units(unit("kubelet", "activating", sub="auto-restart")), "runtime_sockets": ()},
        ),
        ("certificate-broken", {"certificates": (Certificate(PKI + "apiserver.key", fault="missing"),)}),
        ("certificate-broken", {"certificates": (Certificate("/etc/kubernetes/kubelet.conf", fault="other-ca"),)}),
        (
            "kubelet-settings",
            {
                "units": {**HEALTHY.units, "kubelet": unit("kubelet", "activating", sub="auto-restart")},
                "kubelet_log": log('err="failed to run Kubelet: validate CRI v1 runtime API for endpoint"'),
            },
        ),
        (
            "unit-stopped",
            {"units": {**HEALTHY.units, "containerd": unit("containerd", "inactive", enabled="disabled")}},
        ),
    ],
)
def test_a_node_that_is_none(expected: str, changes: dict[str, Any]) -> None:
    read = frozenset({"agent.unit", "kubernetes.files"})
    found = diagnosed(**{"nodes": None, "read": read, **changes}).findings
    assert found and found[0].symptom == expected and found[0].certainty != UNSURE


@pytest.mark.parametrize(("name", "silent"), [("kube-apiserver", "api"), ("etcd", "etcd")])
def test_a_static_pod_that_is_no_yaml_is_the_cause_and_named(name: str, silent: str) -> None:
    """The server does not answer since its file cannot be read; a line of before its correction is over."""
    path = f"/etc/kubernetes/manifests/{name}.yaml"
    text = f'"Could not process manifest file" err="{path}: couldn\'t parse as pod(yaml: line 7: did not find x)"'
    broken = diagnosed(kubelet_log=log(text), nodes=None, **{silent: "silent"})
    first = broken.findings[0]
    assert (first.symptom, first.certainty) == (f"{silent}-down", SURE) and f"the static pod {name}" in first.text
    assert first.next_step == f"Correct {path}." and len(first.evidence) == 2
    assert [f.symptom for f in broken.findings].count(f"{silent}-down") == 1
    old = (log(text)[0]._replace(at=(HEALTHY.clock or 0.0) - 200),)
    over = diagnosed(kubelet_log=old, nodes=None, **{silent: "silent"}).findings[0]
    assert "static pod" not in over.text and over.symptom == f"{silent}-down"
    assert not diagnosed(kubelet_log=old).findings


def test_a_kubelet_without_a_cluster_needs_no_cni_and_a_ready_node_no_second_opinion() -> None:
    assert not diagnosed(cni_configs=(), cni_programs=(), **NO_CLUSTER).findings
    ready = diagnosed(kubelet_server=Port("10.4.1.99", 6443, "silent"), nodes=(Node("edge-1", "Ready"),))
    assert not ready.findings
    (alone,) = diagnosed(closed_ports=(10250,)).findings
    assert (alone.symptom, alone.certainty) == ("firewall-closed", UNSURE), "the only node of its cluster"
    (cordoned,) = diagnosed(nodes=(Node("edge-1", "Ready,SchedulingDisabled"),)).findings
    assert (cordoned.key, cordoned.certainty) == ("node-not-ready:cordoned", UNSURE)


def test_nothing_is_said_of_what_was_not_read() -> None:
    assert diagnose(Facts(at=NOW, plane=Port("hub.example", 8443, "open"), container="docker")).findings == ()


@pytest.mark.parametrize(
    ("expected", "certainty", "changes"),
    [
        ("unit-stopped", LIKELY, {"frozen_units": ("edgewright-agent", "till")}),
        ("runtime-down", LIKELY, {"frozen_units": ("containerd",)}),
        (
            "unit-stopped",
            LIKELY,
            {"units": units(unit("edgewright-agent", "inactive", condition=False)), "kube_files": frozenset()},
        ),
        ("plane-unreachable", SURE, {"plane": Port("hub.example", 8443, "error"), "agent": UNREACHED}),
        (
            "user-data-broken",
            LIKELY,
            {"agent": HEALTHY.agent._replace(phase="", missing_data="/etc/edgewright/user-data")},
        ),
        (
            "pods-fail",
            LIKELY,
            {"pods": None, "kubelet_log": log('"Error syncing pod, skipping" err="failed to start"')},
        ),
        (
            "certificate-broken",
            LIKELY,
            {"certificates": (Certificate(PKI + "apiserver.crt", addresses=("10.96.0.1", "10.4.9.9")),)},
        ),
    ],
)
def test_what_runs_and_does_nothing(expected: str, certainty: str, changes: dict[str, Any]) -> None:
    found = diagnosed(**{"nodes": None, **changes}).findings
    assert (found[0].symptom, found[0].certainty) == (expected, certainty)


def test_a_certificate_for_an_address_of_the_host_is_right() -> None:
    named = Certificate(PKI + "apiserver.crt", addresses=("10.96.0.1", "10.4.1.7", "127.0.0.1"))
    assert not diagnosed(certificates=(named,)).findings


def test_programs_of_the_cni_with_the_owner_of_their_archive_are_no_fault() -> None:
    found = diagnosed(cni_files_owner="1001")
    assert [(f.symptom, f.certainty) for f in found.findings] == [("cni-owner", UNSURE)] and not is_fault(found)
