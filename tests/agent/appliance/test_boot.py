"""A start of the installed box over a stand-in runner: mounts, accounts, network, stages, and the judgement."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgewright.agent.appliance import accounts, boot, bootloader, mounts, stages
from edgewright.core.errors import Failed, InvalidInput
from edgewright.core.network import oem
from edgewright.core.network.change import OEM_FILE, FileChange
from tests.agent.appliance.helpers import Recorder

USER_DATA = """#cloud-config
stylus:
  site:
    hostName: shop-7
    ntpServers: [ntp.example]
    caCerts:
      - |
        -----BEGIN CERTIFICATE-----
        AAAA
        -----END CERTIFICATE-----
    users:
      - {name: ops, passwd: $6$salt$hash, groups: [admin], ssh_authorized_keys: [ssh-ed25519 AAAA ops]}
    network:
      interfaces:
        eno1: {type: static, ipAddress: 10.0.0.5/24, gateway: 10.0.9.1}
        eno2: {type: static, ipAddress: 10.1.0.5/24, gateway: 10.1.0.1}
install:
  bind_mounts: [/var/lib/mine]
stages:
  initramfs:
    - name: one
      files: [{path: /etc/mine, content: x, permissions: 0600}]
      packages: [vim]
  boot:
    - commands: ["true"]
  reconcile: []
"""


class Box:
    """An installed system below a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, slot: str = "active") -> None:
        self.root = str(folder)
        for name in ("proc", "oem", "usr/local", "etc/ssh", "run", "home"):
            (folder / name).mkdir(parents=True)
        (folder / "proc/cmdline").write_text(f"root=live:LABEL=COS_STATE edgewright.slot={slot}\n")
        (folder / "oem/90_custom.yaml").write_text(USER_DATA)
        (folder / "oem/grubenv").write_bytes(bootloader.env_text({"tries": "1", "tried_slot": slot}))
        (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\n")
        self.folder = folder
        self.said: list[str] = []
        self.runner = Recorder()
        monkeypatch.setattr(mounts, "wait_for", lambda device: True)
        monkeypatch.setattr(
            mounts,
            "base_mounts",
            lambda: [
                mounts.Mount("COS_OEM", str(folder / "oem")),
                mounts.Mount("COS_PERSISTENT", str(folder / "usr/local")),
            ],
        )

    def early(self) -> int:
        return boot.early(self.runner, self.said.append, self.root)

    def late(self) -> int:
        return boot.late(self.runner, self.said.append, self.root)

    def env(self) -> dict[str, str]:
        return bootloader.read_env((self.folder / "oem/grubenv").read_bytes())


def test_the_early_stage_brings_the_box_in_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch)
    assert box.early() == 0
    lines = box.runner.lines()
    assert f"mount -o rw,nodev /dev/disk/by-label/COS_OEM {tmp_path}/oem" in lines
    table = tmp_path / "run/edgewright/binds.fstab"
    assert f"mount --all --fstab {table}" in lines
    binds = table.read_text().splitlines()
    assert f"{tmp_path}/usr/local/.state/etc-ssh.bind {tmp_path}/etc/ssh none bind 0 0" in binds
    assert f"{tmp_path}/usr/local/.state/var-lib-mine.bind {tmp_path}/var/lib/mine none bind 0 0" in binds
    assert "useradd --shell /bin/bash --user-group --uid 1000 --create-home ops" in lines
    assert "usermod --append --groups admin ops" in lines
    assert "ops:$6$salt$hash\n" in box.runner.stdins and not [line for line in lines if "$6$" in line]
    assert (tmp_path / "etc/hostname").read_text() == "shop-7\n"
    assert (tmp_path / "home/ops/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA ops\n"
    assert "AAAA" in (tmp_path / "etc/ssl/certs/ca-certificates.crt").read_text()
    network = tmp_path / "etc/systemd/network"
    assert sorted(os.listdir(network)) == ["10-edgewright-eno2.network", "90-edgewright-dhcp.network"]
    assert any("eno1 takes DHCP: The gateway 10.0.9.1 is not in 10.0.0.0/24" in line for line in box.said)
    assert any("packages is not supported here" in line for line in box.said)
    assert (tmp_path / "etc/mine").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "usr/local/edgewright").stat().st_mode & 0o777 == 0o700
    keys = [line for line in lines if line.startswith("ssh-keygen")]
    assert len(keys) == 2


def test_a_host_name_that_was_changed_over_ssh_counts_more_than_that_of_the_user_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, monkeypatch)
    (tmp_path / "oem/90_custom.yaml").write_text("#cloud-config\nstylus:\n  site:\n    hostName: box-9\n")
    box.early()
    assert (tmp_path / "etc/hostname").read_text() == "box-9\n"
    changed = oem.with_changes("", [FileChange("/etc/hostname", "counter-9\n")])
    (tmp_path / OEM_FILE.lstrip("/")).write_text(changed or "")
    box.early()
    assert (tmp_path / "etc/hostname").read_text() == "counter-9\n"


def test_a_good_boot_is_marked_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch)
    number = (tmp_path / "oem/grubenv").stat().st_ino
    box.early()
    box.said.clear()
    box.late()
    assert box.said[0] == "booted slot active"
    assert box.env() == {"tries": "", "tried_slot": ""}
    assert (tmp_path / "oem/grubenv").stat().st_ino == number  # GRUB reads no journal: no new blocks
    assert "/bin/sh -c true" in box.runner.lines()
    assert any("reconcile is not run" in line for line in box.said)


def test_a_boot_without_its_partitions_is_not_marked_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch)
    monkeypatch.setattr(mounts, "wait_for", lambda device: "PERSISTENT" not in device)
    assert box.early() == 0
    assert any("there is no partition COS_PERSISTENT" in line for line in box.said)
    assert not [line for line in box.runner.lines() if "--fstab" in line]
    box.late()
    assert box.env()["tries"] == "1"


def test_the_fallback_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch, slot="passive")
    (tmp_path / "oem/grubenv").write_bytes(bootloader.env_text({"failed_slot": "active", "tries": "1"}))
    box.early()
    box.late()
    assert "booted slot passive" in box.said
    assert any(line.startswith("The slot active did not come up; passive runs instead.") for line in box.said)
    assert box.env()["failed_slot"] == "active"


def test_an_unknown_slot_mounts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch, slot="other")
    box.early()
    box.late()
    assert not [line for line in box.runner.lines() if line.startswith("mount")]
    assert not [line for line in box.said if line.startswith("booted slot")]


def test_the_live_system_says_that_it_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, monkeypatch)
    (tmp_path / "proc/cmdline").write_text("root=live:CDLABEL=COS_LIVE rd.live.dir=/ edgewright.install\n")
    box.early()
    assert box.said[0] == "live system up"
    assert not [line for line in box.runner.lines() if line.startswith("mount")]


def test_kept_folders_are_filled_from_the_image_once(tmp_path: Path) -> None:
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text("first")
    runner = Recorder()
    mounts.bind_all(["/etc/ssh", "/new/place"], runner, print, str(tmp_path))
    store = tmp_path / "usr/local/.state/etc-ssh.bind/sshd_config"
    assert store.read_text() == "first" and (tmp_path / "new/place").is_dir()
    store.write_text("mine")
    mounts.bind_all(["/etc/ssh"], runner, print, str(tmp_path))
    assert store.read_text() == "mine"


def test_a_home_on_disk_gives_its_account_the_same_number_again(tmp_path: Path) -> None:
    (tmp_path / "home/ops").mkdir(parents=True)
    (tmp_path / "home/other").mkdir()
    os.chown(tmp_path / "home/ops", os.getuid(), -1)
    runner = Recorder()
    accounts.ensure(accounts.User("new"), runner, print, str(tmp_path))
    assert runner.lines()[0] == "useradd --shell /bin/bash --user-group --uid 1000 --create-home new"
    with pytest.raises(InvalidInput):
        accounts.user_of("../x", {})


def test_a_failing_step_is_told_and_the_next_one_runs(tmp_path: Path) -> None:
    runner = Recorder({"/bin/sh -c false": Failed("`/bin/sh` failed: code 1."), "/bin/sh -c [ -e /no": Failed("no")})
    said: list[str] = []
    steps = [
        {"name": "bad", "commands": ["false"]},
        {"if": "[ -e /no ]", "commands": ["never"]},
        {"name": "good", "commands": ["true"], "sysctl": {"vm.swappiness": 1}, "modules": ["dummy"]},
        {
            "systemctl": {"enable": ["a"], "start": ["b"]},
            "environment": {"A": 'x"y'},
            "dns": {"nameservers": ["1.1.1.1"]},
        },
        {"files": [{"path": "/etc/b", "content": "aGk=", "encoding": "b64"}, {"nopath": 1}]},
        "not a step",
    ]
    failed = stages.run_stage({"stages": {"boot": steps}}, "boot", runner, said.append, root=str(tmp_path))
    assert failed == 2 and said[0] == "stage boot, bad failed: `/bin/sh` failed: code 1."
    lines = runner.lines()
    assert "/bin/sh -c never" not in lines and "/bin/sh -c true" in lines
    assert "sysctl -q -w vm.swappiness=1" in lines and "modprobe dummy" in lines
    assert "systemctl enable a" in lines and "systemctl start b --no-block" in lines
    assert (tmp_path / "etc/environment").read_text() == 'A="x\\"y"\n'
    assert (tmp_path / "etc/b").read_text() == "hi"


def test_before_and_after_belong_to_their_stage() -> None:
    block = {"boot.after": [{"name": "3"}], "boot": [{"name": "2"}], "boot.before": [{"name": "1"}], "network": None}
    assert [step["name"] for step in stages.steps_of({"stages": block}, "boot")] == ["1", "2", "3"]
    assert stages.steps_of({"stages": block}, "network") == [] and stages.steps_of({}, "boot") == []
