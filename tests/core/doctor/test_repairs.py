"""The catalogue of fixes that may be applied: closed, checked, and nothing in it removes data."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.facts import Agent, Certificate, Facts, Link, Server
from edgewright.core.doctor.findings import DANGERS, DESTRUCTIVE, NO_UNDO, Fix
from edgewright.core.doctor.repairs import ENTRIES, LATER, repair
from edgewright.core.doctor.rules.host import WRITABLE
from edgewright.core.errors import InvalidInput
from tests.core.doctor.healthy import HEALTHY, NOW, PKI, disk, log, unit, units

SICK: tuple[Facts, ...] = (
    HEALTHY._replace(units=units(unit("kubelet", "inactive"), unit("edgewright-agent", "failed"))),
    HEALTHY._replace(units={**HEALTHY.units, "containerd": unit("containerd", "inactive", load="masked")}),
    HEALTHY._replace(runtime_answers=False),
    HEALTHY._replace(links=(Link("eno1", "down", False, 1500, True, False),), addresses=()),
    HEALTHY._replace(default_route=("", "")),
    HEALTHY._replace(no_writes=("/var/log",), file_systems=(disk("/var/log", 10, 10**7),)),
    HEALTHY._replace(units=units(unit("kubelet", "inactive")), swap=True, kubelet_settings={"failSwapOn": "true"}),
    HEALTHY._replace(ip_forward=False),
    HEALTHY._replace(cni_owner="nobody", agent=Agent("palette-agent", "active")),
    HEALTHY._replace(unreadable=("/var/lib/kubelet/kubeadm-flags.env",), selinux="Enforcing"),
    HEALTHY._replace(kube_files=frozenset({"/etc/kubernetes/kubelet.conf"})),
    HEALTHY._replace(certificates=(Certificate(PKI + "apiserver.crt", ends=NOW - 9),)),
    HEALTHY._replace(certificates=(Certificate(PKI + "etcd/peer.crt", fault="key"),)),
    HEALTHY._replace(units=units(unit("rke2-server")), firewall="ufw", firewall_ports=("22/tcp",)),
    HEALTHY._replace(units=units(unit("rke2-server")), firewall="firewalld", firewall_ports=("22/tcp",)),
    HEALTHY._replace(waiting_jobs=("kubelet.service start waiting", "x.service start running")),
    HEALTHY._replace(clock_off=900.0, units=units(unit("chronyd"))),
    HEALTHY._replace(
        units=units(unit("systemd-resolved", "inactive")), var_tmp_mode="drwxr-xr-x", servers=(Server("10.4.1.1"),)
    ),
    HEALTHY._replace(nodes=None, kubelet_log=log("lookup kubernetes on 10.0.0.1: no such host")),
    HEALTHY._replace(nodes=None, kubelet_log=log("open kubeadm-flags.env: permission denied")),
)


def offered() -> list[Fix]:
    return [fix for facts in SICK for finding in diagnose(facts).findings for fix in finding.fixes if fix.repair]


def test_what_a_finding_names_is_what_is_run() -> None:
    for fix in offered():
        known = repair(fix.repair)
        assert (known.command, known.undo or NO_UNDO, known.danger) == (fix.command, fix.undo, fix.danger), fix.repair
        assert not set(LATER) & set(re.findall(r"\{[a-z]+\}", known.command + known.undo + known.changes))


def test_every_entry_is_offered_by_a_rule() -> None:
    assert {fix.repair.partition(":")[0] for fix in offered()} == set(ENTRIES)


def test_no_entry_removes_data_resets_or_changes_the_members_of_etcd() -> None:
    removes = re.compile(
        r"\brm\b|delete(?! allow)|--prune|\bdd\b|mkfs|wipefs|etcdctl|kubeadm reset|reboot|vacuum|truncate|>"
    )
    for name, entry in ENTRIES.items():
        assert entry.danger in DANGERS and entry.danger != DESTRUCTIVE
        assert removes.search(entry.command + entry.undo) is None, name


def test_a_certificate_that_is_made_again_twice_leaves_each_old_file(tmp_path: Path) -> None:
    known = repair("certificate-again:etcd-peer")
    base = tmp_path / "etcd/peer"
    base.parent.mkdir()
    kubeadm = tmp_path / "kubeadm"
    kubeadm.write_text(f"#!/bin/sh\nfor e in crt key; do echo made $(date +%N) >{base}.$e; done\n")
    kubeadm.chmod(0o755)
    for ending in ("crt", "key"):
        base.with_suffix(f".{ending}").write_text("first\n")

    def run(command: str) -> str:
        text = command.replace("/etc/kubernetes/pki", str(tmp_path))
        assert str(base) in text and "/etc/kubernetes" not in text
        subprocess.run(["sh", "-ec", text], check=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        return base.with_suffix(".crt").read_text()

    second = run(known.command)
    run(known.command)
    for ending in ("crt", "key"):
        olds = {path.read_text() for path in base.parent.glob(f"peer.{ending}.old*")}
        assert len(olds) == 2 and "first\n" in olds
    assert run(known.undo) == second, "the undo gives back what was there before the last time"


@pytest.mark.parametrize(
    "text",
    [
        "", "unit-start", "unit-start:", "unit-start:sshd", "unit-start:kubelet;reboot", "unit-start:kubelet\n",
        "swap-off:x", "card-on:eno1 up", "card-on:$(id)", "card-on:-a", "mount-writable:/../etc",
        "mount-writable:/boot",
        "label-restore:/etc/shadow", "certificate-again:apiserver", "cni-owner:a b", "job-end:-x", "nonsense", "x:y",
    ],
)  # fmt: skip
def test_nothing_else_is_a_fix(text: str) -> None:
    with pytest.raises(InvalidInput, match="There is no fix"):
        repair(text)


def test_every_folder_that_is_mounted_read_only_can_be_made_writable() -> None:
    assert all(repair(f"mount-writable:{folder}").command.endswith(f" {folder}") for folder in WRITABLE | {"/"})


def test_a_value_that_the_catalogue_does_not_take_is_shown_and_cannot_be_applied() -> None:
    facts = HEALTHY._replace(links=(Link("x;reboot", "down", False, 1500, True, False),))
    (fix,) = [fix for finding in diagnose(facts).findings for fix in finding.fixes if "link set" in fix.command]
    assert fix.command == "ip link set 'x;reboot' up" and fix.repair == ""
