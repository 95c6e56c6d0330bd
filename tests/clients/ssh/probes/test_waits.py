"""Limits, logs of upgrades, what pods wait for, and files of disks that are looked for: from a script to facts."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from edgewright.clients.ssh.probes.facts import NO_FORK, facts_of
from edgewright.clients.ssh.probes.frames import Reading, Run
from edgewright.clients.ssh.probes.parsing import host, waiting
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import CATALOGUE, chosen
from edgewright.core.doctor.facts import Claim, Port, Waiting, Webhook
from edgewright.core.errors import Failed
from tests.clients.ssh.probes.shells import PRESENT, SHELLS, LocalShell, run

LINES = (
    "pod shop till 0-1 2026-11-29T10:00:00Z data",
    r'why shop till "secret \"pw\" not found\nsecond line"',
    r'why shop gone "MountVolume.SetUp failed"',
    r'event 0-1 2026-11-29T10:00:00Z "MountVolume.SetUp failed for volume \"d\" : configmap \"prices\" not found"',
    r'event 0-0 2026-11-29T10:00:00Z "of an earlier pod"',
    "why shop till",
    "claim shop data 2026-11-29T10:00:00Z %!q(<nil>) <no value>",
    'claim shop fast 2026-11-29T10:00:00Z "fast" edge-1',
    'claim shop hand x ""',
    "claims",
    "class local rancher.io/local-path WaitForFirstConsumer",
    "hook change shop hook",
    "hook change https://10.0.0.9:8443/x",
    "hook checks shop dead",
    "end shop hook true 10.244.0.9 9443",
    "end shop dead false 10.244.0.8 9443",
    "slices",
    "tried shop hook 10.244.0.9 9443 refused",
    "tried url - 10.0.0.9 8443 silent",
)


def script_of(name: str) -> Probe:
    return next(probe for probe in CATALOGUE if probe.id == name)


def test_what_a_cluster_waits_for() -> None:
    facts = waiting.waits(LINES)
    made = 1795946400.0
    event = (made, 'MountVolume.SetUp failed for volume "d" : configmap "prices" not found')
    assert facts["waiting"] == {"shop/till": Waiting(made, ("data",), ('secret "pw" not found second line',), (event,))}
    assert facts["claims"] == (
        Claim("shop", "data", made),
        Claim("shop", "fast", made, "fast", "edge-1"),
        Claim("shop", "hand", None, ""),
    )
    assert facts["storage_classes"] == {"local": ("rancher.io/local-path", "WaitForFirstConsumer")}
    assert facts["webhooks"] == (
        Webhook("change", "shop/hook", "", Port("10.244.0.9", 9443, "refused")),
        Webhook("change", "https://10.0.0.9:8443/x", "", Port("10.0.0.9", 8443, "silent")),
        Webhook("checks", "shop/dead", "no-endpoint"),
    )


def test_which_cluster_it_is() -> None:
    uid = "2f2c3b0a-9c0e-4d4f-8a26-6c3b8a7b0d11"
    assert waiting.waits((f"cluster {uid}", "claims"))["cluster_uid"] == uid
    assert [waiting.waits(lines)["cluster_uid"] for lines in (LINES, ("cluster <no value>",), ("cluster",))] == [""] * 3


def test_what_was_not_asked_is_not_known() -> None:
    assert waiting.waits(("none",))["claims"] is None
    (hook,) = waiting.waits(("hook checks shop dead", "claims"))["webhooks"]
    assert hook.state == "", "the list of endpoints did not come"
    hung = facts_of(Run({"kubernetes.waits": Reading("hung", LINES)}, "root", True), 1.0, 2.0)
    assert len(hung.webhooks) == 3 and "kubernetes.waits" in hung.not_read


def test_limits_of_this_machine_and_of_a_stand_in(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "till.service"
    for folder, most, now, refused in ((group, "40", "38", "7"), (tmp_path / "free", "max", "9", "0")):
        folder.mkdir(parents=True)
        for name, value in (("max", most), ("current", now), ("events", f"max {refused}")):
            (folder / f"pids.{name}").write_text(value + "\n")
    script = script_of("units.limits").script.replace("/sys/fs/cgroup", str(tmp_path))
    for shell in PRESENT:
        facts = host.limits(run([Probe("units.limits", "", script)], shell).readings["units.limits"].lines)
        assert facts["limited"] == (("/system.slice/till.service", 38, 40, 7),)
        assert 0 < facts["threads"] < facts["threads_limit"]
        assert "conntrack" not in facts or facts["conntrack"][0] <= facts["conntrack"][1]
    assert host.limits(("threads x 1 2", "conntrack 1", "pids a b c d", "pids 1 2 3")) == {"limited": ()}


def test_the_newest_log_of_an_upgrade(tmp_path: Path) -> None:
    for name, text, age in (("stylus-init-upgrade", "old", 900), ("stylus-upgrade", "token: hunter2AB\nfailed\n", 5)):
        file = tmp_path / f"{name}.log"
        file.write_text(text)
        os.utime(file, (1_795_000_000 - age,) * 2)
    script = script_of("boot.slots").script.replace("/var/log", str(tmp_path))
    for shell in PRESENT:
        facts = host.slots(run([Probe("boot.slots", "", script)], shell).readings["boot.slots"].lines)
        assert (facts["upgrade_file"], facts["upgrade_at"]) == ("stylus-upgrade.log", 1_794_999_995.0)
        assert facts["upgrade_log"][-1] == "failed" and "hunter2" not in str(facts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sh: 3: Cannot fork", True),
        ("sh: can't fork: Resource temporarily unavailable", True),
        ("bash: fork: retry: Resource temporarily unavailable", True),
        ("bash: fork: Resource temporarily unavailable", True),
        ("sh: read: Resource temporarily unavailable", False),
        ("mount: can't find forks", False),
    ],
)
def test_a_shell_that_may_start_no_process_says_so(text: str, found: bool) -> None:
    assert bool(NO_FORK.search(text)) == found
    facts = facts_of(Run({}, "root", False), 1.0, 2.0, f"motd\n{text}\x1b[2J\n")
    assert bool(facts.fork_refused) == found and "\x1b" not in facts.fork_refused


@pytest.mark.e2e
@pytest.mark.skipif(os.getuid() != 0, reason="reads disks as root")
@pytest.mark.parametrize("shell", PRESENT)
def test_files_are_looked_for_in_bounded_time_and_on_the_disk_alone(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = tmp_path / "find"
    find.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\nsleep 60\n')
    find.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    began = time.monotonic()
    reading = run([script_of("disk.reads")], shell).readings["disk.reads"]
    disks = sum(line.startswith("disk ") for line in reading.lines)
    if not disks:
        pytest.skip("no disk of this machine is read")
    assert reading.state == "read" and time.monotonic() - began < 3 + 2.5 * disks
    mounts = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()}
    assert not mounts & set((tmp_path / "asked").read_text().split())


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("prlimit"), reason="becomes another user, and needs prlimit")
@pytest.mark.parametrize(
    "shell",
    [pytest.param(name, marks=pytest.mark.e2e if name == "bash" else ()) for name in PRESENT],  # bash tries for 15 s
)
def test_a_user_who_may_start_no_process_is_named_as_that(shell: str) -> None:
    uid = 1_100_000_000 + os.getpid() % 1_000_000
    words = ["setpriv", f"--reuid={uid}", "--regid=65534", "--clear-groups", "prlimit", "--nproc=1:1", *SHELLS[shell]]
    with pytest.raises(Failed) as raised:
        asyncio.run(examine(LocalShell(words), chosen()))
    assert raised.value.code == "NoProcesses" and "cannot start processes" in str(raised.value)
