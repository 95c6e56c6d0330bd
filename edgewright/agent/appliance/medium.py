"""`appliance install`: what the medium asks for, whether it may begin by itself, and what happens at its end."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, Mapping, Tuple

from edgewright.agent.appliance import disks, documents, installer, layout, slots
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.install_spec import InstallSpec, read_install_spec
from edgewright.agent.appliance.progress import (
    Progress,
    document_hash,
    installer_id,
    read_json,
    same_installation,
    what_is_there,
)
from edgewright.agent.appliance.runner import Runner, read_text
from edgewright.agent.kernel.console import milestone
from edgewright.agent.kernel.plane_link import unexpected
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import clean

CIDATA = ("cidata", "CIDATA")
PAUSE = 2.0
"""Seconds between two looks at what the console wrote."""


class Medium:
    """The live system's installer. `paths` may be set elsewhere by tests."""

    def __init__(self, runner: Runner, announce: Callable[[str], None] = milestone, live: str = places.LIVE) -> None:
        self.runner = runner
        self.announce = announce
        self.live = live
        self.state = places.INSTALL_STATE
        self.confirm = places.CONFIRM
        self.sys = "/sys"
        self.target = places.TARGET
        self.root = "/"
        self.wait: Callable[[float], None] = time.sleep

    def run(self) -> int:
        """Install, or report why not. Returns 0 when installed or unchanged, 1 after a failure; the box stays up."""
        progress = Progress(self.announce, installer.STEPS, self.state)
        progress.note("looking")
        try:
            document, reported = self.collect()
            for line in reported:
                self.announce(line)
            spec = read_install_spec(document)
            for line in spec.notices:
                self.announce(line)
            if spec.by_itself:
                chosen = spec.device
            else:
                chosen = self._ask(progress, document)
            return self._install(progress, document, spec, chosen)
        except EdgewrightError as error:
            sentence = f"{error.message} {error.hint}".strip()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            sentence = f"{error.filename or 'The medium'}: {why}. Check the medium and the disk."
        except Exception as error:  # an operator is at this screen: a sentence, and the place to report
            sentence = unexpected(error).message
        self.announce(f"install failed: {sentence}")
        progress.note("failed", message=sentence)
        return 1

    def collect(self) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
        """Return the user-data of the medium with that of a `cidata` medium over it, and what was left out."""
        result = documents.scan(self.live)
        layers, reported = list(result.layers), list(result.notices)
        seed = self._seed()
        layers += seed.layers
        reported += seed.notices
        document = documents.merge(layers)
        if layers:
            reported.append("user-data from " + ", then ".join(layer.source for layer in layers))
        return document, tuple(reported)

    def _seed(self) -> documents.FolderLayers:
        """Read a medium labelled cidata (iso9660 or vfat)."""
        for label in CIDATA:
            device = self.runner.run(["blkid", "-L", label], check=False).strip()
            if not device:
                continue
            folder = os.path.join(os.path.dirname(self.target), "cidata")
            os.makedirs(folder, exist_ok=True)
            self.runner.run(["mount", "-o", "ro", device, folder])
            try:
                result = documents.scan(folder, ["user-data"])
            finally:
                self.runner.succeeds(["umount", folder])
            if result.layers:
                return documents.FolderLayers(
                    tuple(documents.Layer(f"{label} medium {device}", layer.document) for layer in result.layers),
                    result.notices,
                )
            return documents.FolderLayers((), (*result.notices, f"the medium {label} ({device}) contains no user-data"))
        return documents.FolderLayers((), ())

    def find(self) -> List[disks.Disk]:
        """Return the disks of the machine, the live medium marked."""
        return disks.find_disks(self.sys, disks.mounted_from(read_text("/proc/mounts"), self.live))

    def _ask(self, progress: Progress, document: Mapping[str, Any]) -> str:
        """Wait until an operator at the console confirms a disk; return its path."""
        if document:
            reason = "the user-data sets neither install.auto nor install.device"
        else:
            reason = "this medium carries no user-data"
        self.announce(f"waiting for an operator: {reason}")
        while True:
            choice = [[disk.path, disk.label] for disk in self.find() if not disk.live and not disk.read_only]
            progress.note("waiting", message=reason[:1].upper() + reason[1:] + ".", disks=choice)
            answer = read_json(self.confirm)
            if answer.get("device"):
                os.unlink(self.confirm)
                return str(answer["device"])
            self.wait(PAUSE)

    def _install(self, progress: Progress, document: Dict[str, Any], spec: InstallSpec, device: str) -> int:
        sources = slots.slot_sources(self.live)
        size = sum(os.path.getsize(path) for path in sources)
        required = self._required_bytes(spec, size)
        disk = disks.choose(self.find(), device, required)
        layout.plan(spec, disk.size, size)  # a disk that is too small is reported before anything is changed
        identity = installer_id(sources)
        record = installer.look_at(self.runner, disk, self.target)
        if same_installation(record, identity, document_hash(document)) and not spec.force:
            self.announce("medium left in place: not installing again")
            message = f"{disk.path} contains this installation already (since {clean(record.get('at', '?'), 40)}). "
            message += "Take the medium out and restart; install.force installs again."
            self.announce(message)
            progress.note("in-place", message=message, device=disk.path)
            return 0
        self.announce(f"install begins on {disk.path}")
        there = what_is_there(record, self._signatures(disk))
        if there and spec.no_format and not record:
            raise Failed(
                f"{disk.path} is not empty ({there}) and install.no-format is set.",
                "Empty the disk, or take no-format out.",
            )
        if there:
            self.announce(f"{disk.path} contains {there}; it is overwritten")
        job = installer.Job(document, spec, disk, sources, identity, self.target, self.root)
        installer.install(job, self.runner, progress, self.announce)
        self.announce("install done")
        end = "poweroff" if spec.poweroff else "reboot" if spec.reboot else "stay"
        progress.note("done", message=_END[end], end=end)
        self.announce(_END[end])
        if end != "stay":
            self.runner.run(["systemctl", "--no-block", end])
        return 0

    def _required_bytes(self, spec: InstallSpec, slot_bytes: int) -> int:
        """Return the bytes of the smallest disk that the spec fits on."""
        low, high = 1, 1 << 30  # MiB
        while low < high:
            middle = (low + high) // 2
            try:
                layout.plan(spec, middle * layout.MIB, slot_bytes)
                high = middle
            except EdgewrightError as error:
                if error.code != "DiskTooSmall":
                    raise
                low = middle + 1
        return low * layout.MIB

    def _signatures(self, disk: disks.Disk) -> List[str]:
        text = self.runner.run(["wipefs", "--noheadings", "--output", "TYPE,LABEL", disk.path], check=False)
        return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


_END = {
    "poweroff": "The machine powers off now; take the medium out before it starts again.",
    "reboot": "The machine restarts now; take the medium out, so that it starts from its disk.",
    "stay": "Installation complete. Take the medium out and restart the machine.",
}
