"""The commands of fixes: values of a host are single words, and units and files are those of this host."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.facts import Agent, Certificate, Facts, Link, LogLine, Node, Pod, Port, Server
from edgewright.core.doctor.findings import Fix
from tests.core.doctor.healthy import HEALTHY, NOW, PKI, disk, log, unit, units

EVIL = "x;:>$M;$(:>$M)`:>$M`';:>$M;'"
"""No shell word by itself: each of its commands makes the file $M."""


def fixes_of(facts: Facts) -> list[Fix]:
    return [fix for finding in diagnose(facts).findings for fix in finding.fixes]


def commands_of(**changes: Any) -> list[str]:
    return [fix.command for fix in fixes_of(HEALTHY._replace(**changes))]


@pytest.mark.parametrize(
    "changes",
    [
        {"file_systems": (disk(f"/{EVIL}"),)},
        {"file_systems": (disk(f"/{EVIL}", used=50, free=10**7)._replace(inodes_used=100),)},
        {"links": (Link(EVIL, "down", False, 1500, True, True),)},
        {"links": (Link(EVIL, "down", False, 1500, True, False),)},
        {"gateway": "silent", "default_route": (EVIL, EVIL)},
        {"rivals": {EVIL: (EVIL,)}},
        {"rivals": {EVIL: (EVIL,)}, "vips": (EVIL,)},
        {"plane": Port(EVIL, 443, "refused")},
        {"plane": Port(EVIL, 443, "name"), "plane_resolves": False},
        {"registries": (Port(EVIL, 443, "silent"),)},
        {"empty_blobs": (f"/{EVIL}/sha256/aa",), "agent": Agent(EVIL, "active")},
        {"nodes": (Node(EVIL, "NotReady"),)},
        {"pods": (Pod(EVIL, EVIL, "0/1", "CrashLoopBackOff"),)},
        {"unreadable": (f"/{EVIL}",), "selinux": "Enforcing"},
        {"cni_owner": EVIL, "agent": Agent("palette-agent", "active")},
        {"units": units(unit(EVIL, "failed"))},
        {"units": units(unit(EVIL, "inactive", load="bad-setting"))},
        {"failed_units": (f"{EVIL}.service",)},
        {"waiting_jobs": ("kubelet.service start waiting", f"{EVIL} start running")},
        {"user_data_tabs": True, "user_data_tab_file": f"/{EVIL}"},
    ],
)
def test_a_value_of_a_host_is_one_word_of_a_command(changes: dict[str, Any], tmp_path: Path) -> None:
    fixes = fixes_of(HEALTHY._replace(**changes))
    assert any("$(:" in fix.command + fix.undo for fix in fixes), "else the value is in none of them"
    for command in [text for fix in fixes for text in (fix.command, fix.undo)]:
        environment = {"PATH": "/nowhere", "M": str(tmp_path / "executed")}
        subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, timeout=10, check=False)
        assert not (tmp_path / "executed").exists(), command


@pytest.mark.parametrize(
    ("names", "kubelet", "runtime"),
    [
        (("kubelet", "containerd"), "kubelet", "containerd"),
        (("kubelet", "edgewright-containerd"), "kubelet", "edgewright-containerd"),
        (("k3s",), "k3s", "k3s"),
        (("rke2-agent",), "rke2-agent", "rke2-agent"),
    ],
)
def test_commands_name_the_units_of_the_host(names: tuple[str, ...], kubelet: str, runtime: str) -> None:
    of_host = units(unit("edgewright-agent"), *(unit(name) for name in names))
    pulls = log('Failed to pull image "r.example/x:1": not found', kubelet)
    commands = commands_of(units=of_host, runtime_answers=False, kubelet_log=pulls, nodes=None)
    assert f"systemctl reset-failed {runtime}; systemctl restart {runtime}" in commands
    assert f"journalctl -u {runtime} -b -n 50 --no-pager" in commands
    assert f"journalctl -u {kubelet} -b -n 50 --no-pager" in commands
    assert not any("{" in command for command in commands)


def test_the_data_that_is_removed_is_that_of_the_runtime_of_the_host() -> None:
    line = log("failed to recover state: reserve sandbox name", "edgewright-containerd")
    ours = units(unit("kubelet"), unit("edgewright-containerd"))
    (wipe,) = [c for c in commands_of(units=ours, runtime_log=line, nodes=None) if "rm -rf" in c]
    assert "rm -rf /var/lib/edgewright/containerd;" in wipe and "start edgewright-containerd kubelet" in wipe


def test_a_certificate_is_made_again_by_its_phase_with_both_files_out_of_the_way() -> None:
    (command,) = [
        c for c in commands_of(certificates=(Certificate(PKI + "etcd/server.crt", fault="key"),)) if "init" in c
    ]
    assert command.endswith("; kubeadm init phase certs etcd-server") and "crt key" in command
    assert not [c for c in commands_of(certificates=(Certificate(PKI + "apiserver.crt", fault="key"),)) if "init" in c]


def test_renewed_certificates_are_taken_by_new_pods() -> None:
    renew = [
        c for c in commands_of(certificates=(Certificate(PKI + "apiserver.crt", ends=NOW - 86400),)) if "renew" in c
    ]
    assert renew and all("crictl stopp" in command and "touch" not in command for command in renew)

    for ends in (-86400.0, 3 * 86400.0):
        own = Certificate("/var/lib/kubelet/pki/kubelet-client-current.pem", begins=NOW - 9**8, ends=NOW + ends)
        (finding,) = diagnose(HEALTHY._replace(certificates=(own,))).findings
        assert "kubelet" in finding.next_step and not any("renew all" in fix.command for fix in finding.fixes)
    rke2 = (Certificate("/var/lib/rancher/rke2/agent/client-kubelet.crt", ends=NOW - 86400),)
    assert commands_of(certificates=rke2, units=units(unit("rke2-agent")))[-1].endswith(
        "; systemctl restart rke2-agent"
    )


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("blk_update_request: I/O error, dev nvme0n1, sector 9", "smartctl -a /dev/nvme0n1"),
        ("EXT4-fs error (device sdb2): ext4_find_entry:1463", "smartctl -a /dev/sdb"),
        ("EXT4-fs error (device dm-0): ext4_find_entry:1463", "lsblk -o NAME,SIZE,TYPE,MODEL,MOUNTPOINT"),
    ],
)
def test_the_disk_is_the_one_with_errors(line: str, command: str) -> None:
    assert commands_of(kernel_log=(LogLine(NOW - 5, "kernel", line),)) == [command]


def test_the_firewall_is_opened_by_its_own_program() -> None:
    rke2 = units(unit("rke2-server"))
    (ufw,) = fixes_of(HEALTHY._replace(units=rke2, firewall="ufw", firewall_ports=("22/tcp",)))
    assert (ufw.command, ufw.undo) == ("ufw allow 9345/tcp", "ufw delete allow 9345/tcp")
    for open_ports in (("9000-9400/tcp",), ("9345/tcp",), ("9345",), ("9000:9999/tcp",)):
        assert fixes_of(HEALTHY._replace(units=rke2, firewall_ports=open_ports)) == []
    assert fixes_of(HEALTHY._replace(units=rke2, firewall_ports=("93450/tcp", "9345/udp")))


def test_a_name_server_by_which_nothing_is_asked_is_no_sure_cause() -> None:
    refuses = (Server("10.4.1.1", "refused"),)
    by_address = HEALTHY._replace(servers=refuses, plane_resolves=None, plane=Port("10.4.0.2", 8443, "open"))
    assert [(f.symptom, f.certainty) for f in diagnose(by_address).findings] == [("dns-silent", "unsure")]
    unknown = by_address._replace(plane=None, agent=Agent())
    assert [f.certainty for f in diagnose(unknown).findings if f.symptom == "dns-silent"] == ["likely"]
    missed = by_address._replace(plane_resolves=False, plane=Port("hub.example", 8443, "name"))
    assert [(f.symptom, f.certainty) for f in diagnose(missed).findings][:1] == [("dns-silent", "sure")]


def test_dns_is_healthy_only_if_a_server_gives_names() -> None:
    for code, healthy in ((0, True), (3, True), (2, False), (5, False)):
        facts = HEALTHY._replace(servers=(Server("10.4.1.1", "answers", code),), plane_resolves=None)
        assert ("DNS" in diagnose(facts).fine) is healthy


def test_what_has_no_time_or_another_reason_is_no_sure_cause() -> None:
    def certainty(**changes: Any) -> list[str]:
        return [finding.certainty for finding in diagnose(HEALTHY._replace(**changes)).findings]

    assert certainty(oom_units=(("docker.service", 3),)) == ["unsure"], "a count since the unit's start, weeks ago"
    distro = {"units": units(unit("edgewright-agent"), unit("kubelet"), unit("edgewright-containerd"))}
    distro["units"]["containerd"] = unit("containerd", "inactive", condition=True)
    assert certainty(**distro) == ["unsure"], "another runtime does its work"
    assert certainty(registries=(Port("mirror.example", 443, "silent"),)) == ["likely"], "nothing was pulled from it"
    by_proxy = {"plane": Port("hub.example", 443, "silent"), "agent": Agent("palette-agent", "active")}
    assert certainty(**by_proxy) == ["sure"] and certainty(**by_proxy, user_data={"noProxy": "10.0.0.0/8"}) == [
        "likely"
    ]


def test_what_is_unsure_stands_last() -> None:
    soon = (Certificate(PKI + "apiserver.crt", ends=NOW + 5 * 86400),)
    findings = diagnose(HEALTHY._replace(oom_units=(("docker.service", 3),), certificates=soon)).findings
    assert [(f.symptom, f.certainty) for f in findings] == [("certificate-soon", "sure"), ("out-of-memory", "unsure")]
