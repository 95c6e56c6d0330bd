"""Boot by real shells and the real grub-editenv, into a folder that stands for a host."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.clients.ssh.boot import shell as scripts
from edgewright.clients.ssh.boot.host_boot import read_boot, set_next_boot
from edgewright.core.boot.actions import boot_passive, reset, return_to_active
from edgewright.core.errors import Conflict, Failed
from tests.clients.ssh.bundle.local_shell import LocalShell
from tests.clients.ssh.files.local_host import SHELLS, have
from tests.core.boot.test_boot import OURS, PASSIVE


@pytest.fixture(
    params=[shell if shell[0] == "sh" else pytest.param(shell, marks=pytest.mark.e2e) for shell in SHELLS],
    ids=lambda shell: shell[0],
)
def host(request: pytest.FixtureRequest) -> LocalShell:
    have(request.param)
    return LocalShell(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Kairos host on its passive slot after an upgrade that failed."""
    if shutil.which("grub-editenv") is None and shutil.which("grub2-editenv") is None:
        pytest.skip("grub-editenv is not installed")
    root = tmp_path / "host"
    for name in ("proc", "oem", "run/cos", "run/initramfs/cos-state/cOS", "dev/disk/by-label", "usr/local", "var/log"):
        (root / name).mkdir(parents=True)
    (root / "proc/cmdline").write_text(PASSIVE.removeprefix("cmdline ") + "\n")
    (root / "proc/mounts").write_text(
        "/dev/sda5 /usr/local ext4 rw 0 0\n/dev/sda5 /var/log ext4 rw 0 0\n"
        "/dev/sda2 /oem ext4 rw 0 0\nproc /proc proc rw 0 0\n"
    )
    (root / "run/cos/passive_mode").touch()
    (root / "run/initramfs/cos-state/cOS/active.img").write_bytes(b"x" * 1000)
    (root / "dev/disk/by-label/COS_RECOVERY").touch()
    (root / "usr/local/.kairos-state").write_text("first-install: 2026-01-01T00:00:00Z\nlast-reset: never\n")
    (root / "oem/90_custom.yaml").write_text("#cloud-config\nreset:\n  reset-oem: false\npassword: canary\n")
    (root / "var/log/stylus-upgrade.log").write_text("upgrade failed: no space\n")
    editenv(root, "create")
    editenv(root, "set", "saved_entry=fallback")
    return root


def editenv(root: Path, *words: str) -> str:
    tool = shutil.which("grub-editenv") or shutil.which("grub2-editenv") or ""
    done = subprocess.run([tool, str(root / "oem/grubenv"), *words], capture_output=True, text=True, check=True)
    return done.stdout


async def test_read(host: LocalShell, root: Path) -> None:
    state = await read_boot(host, "edge1", str(root))
    assert (state.kind, state.slot, state.upgrade_failure) == ("kairos", "passive", True)
    assert state.env == {"saved_entry": "fallback"} and state.settings == {"reset-oem": False}
    assert state.history["first-install"] == "2026-01-01T00:00:00Z" and state.images[0][:2] == ("active.img", 1000)
    assert [mount.path for mount in state.persistent] == ["/usr/local", "/var/log"] and state.oem is not None
    assert state.upgrade_log == ("upgrade failed: no space",) and "canary" not in str(state)
    assert state.name == os.uname().nodename and len(state.boot_id) == 36


async def test_the_next_boot_is_set_read_back_and_the_host_restarts(host: LocalShell, root: Path) -> None:
    state = (await read_boot(host, "edge1", str(root)))._replace(root=True)
    for action in (return_to_active(state), reset(state)):
        await set_next_boot(host, "edge1", state, action, str(root))
        assert f"next_entry={action.entry}\n" in editenv(root, "list") and (root / "restarted").exists()
        (root / "restarted").unlink()
    assert "saved_entry=fallback" in editenv(root, "list")


async def test_a_link_that_is_lost_does_not_leave_a_reset_for_later(host: LocalShell, root: Path) -> None:
    state = (await read_boot(host, "edge1", str(root)))._replace(root=True)
    action = reset(state)
    script = scripts.set_next(state.boot_id, state.name, action.entry, action.commands, str(root))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as lost:
        subprocess.run(host.shell, input=script, stdout=lost, stderr=subprocess.DEVNULL, timeout=30, check=False)
    assert "next_entry=statereset\n" in editenv(root, "list") and (root / "restarted").exists()


async def test_another_boot_another_host_and_a_block_that_cannot_be_written(root: Path) -> None:
    host = LocalShell()
    state = (await read_boot(host, "edge1", str(root)))._replace(root=True)
    action = return_to_active(state)
    for other in (state._replace(boot_id="0" * 8 + state.boot_id[8:]), state._replace(name="other")):
        with pytest.raises(Conflict, match="is not as it was"):
            await set_next_boot(host, "edge1", other, action, str(root))
    (root / "oem/grubenv").write_bytes(b"no environment block")
    with pytest.raises(Failed, match="was not set"):
        await set_next_boot(host, "edge1", state, action, str(root))
    assert not (root / "restarted").exists()


async def test_an_appliance_of_ours(root: Path) -> None:
    (root / "proc/cmdline").write_text(OURS.removeprefix("cmdline "))
    (root / "run/cos/passive_mode").unlink()
    editenv(root, "set", "failed_slot=active")
    for slot in ("active", "passive"):
        (root / "run/initramfs/live/cOS" / slot).mkdir(parents=True)
        (root / "run/initramfs/live/cOS" / slot / "rootfs.squashfs").write_bytes(b"x" * 700)
    host = LocalShell()
    state = (await read_boot(host, "edge1", str(root)))._replace(root=True)
    assert state.kind == "edgewright" and state.slot == "passive"
    assert [image[:2] for image in state.images] == [("active.img", 1000), ("active", 700), ("passive", 700)]
    await set_next_boot(host, "edge1", state, return_to_active(state), str(root))
    assert "next_entry=active\n" in editenv(root, "list")
    (root / "proc/cmdline").write_text(OURS.removeprefix("cmdline ").replace("slot=passive", "slot=active"))
    state = (await read_boot(host, "edge1", str(root)))._replace(root=True)
    await set_next_boot(host, "edge1", state, boot_passive(state), str(root))
    assert "next_entry=passive\n" in editenv(root, "list")


@pytest.mark.parametrize(
    "commands",
    [
        ("rm -rf /", "reboot"),
        ("grub-editenv /oem/grubenv set next_entry=x;y", "reboot"),
        ("reboot", "true"),
        ("reboot",),
    ],
)
def test_only_known_commands_are_run(commands: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        scripts.set_next("0" * 36, "edge1", "cos", commands)
