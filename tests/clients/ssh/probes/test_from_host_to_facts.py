"""Files that are no text, programs of another owner, logs with secrets, a disk that hangs: from a script to facts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edgewright.clients.ssh.probes.facts import facts_of
from edgewright.clients.ssh.probes.frames import Reading, Run
from edgewright.clients.ssh.probes.parsing import agent, host, kubernetes
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.sets import CATALOGUE
from tests.clients.ssh.probes.shells import run


def test_what_was_read_of_disks_before_one_hung_counts() -> None:
    lines = (
        "disk sda1 /data /dev/sda1",
        "fails /data dd: error reading '/data/x': Input/output error",
        "disk sdb1 /b x",
    )
    facts = facts_of(Run({"disk.reads": Reading("hung", lines)}, "root", True), 1.0, 2.0)
    assert [mount for mount, _ in facts.read_faults] == ["/data"] and "disk.reads" in facts.not_read


def test_what_was_said_of_keys_before_the_time_was_over_counts() -> None:
    lines = ("missing /etc/kubernetes/pki/apiserver-etcd-client.key", "match /etc/kubernetes/pki/apiserver.crt")
    readings = {"certificates.files": Reading("read", (), 0), "certificates.keys": Reading("hung", lines)}
    facts = facts_of(Run(readings, "root", True), 1.0, 2.0)
    faults = [(each.place, each.fault) for each in facts.certificates or ()]
    assert faults == [("/etc/kubernetes/pki/apiserver-etcd-client.key", "missing")]
    assert "certificates.keys" in facts.not_read


@pytest.mark.parametrize("data", ["a: hunter2\n".encode("utf-16"), b"a: hunter2\n" + bytes(4096) + b"\nb: 1\n"])
def test_user_data_in_utf_16_or_with_a_torn_end_is_found(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "90_custom.yaml"
    file.write_bytes(data)
    script = next(probe.script for probe in CATALOGUE if probe.id == "userdata.shape")
    done = subprocess.run(
        ["sh", "-c", script.replace("/oem/*.yaml", str(file))], capture_output=True, text=True, check=True
    )
    assert dict(agent.shapes(done.stdout.splitlines())["broken_yaml"])[str(file)].startswith("it has zero bytes")


def test_a_program_of_the_cni_that_is_not_roots_in_a_folder_that_is(tmp_path: Path) -> None:
    for number, name in enumerate(("bridge", "loopback")):
        (tmp_path / name).touch()
        os.chown(tmp_path / name, (0, 12345)[number] if os.getuid() == 0 else -1, -1)
    script = next(probe.script for probe in CATALOGUE if probe.id == "kubernetes.files")
    done = run([Probe("kubernetes.files", "", script.replace("/opt/cni/bin", str(tmp_path)), size=12288)])
    owner = kubernetes.files(done.readings["kubernetes.files"].lines)["cni_files_owner"]
    assert owner == ("12345" if os.getuid() == 0 else (tmp_path / "bridge").owner())


@pytest.mark.parametrize(
    "text",
    [
        "AWS_SECRET_ACCESS_KEY=hunter2AB",
        "run --password hunter2AB site",
        "passphrase=hunter2AB",
        "curl -u admin:hunter2AB https://x",
        "client-key-data: hunter2AB",
    ],
)
def test_a_secret_in_the_last_lines_of_a_unit_is_not_in_the_facts(text: str) -> None:
    line = f"log site.service 1780000000.5 host site[7]: {text}"
    (entry,) = host.errors([line])["unit_logs"]["site.service"]
    assert "hunter2" not in entry.text and entry.unit == "site" and entry.at == 1780000000.0


def test_the_key_for_further_control_planes_in_a_log_of_kubeadm_is_not_in_the_facts() -> None:
    line = (
        "kube-init   --control-plane --certificate-key 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    )
    (entry,) = kubernetes.step_log([line])["step_log"]
    assert "0123456789abcdef" not in entry.text and entry.text.startswith("  --control-plane --certificate-key ***")
