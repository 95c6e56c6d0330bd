"""Actions: the verb that boots an installer and watches it register."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import verify as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext, make_plane_client
from edgewright.commands.kernel.results import Text
from edgewright.config import contexts
from edgewright.core.errors import Failed, NotFound, Refused, UsageError
from edgewright.forge.builds import Recorder
from edgewright.forge.manifest import with_proof
from edgewright.forge.progress import Job, Sink
from edgewright.forge.proof.plane import ProofPlane
from edgewright.forge.proof.prove import BootSpec, prove
from edgewright.forge.proof.result import Proof


class ForgeVerify(declared.ForgeVerify):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is booted and what is created at the plane. Raises `UsageError` for options that conflict."""
        spec = options_of(args)
        lines = [f"Boots {args['iso']} by {spec.firmware.upper()} from {spec.medium.upper()}, until {spec.until}."]
        if spec.until == "registered":
            lines.append("Makes a token for one day and a host proof-... at the plane of its user-data; deletes both.")
        cli = self.cli_line(targets, args)
        return Plan(f"Boot {args['iso']}", tuple(lines), (str(args["iso"]),), (), cli, None, spec)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Boot it, and write what was seen into the manifest. Raises as `prove`."""
        console = (lambda line: report(f"| {line}")) if args.get("raw") else (lambda line: None)
        if args.get("build"):
            return await _recorded(ctx, Path(args["iso"]), plan.payload, str(args["build"]), report)
        with terminated_is_cancelled():
            proof, label = await prove_iso(ctx, Path(args["iso"]), plan.payload, report, console=console)
        text = "\n".join([proof.text(), f"  label: {label}"])
        result = Text(text, {**proof.as_dict(), "label": label}, proof.iso)
        if proof.ok:
            return Outcome((proof.iso,), result=result)
        error = Failed(f"{proof.iso} failed at the milestone {proof.failed}: {proof.reason}", proof.hint, "NotProven")
        return Outcome((), ((proof.iso, error),), result=result)


async def _recorded(
    ctx: CommandContext, iso: Path, spec: BootSpec, build: str, report: Callable[[str], None]
) -> Outcome:
    """Prove in the background: step, time and end go into the record of `build`. Raises `Failed` when not proven."""
    with terminated_is_cancelled(), Recorder.of(build) as recorder:
        recorder.made([iso])
        proof, label = await prove_iso(ctx, iso, spec, report, sink=recorder)
        if not proof.ok:
            raise Failed(f"It failed at the milestone {proof.failed}: {proof.reason}", proof.hint, "NotProven")
    return Outcome((proof.iso,), (), f"{iso.name} is {label}.")


def options_of(args: Mapping[str, Any]) -> BootSpec:
    """Return how to boot, from the words of the command line. Raises `UsageError`."""
    if args.get("bios") and (args.get("uefi") or args.get("secure_boot")):
        raise UsageError("--bios excludes --uefi and --secure-boot.", "Verify twice, once for each.")
    if args.get("usb") and args.get("cd"):
        raise UsageError("--usb excludes --cd.", "Verify twice, once for each.")
    memory, disk = int(args.get("memory") or 2048), int(args.get("disk") or 32)
    if not 256 <= memory <= 1 << 20 or not 4 <= disk <= 65536:
        raise UsageError("The machine needs 256 MiB of memory and a disk of 4 GiB at least.", "Leave them out.")
    return BootSpec(
        firmware="bios" if args.get("bios") else "uefi",
        secure_boot=bool(args.get("secure_boot")),
        medium="cd" if args.get("cd") else "usb",
        until=args.get("until") or "registered",
        accel=args.get("accel") or "auto",
        devices=args.get("devices") or "pc",
        memory=memory,
        disk=disk,
        limit=float(args.get("limit") or 2400.0),
    )


async def prove_iso(
    ctx: CommandContext,
    iso: Path,
    spec: BootSpec,
    report: Callable[[str], None],
    *,
    console: Callable[[str], None] = lambda line: None,
    sink: Sink | None = None,
    context: str = "",
) -> tuple[Proof, str]:
    """Boot `iso`, write the proof into its manifest, and return it with the label that it gives.

    `context` is a context to look at first. Raises as `prove`.
    """

    def do(job: Job) -> Proof:
        return prove(iso, spec, job, planes=lambda endpoint: plane_for(endpoint, ctx, context), console=console)

    proof = await work(do, report, every=15.0, sink=sink)
    try:
        label = str(with_proof(iso, proof.as_dict(), proof.iso_sha256)["label"])
    except NotFound:
        label = "unproven (it has no manifest to write the proof into)"
    return proof, label


async def prove_installer(
    ctx: CommandContext,
    iso: Path,
    asked: Any,
    context: str,
    sink: Sink,
    report: Callable[[str], None],
) -> str:
    """Boot what was just built, as its answers ask (`core.installer.document.Proof`), and return its label.

    `context` is the context that the answers name. Raises `Failed` when it was not proven, and as `prove`.
    """
    spec = BootSpec(asked.firmware, bool(asked.secure_boot), asked.medium, asked.until)
    proof, label = await prove_iso(ctx, iso, spec, report, sink=sink, context=context)
    if not proof.ok:
        raise Failed(f"it failed at the milestone {proof.failed}: {proof.reason}", proof.hint, "NotProven")
    return label


def plane_for(endpoint: str, ctx: CommandContext, first: str = "") -> Any:
    """Return the plane of the context that is for `endpoint`.

    Raises `Refused` when no context is, when it is read-only, and for an address that only this machine can reach.
    """
    host, _ = _place(endpoint)
    if host == "localhost" or host.startswith("127.") or host == "::1":
        raise Refused(
            f"The user-data names {endpoint}, which only this machine can reach.",
            "Let the hub advertise an address of the network: edgewright hub serve --advertise ADDRESS",
            "LoopbackPlane",
        )
    known = [ctx.context] if ctx.context else []
    if os.environ.get("EDGEWRIGHT_URL"):
        known.append(contexts.from_environment(os.environ))
    items = contexts.load().items
    known += [items[first]] if first in items else []
    known += items.values()
    context = next((item for item in known if _place(item.url) == _place(endpoint)), None)
    if context is None:
        raise Refused(
            f"The user-data names the plane {endpoint}, and none of your contexts is for it.",
            f"Add it: edgewright context add NAME --url {shlex.quote(endpoint)} --api-key-file FILE "
            "(or --until installed)",
            "NoContext",
        )
    if context.read_only:
        raise Refused(
            f"The context {context.name} is read-only, and a proof makes a token and a host at {endpoint}.",
            "Use a context that may write; or prove less: --until installed",
        )
    chosen = context
    return ProofPlane(lambda project: make_plane_client(chosen, project, ctx.timeout), chosen.name)


def _place(url: str) -> tuple[str, int]:
    """Return host and port of an address, so that two spellings of one plane are the same."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    return (parts.hostname or "").lower().rstrip("."), parts.port or (80 if parts.scheme == "http" else 443)
