"""The installation, step by step, onto one disk. Every failure is one sentence; nothing here restarts the machine."""

from __future__ import annotations

import os
import secrets
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.agent.appliance import bootloader, documents, layout, slots, stages
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.disks import Disk
from edgewright.agent.appliance.install_spec import InstallSpec
from edgewright.agent.appliance.mounts import wait_for
from edgewright.agent.appliance.progress import Progress, document_hash, read_json
from edgewright.agent.appliance.runner import Runner, write_file
from edgewright.core import times
from edgewright.core.errors import Failed

STEPS = 11
SHIM = "/usr/lib/shim/shimx64.efi.signed"
SIGNED_GRUB = "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"


class Job(NamedTuple):
    """What is installed where."""

    document: Mapping[str, Any]
    spec: InstallSpec
    disk: Disk
    sources: Tuple[str, ...]
    installer: str
    target: str = places.TARGET
    root: str = "/"
    """Where the boot loader's own files lie."""


class Mounts:
    """The target's file systems while they are mounted below one folder."""

    def __init__(self, runner: Runner, target: str) -> None:
        self.runner = runner
        self.target = target
        self.open: List[str] = []

    def mount(self, device: str, name: str) -> str:
        """Mount a partition; return its folder. Raises `Failed`."""
        folder = os.path.join(self.target, name)
        os.makedirs(folder, exist_ok=True)
        self.runner.run(["mount", device, folder])
        self.open.append(folder)
        return folder

    def close(self) -> None:
        """Unmount everything, last first; what does not go is left to the shutdown."""
        while self.open:
            self.runner.succeeds(["umount", self.open.pop()])


def look_at(runner: Runner, disk: Disk, target: str = places.TARGET) -> Dict[str, Any]:
    """Return the record of an installation on the disk, read without writing to it; empty when there is none."""
    device = layout.partition_path(disk.path, 3)
    label = runner.run(["blkid", "-p", "-s", "LABEL", "-o", "value", device], check=False).strip()
    if label != places.L_OEM:
        return {}
    folder = os.path.join(target, "look")
    os.makedirs(folder, exist_ok=True)
    ways = ("ro,noload", "ro")  # without replaying a journal where the file system can do without
    if not any(runner.succeeds(["mount", "-o", way, device, folder]) for way in ways):
        return {}
    try:
        return read_json(os.path.join(folder, places.INSTALL_RECORD))
    finally:
        runner.succeeds(["umount", folder])


def install(job: Job, runner: Runner, progress: Progress, report: Callable[[str], None]) -> None:
    """Install onto the job's disk. Raises `EdgewrightError`; the record on the disk then shows the last step."""
    progress.record = {
        "device": job.disk.path,
        "installerId": job.installer,
        "userData": document_hash(job.document),
        "at": times.rfc3339(times.now()),
    }
    size = sum(os.path.getsize(path) for path in job.sources)
    parts = layout.plan(job.spec, job.disk.size, size)
    machine_id = secrets.token_hex(16)
    grub = bootloader.grub_cfg(job.spec, machine_id)  # refused answers are reported before anything is wiped
    mounts = Mounts(runner, job.target)
    try:
        progress.step("running the commands of before-install")
        stages.run_stage(job.document, "before-install", runner, report, full=False)
        progress.step(f"partitioning {job.disk.label}")
        _partition(job, runner, parts)
        progress.step("making the file systems")
        for part in parts:
            if part.fs:
                runner.run(layout.mkfs_arguments(part, layout.partition_path(job.disk.path, part.number)), seconds=900)
        where = {part.name: layout.partition_path(job.disk.path, part.number) for part in parts[1:6]}
        folders = {name: mounts.mount(device, name) for name, device in where.items()}
        progress.record_in = folders["oem"]
        progress.step("copying the active system")
        first = slots.copy_slot(job.sources, os.path.join(folders["state"], "cOS/active"), progress.at)
        for slot, name in (("passive", "state"), ("recovery", "recovery")):
            progress.step(f"copying the {slot} system")
            if slots.copy_slot(job.sources, os.path.join(folders[name], "cOS", slot), progress.at) != first:
                raise Failed(f"The {slot} system differs from the active one: the medium reads differently each time.")
        progress.step("writing the boot loader for BIOS")
        runner.run(["grub-install", "--target=i386-pc", f"--boot-directory={folders['state']}", "--no-floppy",
                    "--modules=part_gpt ext2 search_label loadenv serial", job.disk.path])  # fmt: skip
        write_file(os.path.join(folders["state"], "grub/grub.cfg"), grub.encode())
        progress.step("writing the boot loader for UEFI")
        _efi(job, folders["efi"])
        progress.step("writing the configuration")
        _configuration(job, folders, machine_id, first, parts)
        progress.step("running the commands of after-install")
        stages.run_stage(job.document, "after-install", runner, report, full=False)
        _report_left_out(job.document, report)
        progress.step("writing everything to the disk")
        progress.save_record("done")
        os.sync()
    except OSError as error:
        reported = (error.strerror or str(error)).lower()
        raise Failed(f"{error.filename or job.disk.path}: {reported}.", "Check the disk.", code="DiskError") from None
    finally:
        progress.record_in = ""
        mounts.close()
    runner.succeeds(["blockdev", "--flushbufs", job.disk.path])


def _partition(job: Job, runner: Runner, parts: Tuple[layout.Planned, ...]) -> None:
    device = job.disk.path
    runner.run(["wipefs", "--all", "--force", device])
    runner.run(["sfdisk", "--quiet", "--wipe", "always", "--wipe-partitions", "always", device],
               stdin=layout.sfdisk_text(parts))  # fmt: skip
    runner.succeeds(["udevadm", "settle", "--timeout=30"], seconds=60)
    wanted = layout.partition_path(device, parts[-1].number)
    if not wait_for(wanted, 10):
        raise Failed(f"The kernel does not show {wanted} after partitioning.", "Restart the medium and try again.")


def _efi(job: Job, folder: str) -> None:
    for source, name in ((SHIM, "bootx64.efi"), (SIGNED_GRUB, "grubx64.efi")):
        with open(places.below(job.root, source), "rb") as file:
            write_file(os.path.join(folder, "EFI/BOOT", name), file.read(), 0o755)
    write_file(os.path.join(folder, "EFI/debian/grub.cfg"), bootloader.efi_stub().encode())


def _configuration(
    job: Job, folders: Mapping[str, str], machine_id: str, hashes: Sequence[str], parts: Tuple[layout.Planned, ...]
) -> None:
    text = documents.dump(job.document).encode()
    oem = folders["oem"]
    os.chmod(oem, 0o755)  # noqa: S103 - others may see the folder; what is secret in it is 0600
    write_file(os.path.join(oem, "userdata"), text, 0o600)
    write_file(os.path.join(oem, "90_custom.yaml"), text, 0o600)
    write_file(os.path.join(oem, "grubenv"), bootloader.env_text({"tries": "", "tried_slot": "", "failed_slot": ""}))
    extra = [f"LABEL={part.label} /{part.name.strip('/')} {part.fs}" for part in parts[6:]]
    folder = os.path.join(folders["persistent"], ".state")
    os.makedirs(folder, exist_ok=True)
    write_file(os.path.join(folder, "machine-id"), (machine_id + "\n").encode(), 0o444)
    sums = "".join(f"{digest}  {name}\n" for digest, name in zip(hashes, places.SLOT_FILES))
    write_file(os.path.join(folders["state"], "cOS/SHA256SUMS"), sums.encode())
    if extra:
        write_file(os.path.join(oem, "edgewright-extra-partitions"), ("\n".join(extra) + "\n").encode())


def _report_left_out(document: Mapping[str, Any], report: Callable[[str], None]) -> None:
    block = document.get("stages")
    for name in block if isinstance(block, Mapping) else ():
        if str(name).endswith("-chroot") or str(name).startswith("kairos-"):
            report(f"the stage {name} is not run by this appliance")
