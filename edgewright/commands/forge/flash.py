"""Actions: verbs that write an installer to a removable disk, and list such disks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import flash as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.core.errors import Conflict, NotFound, Refused, UsageError
from edgewright.forge.flash.disks import Disk, Disks
from edgewright.forge.flash.write import write
from edgewright.forge.iso import modes
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.layout import SEED_OF_SITE
from edgewright.forge.manifest import label_of, read_manifest
from edgewright.forge.progress import size


class ForgeDisks(declared.ForgeDisks):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Look at them; needs no root."""
        items = []
        for disk in Disks().removable():
            reason = disk.reason_against()
            cells = (
                disk.name, disk.model or "unknown", size(disk.size), "; ".join(map(str, disk.parts)) or "nothing",
                reason or "ready",
            )  # fmt: skip
            document = {**disk._asdict(), "path": str(disk.path), "parts": [p._asdict() for p in disk.parts]}
            items.append(Item(disk.name, cells, {**document, "reason": reason}))
        columns = (Column("DISK"), Column("MODEL"), Column("SIZE", right=True), Column("CONTENT"), Column("STATE"))
        return Outcome((), result=Listing(columns, tuple(items), empty="There is no removable disk. Plug one in."))


class ForgeFlash(declared.ForgeFlash):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which disk, what is on it, and what the installer is. Raises `NotFound`, `Refused`, `UsageError`."""
        iso = Path(args["iso"])
        if not iso.is_file():
            raise NotFound(f"There is no file {iso}.", "Give the path of an installer.", "NoFile")
        known = identify(iso, look_inside=False)
        disk = _choose(Disks(), args.get("disk"), known.size)
        manifest = read_manifest(iso)
        lines = [
            f"installer: {iso}, {size(known.size)}, {label_of(manifest)}",
            f"disk:      {disk}" + (f", serial {disk.serial}" if disk.serial else ""),
            *(f"on it:     {part}" for part in disk.parts or ("nothing that is known",)),
        ]
        if manifest is not None and manifest.get("userData", {}).get("endpoint"):
            lines.insert(1, f"registers: with {manifest['userData']['endpoint']}")
        if known.what == SEED_OF_SITE:
            lines.append("note:      the seed of a site: it does not boot, and is plugged in beside the installer")
        elif not modes.boots_from_usb(known.boot_modes):
            lines.append(f"WARNING:   {_no_usb(known, allowed=bool(args.get('any_iso')))}")
        else:
            lines += [f"WARNING:   {sentence}" for sentence in modes.warnings(iso.name, known.boot_modes)]
        lost = (f"everything on {disk.name} is lost",)
        cli = self.cli_line((), {"iso": str(iso), "disk": disk.name, "any_iso": bool(args.get("any_iso"))})
        return Plan(f"Write {iso.name} to {disk.name}", tuple(lines), (disk.name,), lost, cli, disk.name, disk)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write, read back, compare. Raises `Refused` without root, `Conflict`, `Failed`."""
        iso, asked, disks = Path(args["iso"]), plan.payload, Disks()
        disk = _choose(disks, asked.name, iso.stat().st_size)
        if disk.same_as != asked.same_as:
            raise Conflict(f"{disk.name} is another disk now.", "List the disks again: edgewright forge disks")
        manifest = read_manifest(iso) or {}
        wanted = str(manifest.get("iso", {}).get("sha256", ""))
        with terminated_is_cancelled():
            done = await work(lambda job: write(iso, disk, job, disks=disks, sha256=wanted), report)
        message = (
            f"{disk.name} contains {iso.name}: {size(done.size)} written, read back and equal (sha256 {done.sha256})."
        )
        return Outcome((disk.name,), message=message)


def _no_usb(known: Base, *, allowed: bool) -> str:
    """Return the sentence that an ISO does not boot from USB. Raises `Refused` with it unless that is `allowed`."""
    why = known.refuse or known.partition_broken
    boots = ", ".join(known.boot_modes)
    reason = why.rstrip(".") if why else f"it boots {boots} only"
    sentence = f"{known.path.name} does not boot from a USB disk: {reason}."
    if not allowed:
        hint = "Burn it to a disc or attach it as virtual media (BMC). To write it all the same: --any-iso"
        raise Refused(sentence, hint, "NoUsbBoot")
    return sentence


def _choose(disks: Any, word: str | None, needed: int) -> Disk:
    """Return the disk to write to. Raises `NotFound`, `UsageError` when several are there, `Refused`."""
    if word:
        disk: Disk = disks.named(word)
    else:
        matches: list[Disk] = disks.removable()
        if not matches:
            raise NotFound("There is no removable disk.", "Plug one in; built-in disks are never offered.", "NoDisk")
        if len(matches) > 1:
            names = ", ".join(str(disk) for disk in matches)
            raise UsageError(f"There are {len(matches)} removable disks: {names}.", "Name one of them.", "WhichDisk")
        disk = matches[0]
    reason = disk.reason_against(needed)
    if reason:
        hint = "Take another disk." if "in use" not in reason else f"Unmount it: umount /dev/{disk.name}*"
        raise Refused(reason, hint, "DiskRefused")
    return disk
