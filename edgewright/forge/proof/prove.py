"""Boot an installer and watch it: from the check of its token to the host's record at the plane, and back to nothing.

Whatever happens (a failure, a Ctrl-C), at the end there is no machine, no file, no host and no token of the proof; what
could not be taken away is named.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core import times
from edgewright.core.cloudconfig.userdata import Site, site_of
from edgewright.core.errors import Cancelled, EdgewrightError, InvalidInput, NotFound, Refused
from edgewright.forge.iso import modes
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from edgewright.forge.proof import ephemeral_identity, inside, kvm
from edgewright.forge.proof.boot import Boot, Timing
from edgewright.forge.proof.console_log import ConsoleLog, Redactor, log_path
from edgewright.forge.proof.failures import Why
from edgewright.forge.proof.machine import Devices, Firmware, Machine, Medium, disk_bus, medium_text, uefi_files
from edgewright.forge.proof.milestones import Mark, Until
from edgewright.forge.proof.plane import ProofPlane, Verdict
from edgewright.forge.proof.result import Proof
from edgewright.forge.proof.track import Track
from edgewright.forge.scratch import prefix_of, sweep
from edgewright.forge.userdata.text import dump

KVM_SCALE = 0.5
"""Part of emulation's patience that a machine in KVM is given."""


class BootSpec(NamedTuple):
    """How an installer is to be booted. Sizes in MiB and GiB, `limit` in seconds for all of it."""

    firmware: Firmware = "uefi"
    secure_boot: bool = False
    medium: Medium = "usb"
    until: Until = "registered"
    accel: str = "auto"
    devices: Devices = "pc"
    memory: int = 2048
    disk: int = 32
    limit: float = 2400.0
    scale: float = 1.0


def prove(
    iso: Path,
    spec: BootSpec,
    job: Job,
    *,
    planes: Callable[[str], ProofPlane],
    console: Callable[[str], None] = lambda line: None,
    log: Path | None = None,
) -> Proof:
    """Boot `iso` and return what was seen; a boot that fails is a result, not an error.

    `planes(endpoint)` gives the plane that the user-data names. Raises `NotFound` (no ISO, no QEMU), `InvalidInput` and
    `Refused` for an ISO that cannot be proven so, `Unreachable` when the plane does not answer, `Cancelled`.
    """
    return _Run(iso, spec, job, planes, console, log or log_path(iso)).run()


class _Run:
    def __init__(
        self,
        iso: Path,
        spec: BootSpec,
        job: Job,
        planes: Callable[[str], ProofPlane],
        console: Callable[[str], None],
        log: Path,
    ) -> None:
        self.iso, self.spec, self.job, self.console, self.log_at = iso, spec, job, console, log
        self.planes = planes
        self.plane: ProofPlane | None = None
        self.uid = ""
        self.token_uid = ""
        self.left: list[str] = []
        self.notes: list[str] = []
        self.not_proven: tuple[str, ...] = ()
        self.secrets: set[str] = set()
        self.track = Track(spec.until, secure_boot=spec.secure_boot, scale=spec.scale, on_mark=self._tick)

    def run(self) -> Proof:
        at, began = times.rfc3339(times.now()), time.monotonic()
        if not self.iso.is_file():
            raise NotFound(f"There is no ISO {self.iso}.", "Make one: edgewright forge iso")
        base = identify(self.iso)
        if not base.boots:
            raise InvalidInput(
                f"{self.iso} is not an ISO that boots.", base.refuse or "Name an installer ISO.", "NoIso"
            )
        self._must_boot_so(base)
        document, _, notes = inside.user_data(base)
        self.notes += notes
        self.secrets |= ephemeral_identity.secrets_of(document)
        site = site_of(document)
        if self.spec.until == "registered":
            self._must_name_a_plane(site)
            self.plane = self.planes(site.endpoint)
        sha256 = inside.sha256(self.iso, self.job)
        sweep("proof")
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix_of('proof')}{os.getpid()}-"))
        stopped: BaseException | None = None
        choice, medium, stored = kvm.Choice("tcg"), "", False
        lines: list[str] = []
        try:
            machine = self._machine(folder, document)
            medium = medium_text(machine)
            if self.plane is None or self._plane_lets_it_in(self.plane, site, document, base):
                if self.plane is not None:
                    self.plane.reports(self.uid)  # what was there before is none of the proof's
                    machine = self._with_copy(machine, folder, document, site)
                else:
                    self.not_proven = ("registration at the plane", *ephemeral_identity.ALWAYS)
                choice = kvm.choose(self.spec.accel, lambda: inside.kernel(self.iso, folder, self.job), self.job)
                lines, stored = self._boot(
                    machine._replace(accel=choice.accel, cpus=2 if choice.accel == "kvm" else 1), choice, document
                )
        except BaseException as error:
            stopped = error
            raise
        finally:
            self._clean_up(folder)
            if isinstance(stopped, Cancelled) and self.left:
                raise Rest(self.left) from None
            if stopped is not None and self.left and isinstance(stopped, EdgewrightError):
                stopped.hint = f"{stopped.hint} Left behind: {'; '.join(self.left)}.".strip()
        clean = Redactor(self.secrets)
        why = self.track.why or Why("")
        return Proof(
            iso=str(self.iso),
            iso_sha256=sha256,
            until=self.spec.until,
            ok=self.track.done(),
            firmware=self.spec.firmware,
            secure_boot=self.spec.secure_boot,
            medium=self.spec.medium,
            medium_text=medium,
            accel=choice.accel,
            accel_note=choice.note,
            at=at,
            took=time.monotonic() - began,
            marks=tuple(mark._replace(detail=clean(mark.detail)) for mark in self.track.marks.values()),
            failed=self.track.failed,
            reason=clean(why.sentence),
            hint=clean(why.hint),
            lines=tuple(map(clean, lines)),
            not_proven=self.not_proven,
            notes=tuple(map(clean, (*self.notes, *([choice.note] if choice.note else [])))),
            left=tuple(self.left),
            plane=site.endpoint,
            uid=self.uid,
            log=str(self.log_at) if stored else "",
        )

    def _tick(self, mark: Mark) -> None:
        clean = Redactor(self.secrets)
        self.job.step(clean(str(mark)))

    def _must_boot_so(self, base: Base) -> None:
        """Raise `InvalidInput` for a way to boot that the ISO does not have: the firmware would find nothing."""
        spec = self.spec
        mode = f"{spec.firmware.upper()} from {spec.medium.upper()}"
        if mode in base.boot_modes:
            return
        message = f"{self.iso.name} does not boot by {spec.firmware.upper()} from {spec.medium.upper()}"
        broken = f" ({base.partition_broken})" if spec.medium == "usb" and base.partition_broken else ""
        has = f"; it boots {', '.join(base.boot_modes)}" if base.boot_modes else ""
        hint = f"Prove what it has: {modes.verify_line(self.iso, base.boot_modes)}" if base.boot_modes else base.refuse
        raise InvalidInput(f"{message}{broken}{has}.", hint, "NoBootMode")

    def _must_name_a_plane(self, site: Site) -> None:
        instead = "Prove less: --until installed, or --until login."
        if not site.endpoint:
            raise InvalidInput("The user-data on the ISO names no plane (paletteEndpoint).", instead, "NoEndpoint")
        if site.management_mode == "local":
            raise Refused("The user-data is for local management: its host registers at no plane.", instead)
        if not site.token:
            raise Refused(
                "The user-data has no token: its host waits until an operator approves it.", instead, "NoToken"
            )

    def _machine(self, folder: Path, document: dict[str, Any]) -> Machine:
        spec = self.spec
        disk = folder / "disk.img"
        with disk.open("wb") as file:
            file.truncate(ephemeral_identity.disk_gib(document, spec.disk) << 30)
        code = variables = None
        if spec.firmware == "uefi":
            files = uefi_files(spec.secure_boot)
            code, variables = files.code, folder / "variables.fd"
            shutil.copyfile(files.variables, variables)
        install = document.get("install")
        device = str(install.get("device") or "") if isinstance(install, dict) else ""
        return Machine(
            self.iso,
            disk,
            firmware=spec.firmware,
            secure_boot=spec.secure_boot,
            medium=spec.medium,
            devices=spec.devices,
            memory=spec.memory,
            disk_bus=disk_bus(device, spec.devices),
            code=code,
            variables=variables,
            uuid=str(uuid.uuid4()),
        )

    def _plane_lets_it_in(self, plane: ProofPlane, site: Site, document: dict[str, Any], base: Base) -> bool:
        """Check what the plane would answer to the host; what it refuses ends the proof before anything is booted."""
        return self._plane_is_trusted(plane, document, base) and self._token_is_good(plane, site)

    def _plane_is_trusted(self, plane: ProofPlane, document: dict[str, Any], base: Base) -> bool:
        """Compare the authorities and the address in the user-data with what the plane shows.

        Without `caCerts` the host asks the store of its own system; of bases only the reference appliance's is known.
        """
        self.job.step(f"asking {plane.name} for its certificate")
        verdict = plane.trusted(document, any_store=not base.appliance)
        if verdict.state == "bad":
            self.track.end(Why(verdict.sentence, verdict.hint), 0.0)
            return False
        if verdict.state == "unknown":
            self.notes.append(f"Whether the host would trust its plane is unknown. {verdict.sentence}")
        self.track.passed("plane", 0.0, f"unknown: {verdict.name}" if verdict.state == "unknown" else verdict.name)
        return True

    def _token_is_good(self, plane: ProofPlane, site: Site) -> bool:
        """Check the token that ships; a bad one ends the proof before anything is booted. Raises `Unreachable`."""
        self.job.step(f"asking {plane.name} for the token of the user-data")
        verdict: Verdict = plane.judge(site.token, site.project_uid, site.project_name)
        if verdict.state == "bad":
            self.track.end(Why(verdict.sentence, verdict.hint), 0.0)
            return False
        if verdict.state == "unknown":
            self.notes.append(f"Whether the token of the user-data is valid is unknown. {verdict.sentence}")
            self.track.passed("token", 0.0, f"unknown: {verdict.name}")
        else:
            self.track.passed("token", 0.0, verdict.name)
        project = site.project_uid or (plane.project_named(site.project_name) if site.project_name else "")
        plane.project_uid = project or verdict.project_uid or plane.only_project()
        return True

    def _with_copy(self, machine: Machine, folder: Path, document: dict[str, Any], site: Site) -> Machine:
        """Make the proof's own token and the copy of the ISO that contains it. Raises `EdgewrightError`."""
        assert self.plane is not None
        self.uid = ephemeral_identity.new_uid()
        self.job.step(f"making a token for one day at {self.plane.name}")

        def made(uid: str) -> None:
            self.token_uid = uid

        token = self.plane.make_token(self.uid, self.plane.project_uid, made)
        self.secrets.add(token)
        copy = ephemeral_identity.make_copy(document, token, self.uid, self.iso.name[:60])
        self.not_proven = copy.not_proven
        target = folder / "proof.iso"
        make_iso(self.iso, dump(copy.document).encode(), target, self.job, name=self.uid, any_base=True)
        self.notes.append("Booted was a copy of the ISO with the proof's own token, name and tag in its user-data.")
        return machine._replace(medium_file=target, network="on")

    def _boot(self, machine: Machine, choice: kvm.Choice, document: dict[str, Any]) -> tuple[list[str], bool]:
        if choice.note:
            self.job.step(choice.note)
        install = document.get("install")
        itself = isinstance(install, dict) and bool(install.get("reboot") or install.get("poweroff"))
        timing = Timing(self.spec.limit, 90.0 if itself else 15.0)
        if choice.accel == "kvm":
            self.track.scale = KVM_SCALE * self.spec.scale
        log = ConsoleLog(self.log_at, Redactor(self.secrets))
        try:
            boot = Boot(machine, self.track, self.job, log, timing, self.plane, self.uid, self.console)
            lines = boot.run()
        except BaseException:
            log.drop()
            raise
        log.publish()
        return lines, True

    def _clean_up(self, folder: Path) -> None:
        """Take everything of the proof away; what stays is named in `left`. Nothing is raised."""
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            self.left.append(f"the folder {folder}")
        if self.plane is None or not self.token_uid:
            return
        plane = self.plane
        # the token first: without it that host cannot be impersonated
        self._forget(
            f"token {self.uid}", f"edgewright token delete {self.token_uid}", plane.forget_token, self.token_uid
        )
        self._forget(f"host {self.uid}", f"edgewright host delete {self.uid}", plane.forget_host, self.uid)

    def _forget(self, what: str, by_hand: str, forget: Callable[[str], None], uid: str) -> None:
        last = ""
        for pause in (0.0, 1.0, 3.0):
            time.sleep(pause)
            try:
                forget(uid)
                return
            except EdgewrightError as error:
                last = error.message
        self.left.append(f"the {what} at {self.plane.name if self.plane else 'the plane'} ({last} Manually: {by_hand})")


class Rest(Cancelled):
    """The user stopped the proof, and not everything could be taken away."""

    def __init__(self, left: list[str]) -> None:
        super().__init__()
        self.message = f"Stopped; left behind: {'; '.join(left)}."
        self.hint = "Remove it manually."
        self.args = (self.message,)
