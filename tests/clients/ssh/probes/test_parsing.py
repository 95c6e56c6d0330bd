"""Parsers: what programs really print, what is missing, and whatever a hostile host prints."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.clients.ssh.probes.facts import facts_of
from edgewright.clients.ssh.probes.frames import Reading, Run
from edgewright.clients.ssh.probes.parsing import agent, disk, host, kubernetes, network
from edgewright.clients.ssh.probes.sets import CATALOGUE
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.doctor.rules.reading import telling
from edgewright.core.doctor.unit_names import AGENTS
from tests.clients.ssh.probes.shells import run

UNITS = """system degraded
Type=simple
Result=exit-code
NRestarts=7
ExecMainStatus=1
Id=kubelet.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
UnitFileState=enabled
ConditionResult=yes
ActiveEnterTimestampMonotonic=900000

Id=k3s.service
LoadState=not-found
ActiveState=inactive

Id=containerd.service
LoadState=masked
ActiveState=inactive
UnitFileState=masked""".splitlines()


def run_of(**lines: str) -> Run:
    """Return a run that read these probes and no others; a name has `__` for the point."""
    texts = {name.replace("__", "."): tuple(text.splitlines()) for name, text in lines.items()}
    readings = {p.id: Reading("read", texts[p.id], 0) if p.id in texts else Reading("lost") for p in CATALOGUE}
    return Run(readings, "root", True)


def test_clock_and_uptime_are_of_one_moment_on_a_host_that_is_read_slowly() -> None:
    """Else what a unit wrote at its start counts as written before it, and is left out."""
    up = "uptime 1000.20 900.00\nload 20.1 1 1"
    log = "1796010242.400000 till stylus-agent[7]: tls: x509: certificate signed by unknown authority"
    unit = "Id=stylus-agent.service\nLoadState=loaded\nActiveState=active\nActiveEnterTimestampMonotonic=1001000000"
    slow = run_of(boot__uptime=up, units__state=unit, agent__log=log, time__clock="epoch 1796010250\nuptime 1009.10")
    facts = facts_of(slow, 1796010240.0, 1796010260.0)
    assert (facts.clock, facts.uptime, facts.load) == (1796010250.0, 1009.1, 20.1)
    assert [line.unit for line in telling(facts, facts.agent_log, AGENTS)] == ["stylus-agent"]
    old = run_of(boot__uptime=up, time__clock="epoch 1796010250")
    assert facts_of(old, 1796010240.0, 1796010260.0).uptime == 1000.2


def test_units_that_are_not_there_are_no_facts() -> None:
    facts = host.units(UNITS)
    assert set(facts["units"]) == {"kubelet", "containerd"} and facts["systemd"] is True
    kubelet = facts["units"]["kubelet"]
    assert (kubelet.active, kubelet.restarts, kubelet.exit_status, kubelet.entered) == ("activating", 7, 1, 0.9)
    assert facts["units"]["containerd"].load == "masked"
    assert host.units(["no-systemctl"]) == {"systemd": False} and host.units([]) == {}


@pytest.mark.parametrize(
    ("line", "slot", "failed"),
    [
        ("BOOT_IMAGE=x root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img", "active", False),
        ("root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img upgrade_failure", "passive", True),
        ("root=LABEL=COS_RECOVERY", "recovery", False),
        ("quiet root=/dev/sda1", "", False),
    ],
)
def test_slots(line: str, slot: str, failed: bool) -> None:
    facts = host.cmdline([line])
    assert (facts["slot"], facts["upgrade_failure"]) == (slot, failed)


def test_disks_by_mount() -> None:
    space = [
        "/dev/sda2 30000000 29900000 0 100% / /",
        "/dev/sda2 30000000 29900000 0 100% / /var",
        "tmpfs 100 0 100 - /run /run",
        "garbage",
    ]
    facts = disk.file_systems(
        space, ["/dev/sda2 100 50 50 50% / /"], ["mount / ext4 rw", "no-writes /etc", "writes /var"]
    )
    root, memory = facts["file_systems"]
    assert (root.paths, root.used, root.inodes_used, root.kind, root.read_only) == (
        ("/", "/var"),
        100,
        50,
        "ext4",
        False,
    )
    assert memory.used is None and facts["no_writes"] == ("/etc",)


def test_routes_of_the_kernel() -> None:
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
    rows = [
        head,
        "eth1 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0",
        "eth0 00000000 01A6420A 0003 0 0 0 00000000 0 0 0",
    ]
    assert network.routes(rows, [])["default_route"] == ("10.66.166.1", "eth0")
    assert network.routes([head], [])["default_route"] == ("", "") and network.routes([], []) == {}
    six = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 1 0 00000003 eth0"
    assert network.routes([head], [six])["default_route"] == ("fe80::1", "eth0")
    assert network.routes([head], [six.replace("eth0", "lo")])["default_route"] == ("", "")


def test_addresses_of_three_programs() -> None:
    new = ["2: host0    inet 10.66.166.11/24 brd 10.66.166.255 scope global host0\\ valid_lft forever"]
    busybox = ["ifconfig eth0      Link encap:Ethernet", "ifconfig           inet addr:10.1.2.3  Bcast:10.1.2.255"]
    assert network.addresses(new)["addresses"][0][:3] == ("host0", "10.66.166.11", "global")
    assert network.addresses(busybox)["addresses"][0][:2] == ("eth0", "10.1.2.3")
    assert network.addresses(["no-program"]) == {}


def test_etcd_of_two_versions() -> None:
    member = "member 8e9e05c52164694d, started, m1, https://127.0.0.1:2380, https://127.0.0.1:2379, false"
    down = "member 91bc3c398fb3c146, started, m2, https://127.0.0.1:12380, https://127.0.0.1:12379, false"
    lines = [
        member,
        down,
        "health https://127.0.0.1:2379 is healthy: successfully committed proposal: took = 9ms",
        "health https://127.0.0.1:12379 is unhealthy: failed to commit proposal",
        "alarm memberID:1 alarm:NOSPACE",
    ]
    facts = kubernetes.members(lines)
    assert [(m.name, m.healthy) for m in facts["members"]] == [("m1", True), ("m2", False)]
    assert facts["alarms"] == ("NOSPACE",)
    assert kubernetes.etcd_health(['health {"health":"true","reason":""}', "metric etcd_server_has_leader 1"]) == {
        "etcd": "serves",
        "etcd_leader": True,
    }
    assert kubernetes.etcd_health(["health no-answer"]) == {"etcd": "silent"}


def test_nodes_and_pods() -> None:
    node = "edge-1 NotReady,SchedulingDisabled control-plane 9d v1.36.3 10.4.1.7 <none> Debian 6.1 containerd://2"
    assert kubernetes.nodes([node], 0)["nodes"][0][:2] == ("edge-1", "NotReady,SchedulingDisabled")
    refused = "The connection to the server 10.4.1.9:6443 was refused - did you specify the right host or port?"
    assert kubernetes.nodes([refused], 1) == {"kube_error": refused} and kubernetes.pods([refused]) == {}
    for error in ("Error from server (Forbidden): pods is forbidden", "error: no auth", "W1129 16:00 memcache.go:265"):
        assert kubernetes.pods([error, "listed 1"]) == {}
    assert kubernetes.pods([]) == {} and kubernetes.pods(["listed 0"]) == {"pods": ()}
    pod = "shop web-0 0/1 ImagePullBackOff 0 5m 10.1.1.1 edge-1 <none> <none>"
    assert kubernetes.pods([pod])["pods"][0][:4] == ("shop", "web-0", "0/1", "ImagePullBackOff")


def test_our_agent_s_report() -> None:
    body = r'status {"sha256": "x", "body": "{\"phase\":\"unreachable\",\"code\":\"UnknownCa\",\"interval\":60}"}'
    found = agent.agent(["agent edgewright-agent", "ActiveState=active"], [body, "not-registered"], [])["agent"]
    assert (found.phase, found.code, found.registered, found.interval) == ("unreachable", "UnknownCa", False, 60.0)
    broken = agent.agent(["agent edgewright-agent"], ["status {" + "[" * 5000], [])["agent"]
    assert broken.phase == "" and broken.registered is None


def test_nothing_is_healthy_by_absence() -> None:
    facts = facts_of(Run({p.id: Reading("lost") for p in CATALOGUE}, "unknown", False), 100.0, 101.0)
    diagnosis = diagnose(facts)
    assert diagnosis.findings == () and diagnosis.fine == ()
    assert sum(map(len, diagnosis.not_read.values())) == len(CATALOGUE)


def test_the_clock_has_an_error_of_half_the_run() -> None:
    facts = facts_of(run_of(time__clock="epoch 1000"), 1100.0, 1110.0)
    assert (facts.clock_off, facts.clock_error) == (-105.0, 6.0)
    assert facts_of(run_of(time__clock="epoch x"), 1.0, 2.0).clock_off is None


def test_probes_without_a_program_are_not_read() -> None:
    facts = facts_of(run_of(network__addresses="no-program", network__duplicate="vip 10.0.0.9\nno-program"), 1.0, 2.0)
    assert facts.not_read["network.addresses"] == "the host has no program for it" and facts.addresses is None


def test_what_was_read_in_part_without_root_is_named() -> None:
    run = run_of(boot__cmdline="quiet", certificates__files="file /etc/kubernetes/pki/ca.crt\nunreadable")
    assert facts_of(run, 1.0, 2.0).in_part == ()
    facts = facts_of(run._replace(way="refused"), 1.0, 2.0)
    assert facts.in_part == ("certificates.files",)
    assert diagnose(facts).not_read["read in part, the rest needs sudo"] == ["certificates.files"]


def test_what_another_user_than_root_does_not_see_is_unknown() -> None:
    lines = {
        "disk__mounts": "mount / ext4 rw\nmount /var/log ext4 ro\nno-writes /etc\nno-writes /var/log",
        "kubernetes__files": "file /etc/kubernetes/kubelet.conf -rw------- root 9\ndir /etc/cni/net.d drwx------ root",
        "images__blobs": "dir /usr/local/spectrocloud/peerbundle/sha256",
        "units__state": "system running\nId=kubelet.service\nLoadState=loaded\nActiveState=active\nSubState=running",
    }
    seen = run_of(**lines)
    user = facts_of(seen._replace(way="refused"), 1.0, 2.0)
    assert user.no_writes == ("/var/log",) and user.cni_configs is None and user.empty_blobs is None
    assert [finding.symptom for finding in diagnose(user).findings] == ["read-only"]
    as_root = {name: reading._replace(root=True) for name, reading in seen.readings.items()}
    root = facts_of(seen._replace(readings=as_root), 1.0, 2.0)
    assert root.no_writes == ("/etc", "/var/log") and root.cni_configs == () and root.empty_blobs == ()
    assert {finding.symptom for finding in diagnose(root).findings} == {
        "read-only",
        "kubelet-settings",
        "cni-missing",
    }


def test_a_host_without_systemd_has_no_healthy_units() -> None:
    facts = facts_of(
        run_of(units__state="no-systemctl", units__failed="no-program", agent__unit="no-program"), 1.0, 2.0
    )
    assert facts.systemd is False and facts.failed_units is None
    assert not any("unit" in text or "agent" in text for text in diagnose(facts).fine)


_WORDS = st.one_of(
    st.sampled_from(
        [
            "file /etc/kubernetes/pki/ca.crt",
            "conf /etc/x AAAA",
            "-----BEGIN CERTIFICATE-----",
            "-----END CERTIFICATE-----",
            "Id=kubelet.service",
            "LoadState=loaded",
            "ActiveState=failed",
            "asked 10.0.0.1 eth0 aa:bb:cc:dd:ee:ff",
            "status {}",
            "member 0123456789abcdef, started, a, b, c, d",
            "link a up 1 1500 - card 0x1003",
            "Iface Destination",
            "eth0 00000000 0101A8C0 0003 0 0 0 00000000",
            "health {",
            "plane a 99999999 open",
            "/dev/a 1 1 1 101% / /",
            "epoch 99999999999999999999",
            "server 1.1.1.1 rcode 999999999999999999999999",
            "env a=b",
            "swap x",
            "1795970393.540332 edge1 kubelet[1]: failed to pull",
            "images x y",
            "oom x y",
            "a b c d e f g h i j k",
            "metric x",
            "uptime",
            "load",
        ]
    ),
    st.text(max_size=60),
)


@given(st.lists(st.lists(_WORDS, max_size=8), min_size=1, max_size=12), st.randoms())
def test_any_lines_give_facts_and_a_document(blocks: list[list[str]], chance: random.Random) -> None:
    readings = {
        probe.id: Reading(
            chance.choice(("read", "read", "cut", "hung", "needs-root")),
            tuple(chance.choice(blocks)),
            chance.choice((0, 1, None)),
        )
        for probe in CATALOGUE
    }
    facts = facts_of(Run(readings, "root", True), 1e9, 1e9 + 3)
    found = document("edge-1", facts, diagnose(facts), root="root", seconds=3.0)
    assert found["changed"] is False and found["probes"]["total"] == len(CATALOGUE)


def test_this_machine_is_read() -> None:
    facts = facts_of(run(CATALOGUE), 0.0, 2e9 * 2)
    assert facts.hostname and facts.kernel.startswith("Linux") and facts.memory_kb and facts.file_systems
    assert any(system.mount == "/" for system in facts.file_systems) and facts.uptime
    assert facts.machine[0] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_cards_have_their_mac_and_addresses_that_another_machine_has() -> None:
    (link,) = network.links(["link eno1 up 1 1500 AA:bb:cc:dd:ee:ff card 0x1003"])["links"]
    assert link.mac == "aa:bb:cc:dd:ee:ff" and link.up
    (none,) = network.links(["link wg0 unknown - 1420 - virtual 0x10081"])["links"]
    assert none.mac == ""
    rows = [
        "2: eno1    inet 10.4.1.7/24 brd 10.4.1.255 scope global eno1",
        "2: eno1    inet6 2001:db8::7/64 scope global dadfailed tentative ",
    ]
    assert [address.twice for address in network.addresses(rows)["addresses"]] == [False, True]


def test_kills_have_the_time_that_systemd_wrote() -> None:
    line = "oom-log 1795970000.5 edge-1 systemd[1]: shop.service: Failed with result 'oom-kill'."
    (found,) = host.memory([line])["oom_log"]
    assert (found.at, found.text) == (1795970000.0, "shop.service: Failed with result 'oom-kill'.")


def test_encrypted_disks_without_discards() -> None:
    assert disk.file_systems((), (), ["no-discards data", "mount / ext4 rw"])["without_discards"] == ("data",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("#cloud-config\nstages:\n  initramfs:\n    - users: {kairos: {passwd: hunter2\n", "line 5: "),
        ("a: 'it''s'\nb: \"x \\\" y\"\nc: |\n  {free text\n# it's\nd: {e: [1, 2]}\n", ""),
        ("a: b: c\n", "line 1: "),
        ("a:\n - b\n  - c: d\n", "line 3: "),
        ("same: 1\nsame: 2\nother: *nothing\n", ""),
    ],
)
def test_a_file_that_is_no_yaml_is_found_without_its_words(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "90_custom.yaml"
    file.write_text(text)
    script = next(probe.script for probe in CATALOGUE if probe.id == "userdata.shape")
    done = subprocess.run(
        ["sh", "-c", script.replace("/oem/*.yaml", str(file))], capture_output=True, text=True, check=True
    )
    assert "hunter2" not in done.stdout and f"file {file}" in done.stdout
    shown = dict(agent.shapes(done.stdout.splitlines())["broken_yaml"])
    assert shown.get(str(file), "").startswith(problem) and bool(shown) == bool(problem)
