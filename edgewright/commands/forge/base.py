"""Actions: the verb that builds the reference appliance."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import edgewright
from edgewright.agent.install import archive
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import base as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.config.locations import write_private
from edgewright.core.errors import Conflict, EdgewrightError, UsageError
from edgewright.core.text import amount
from edgewright.forge.appliance import build, lock, mirror, resolve
from edgewright.forge.appliance import mirror as mirrors
from edgewright.forge.appliance.build import BaseResult
from edgewright.forge.appliance.fetch import cache_folder
from edgewright.forge.appliance.lock import Lock
from edgewright.forge.progress import Job, size
from edgewright.forge.reservation import reserved
from edgewright.forge.scratch import scratch


class ForgeBase(declared.ForgeBase):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Refresh the lock, build, or both. Raises `Refused` without root, `NotFound`, `Conflict`, `Failed`."""
        out = Path(args["out"]).absolute() if args["out"] else None
        if out is None and not args["refresh_lock"]:
            raise UsageError("`forge base` needs a file to write.", "Name it: edgewright forge base -o base.iso")
        if args["refresh_lock"] and args["offline"]:
            raise UsageError("A lock cannot be refreshed offline.", "Leave one of --refresh-lock and --offline out.")
        if out is not None and out.exists() and not args["force"]:
            raise Conflict(f"{out} is there already.", "Name another file, or replace it with --force.")
        path = Path(args["lock"]).absolute() if args["lock"] else None
        texts = []
        if args["refresh_lock"]:
            target, lock, changes = await work(lambda job: _refresh(path, args["mirror"], job), report)
            texts.append(_report_lock(target, lock, changes))
        if out is None:
            return Outcome(
                (str(target),), result=Text(texts[0], {"lock": str(target), "digest": lock.digest}, str(target))
            )
        with reserved(out):
            result = await work(lambda job: _build(out, path, args, job), report)
        texts.append(_result_text(result))
        document = {"iso": str(result.path), "sha256": result.sha256, "size": result.size}
        return Outcome((str(out),), result=Text("\n".join(texts), document, str(out)))


def _refresh(path: Path | None, mirror: str | None, job: Job) -> tuple[Path, Lock, tuple[str, ...]]:
    """Write a fresh lock and return where it is, what it contains, and what changed against the one before."""
    target = path or lock.user_lock()
    try:
        before = lock.load(path)
    except EdgewrightError:
        before = None
    fresh = resolve.refresh(mirrors.mirrors(mirror), job)
    write_private(target, fresh.text())
    target.chmod(0o644)  # no secret in it; it is meant to be shared
    return target, fresh, lock.changes(before, fresh)


def _build(out: Path, path: Path | None, args: Mapping[str, Any], job: Job) -> BaseResult:

    package = Path(edgewright.__file__).parent
    with scratch("agent") as place:
        agent = Path(place, "edgewright-agent.pyz")
        if args["agent"]:
            agent = Path(args["agent"])
        else:
            archive.build(str(agent), str(package))
        return build.build_base(
            out,
            job,
            lock=lock.load(path),
            agent=agent,
            units=package / "agent/appliance/files",
            mirrors=None if args["offline"] else lambda: mirror.mirrors(args["mirror"]),
            cache=cache_folder(),
            level=build.FAST if args["fast"] else build.LEVEL,
        )


def _report_lock(target: Path, lock: Lock, changes: tuple[str, ...]) -> str:

    lines = [f"{target}  {amount(len(lock.packages), 'package')}, {size(lock.size)}", f"  sha256      {lock.digest}"]
    lines += [f"  changed     {change}" for change in changes[:20]]
    if len(changes) > 20:
        lines.append(f"  changed     and {len(changes) - 20} more")
    return "\n".join(lines if changes else [*lines, "  changed     nothing"])


def _result_text(result: BaseResult) -> str:

    begin = f"edgewright forge iso --base {shlex.quote(str(result.path))}"
    return "\n".join(
        (
            f"{result.path}  {size(result.size)}",
            f"  sha256      {result.sha256}",
            f"  packages    {result.packages}, listed in {result.sbom_path.name}",
            "  boots       BIOS and UEFI (Secure Boot too), from CD and USB",
            f"Next: {begin} --user-data FILE -o OUT.iso   makes an installer of it",
        )
    )
