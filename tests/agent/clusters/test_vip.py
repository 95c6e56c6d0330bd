"""The VIP: keepalived without preemption and weight, the check's rules, and ARP as the network speaks it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.vip import arp, check, configuration, notify
from edgewright.agent.clusters.vip import steps as vip_steps
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.steps import Seen
from tests.agent.clusters.support import FakeHost, cluster, context


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def test_keepalived_has_equal_hosts_that_preempt_nobody_and_a_check_without_weight() -> None:
    document = cluster(3)
    text = configuration.keepalived(document, document.members[1], "eth0", "/usr/bin/python3")
    lines = [line.strip() for line in text.splitlines()]
    assert {"state BACKUP", "nopreempt", "priority 100", "unicast_src_ip 10.0.0.12", "fall 3", "rise 5"} < set(lines)
    assert not [line for line in lines if line.startswith("weight")]
    peers = lines[lines.index("unicast_peer {") + 1 :][:2]
    assert peers == ["10.0.0.11", "10.0.0.13"] and "10.0.0.100/32 dev eth0" in lines
    single = cluster(1)
    assert "unicast" not in configuration.keepalived(single, single.members[0], "e", "p").replace("unicast_src_ip", "")
    assert 1 <= configuration.router_id(document) <= 255
    assert json.loads(configuration.check_config(document, document.members[0])) == {
        "own": "10.0.0.11", "peers": ["10.0.0.12", "10.0.0.13"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("alive", "unhealthy", "reached", "may"),
    [
        (False, 0.0, 2, False),  # its API server is dead
        (True, 0.0, 0, True),  # etcd is healthy: who is reached does not matter
        (True, 14.0, 0, True),  # not healthy for less than 15 s
        (True, 16.0, 0, False),  # isolated: one of three
        (True, 16.0, 1, True),  # a slow disk, or a lost quorum with a majority that can be reached
    ],
)
def test_only_a_dead_api_or_isolation_takes_the_vip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool, unhealthy: float, reached: int, may: bool
) -> None:
    (tmp_path / "check.json").write_text(json.dumps({"peers": ["10.0.0.12", "10.0.0.13"]}))
    up = {"10.0.0.12", "10.0.0.13"} if reached == 2 else {"10.0.0.12"} if reached else set()
    monkeypatch.setattr(check, "alive", lambda: alive)
    monkeypatch.setattr(check, "unhealthy_for", lambda folder: unhealthy)
    monkeypatch.setattr(check, "reaches", lambda address: address in up)
    assert check.may_have(str(tmp_path)) is may


def test_the_time_without_etcd_is_counted_over_calls_and_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "etcd_healthy", lambda: False)
    now = [100.0]
    monkeypatch.setattr("time.clock_gettime", lambda clock: now[0])
    assert check.unhealthy_for(str(tmp_path)) == 0.0
    now[0] = 120.0
    assert check.unhealthy_for(str(tmp_path)) == 20.0
    monkeypatch.setattr(check, "etcd_healthy", lambda: True)
    assert check.unhealthy_for(str(tmp_path)) == 0.0 and not list(tmp_path.iterdir())


def test_the_check_is_one_file_that_needs_nothing_of_the_agent(tmp_path: Path) -> None:
    program = tmp_path / "vip-check"
    program.write_text(vip_steps.check_program())
    done = subprocess.run([sys.executable, "-I", "-S", str(program), str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 1 and not done.stderr, "no API server answers on this machine's port"


def test_a_vip_that_moves_wakes_the_reconciler(tmp_path: Path) -> None:
    document = cluster(3)
    text = configuration.keepalived(document, document.members[1], "eth0", "/usr/bin/python3")
    assert f"  notify {notify.PROGRAM}\n" in text
    program, data = tmp_path / "vip-moved", tmp_path / "the data"
    requests = Path(exchange.folders(str(data))[exchange.REQUESTS])
    requests.mkdir(parents=True)
    program.write_text(notify.script(str(data)))
    subprocess.run(["sh", str(program), "INSTANCE", "api", "MASTER", "100"], check=True)
    assert exchange.names(str(requests)) == [exchange.WAKE], "the path unit sees it, and a reconciler that runs"


def test_an_arp_request_is_read_back_and_other_frames_are_not() -> None:
    frame = arp.packet(arp.REPLY, b"\x02" * 6, b"\x0a\x00\x00\x64", b"\x0a\x00\x00\x64")
    assert len(frame) == 42 and arp.read(frame) == (b"\x02" * 6, b"\x0a\x00\x00\x64")
    assert arp.read(frame[:20]) == (b"", b"") and arp.read(b"\x00" * 60) == (b"", b"")


def test_a_change_of_the_control_planes_is_a_reload_of_keepalived(host: FakeHost) -> None:
    step, three = vip_steps.Keepalived(), context(host, cluster(3))
    host.answers.append(lambda command: Ended(0, "2: eth0    inet 10.0.0.11/24 x\n") if command[0] == "ip" else None)
    step.act(three)
    assert step.seen(three)[0] is Seen.DONE
    reload_ = ["systemctl", "kill", "--signal=HUP", "--kill-whom=main", paths.KEEPALIVED_UNIT]
    two = context(host, cluster(2))
    assert step.seen(two)[0] is Seen.NOT_DONE and reload_ in host.commands
    host.commands.clear()
    step.act(two)
    assert reload_ in host.commands and step.seen(two)[0] is Seen.DONE
    assert host.data(f"{paths.BOOT}/edgewright/keepalived/keepalived.conf"), "a boot writes it into /run again"
