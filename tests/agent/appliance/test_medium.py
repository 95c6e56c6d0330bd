"""The installer as a whole over a stand-in runner: what it says, what it runs, and when it does not install."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.appliance import disks, installer, layout, medium, slots
from edgewright.agent.appliance.medium import Medium
from edgewright.agent.appliance.paths import INSTALL_RECORD
from edgewright.core.errors import Failed
from tests.agent.appliance.helpers import Recorder

GIB = 1 << 30


class Box:
    """A live system below a folder, with one disk of 16 GiB."""

    def __init__(self, folder: Path, user_data: str, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.folder = folder
        live = folder / "live"
        (live / "boot").mkdir(parents=True)
        for name in ("rootfs.squashfs", "boot/kernel", "boot/initrd"):
            (live / name).write_bytes(name.encode() * 1000)
        if user_data:
            (live / "config.yaml").write_text("#cloud-config\n" + user_data)
        for path in (installer.SHIM, installer.SIGNED_GRUB):
            (folder / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.lstrip("/")).write_bytes(b"efi")
        self.said: list[str] = []
        self.runner = Recorder({"blkid -L": "", **answers})
        self.medium = Medium(self.runner, self.said.append, str(live))
        self.medium.state = str(folder / "install.json")
        self.medium.confirm = str(folder / "confirm.json")
        self.medium.target = str(folder / "target")
        self.medium.root = str(folder)
        monkeypatch.setattr(disks, "find_disks", lambda sys, live: [disks.Disk("vda", 16 * GIB)])
        monkeypatch.setattr(installer, "wait_for", lambda path, seconds: True)
        monkeypatch.setattr("os.sync", lambda: None)

    def state(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(Path(self.medium.state).read_text())
        return body

    def below(self, path: str) -> Path:
        return self.folder / "target" / path


AUTO = "install: {auto: true, reboot: true}\nname: shop\n"


def test_a_whole_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, AUTO, monkeypatch)
    assert box.medium.run() == 0
    steps = [line for line in box.said if line.startswith("install ")]
    assert steps[0] == "install begins on /dev/vda" and steps[-1] == "install done"
    assert [line for line in steps if "%" not in line][1].startswith("install step 1 of 11: ")
    assert any(line.startswith("install step 11 of 11: ") for line in steps)
    lines = box.runner.lines()
    assert "wipefs --all --force /dev/vda" in lines
    assert "mkfs.ext4 -q -F -L COS_STATE /dev/vda5" in lines
    assert any(line.startswith("grub-install --target=i386-pc --boot-directory=") for line in lines)
    assert lines[-1] == "systemctl --no-block reboot"
    assert box.below("state/cOS/active/kernel").read_bytes() == box.below("recovery/cOS/recovery/kernel").read_bytes()
    assert (
        box.below("efi/EFI/BOOT/bootx64.efi").exists()
        and "COS_STATE" in box.below("efi/EFI/debian/grub.cfg").read_text()
    )
    for name in ("oem/userdata", "oem/90_custom.yaml"):
        assert (
            box.below(name).read_text().startswith("#cloud-config\n")
            and box.below(name).stat().st_mode & 0o777 == 0o600
        )
    record = json.loads(box.below("oem/" + INSTALL_RECORD).read_text())
    assert record["phase"] == "done" and record["device"] == "/dev/vda"
    assert box.state()["phase"] == "done"


def record_of(box: Box) -> str:
    """Return what the first installation wrote on COS_OEM."""
    return box.below("oem/" + INSTALL_RECORD).read_text()


@pytest.mark.parametrize(("force", "again"), [(False, False), (True, True)])
def test_the_same_medium_does_not_install_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool, again: bool
) -> None:
    text = AUTO.replace("true}", "true, force: true}") if force else AUTO
    first = Box(tmp_path / "1", text, monkeypatch)
    first.medium.run()
    second = Box(tmp_path / "2", text, monkeypatch)
    second.runner.answers["blkid -p"] = "COS_OEM\n"
    second.below("look").mkdir(parents=True)
    second.below("look/" + INSTALL_RECORD).write_text(record_of(first))
    assert second.medium.run() == 0
    wiped = "wipefs --all --force /dev/vda" in second.runner.lines()
    assert wiped is again
    assert ("medium left in place: not installing again" in second.said) is not again
    if not again:
        assert "systemctl --no-block reboot" not in second.runner.lines()  # it would come back here for ever
        assert second.state()["phase"] == "in-place"


def test_a_cut_off_installation_and_other_user_data_install_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Box(tmp_path / "1", AUTO, monkeypatch)
    first.medium.run()
    record = json.loads(record_of(first))
    for number, (text, kept) in enumerate([(AUTO, {**record, "phase": "running"}), (AUTO + "x: 1\n", record)]):
        box = Box(tmp_path / f"again{number}", text, monkeypatch)
        box.runner.answers["blkid -p"] = "COS_OEM\n"
        box.below("look").mkdir(parents=True)
        box.below("look/" + INSTALL_RECORD).write_text(json.dumps(kept))
        assert box.medium.run() == 0 and "install done" in box.said
        assert any("it is overwritten" in line for line in box.said)


def test_without_user_data_it_waits_for_a_person_who_names_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, "", monkeypatch)
    looks: list[dict[str, Any]] = []

    def wait(seconds: float) -> None:
        looks.append(box.state())
        Path(box.medium.confirm).write_text(json.dumps({"device": "/dev/vda"}))

    box.medium.wait = wait
    assert box.medium.run() == 0
    assert box.said[0] == "waiting for an operator: this medium carries no user-data"
    assert looks[0]["phase"] == "waiting" and looks[0]["disks"] == [["/dev/vda", "/dev/vda (16.0 GiB)"]]
    assert "install done" in box.said


def test_user_data_of_a_cidata_medium_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, "name: from-iso\n", monkeypatch)
    box.runner.answers["blkid -L cidata"] = "/dev/sr1\n"
    (tmp_path / "cidata").mkdir()
    (tmp_path / "cidata/user-data").write_text("#cloud-config\nname: from-site\n")
    del box.runner.answers["blkid -L"]
    document, told = box.medium.collect()
    assert document == {"name": "from-site"}
    assert told[-1].endswith("config.yaml, then cidata medium /dev/sr1")


@pytest.mark.parametrize(
    ("user_data", "said"),
    [
        (
            "install: {auto: true, device: /dev/nope}\n",
            "install failed: The disk /dev/nope of install.device is not here.",
        ),
        (
            "install: {auto: true, partitions: {persistent: {size: 99999}}}\n",
            "install failed: No disk fits: /dev/vda (16.0 GiB): too small",
        ),
        (
            "install: {auto: true, reboot: true, poweroff: true}\n",
            "install failed: install.reboot and install.poweroff are both set.",
        ),
        ("a: [1\n", "install failed: The user-data "),
    ],
)
def test_a_failure_is_one_sentence_and_nothing_was_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_data: str, said: str
) -> None:
    box = Box(tmp_path, user_data, monkeypatch)
    assert box.medium.run() == 1
    assert box.said[-1].startswith(said)
    assert not [line for line in box.runner.lines() if line.startswith(("wipefs --all", "sfdisk", "systemctl"))]
    assert box.state()["phase"] == "failed"


def test_a_program_that_fails_ends_the_installation_with_the_record_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, AUTO, monkeypatch)
    box.runner.answers["grub-install"] = Failed("`grub-install` failed: no space.")
    assert box.medium.run() == 1
    assert box.said[-1] == "install failed: `grub-install` failed: no space."
    assert json.loads(record_of(box))["phase"] == "running" and json.loads(record_of(box))["step"] == 7
    assert "systemctl --no-block reboot" not in box.runner.lines()
    assert [line for line in box.runner.lines() if line.startswith("umount")]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error", "/dev/sr0"), "install failed: /dev/sr0: input/output error."),
        (RuntimeError("odd"), "install failed: The agent hit an unexpected RuntimeError in test_medium.py:"),
    ],
)
def test_what_nobody_foresaw_is_a_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    box = Box(tmp_path, AUTO, monkeypatch)

    def broken(sources: object) -> str:
        raise error

    monkeypatch.setattr(medium, "installer_id", broken)
    assert box.medium.run() == 1
    assert box.said[-1].startswith(said) and box.state()["phase"] == "failed"


def test_a_copy_that_reads_back_differently_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, AUTO, monkeypatch)
    monkeypatch.setattr(slots, "_digest", lambda path, done, whole, at: ("other", done))
    assert box.medium.run() == 1
    assert "rootfs.squashfs in active is not what was written" in box.said[-1]


def test_the_least_disk_is_the_same_that_the_plan_accepts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(tmp_path, AUTO, monkeypatch)
    from edgewright.agent.appliance.install_spec import read_install_spec

    wish = read_install_spec({"install": {"partitions": {"persistent": {"size": 20000}}}})
    least = box.medium._required_bytes(wish, 190 << 20)
    layout.plan(wish, least, 190 << 20)
    with pytest.raises(Exception, match="too small"):
        layout.plan(wish, least - layout.MIB, 190 << 20)
