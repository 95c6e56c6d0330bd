"""The verb that builds the reference appliance."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.forge.appliance.build import BaseResult
    from edgewright.forge.appliance.lock import Lock
    from edgewright.forge.progress import Job


class ForgeBase(Command):
    """Build the reference appliance: a base ISO from Debian packages, with our agent and an installer inside.

    Needs root and a Debian machine with mmdebstrap. Its packages are listed in a lock file by version and hash:
    the same lock gives the same ISO. `-o base.iso` names the file; its SBOM, hash and manifest are put beside it.
    """

    name = "forge base"
    title = "base"
    console = False
    online = False
    tells = True
    params = (
        Param("out", "the new ISO (-o base.iso does the same)", "--out", kind="file", metavar="ISO"),
        Param("lock", "lock file (default: your refreshed one, else the one that came with Edgewright)", "--lock",
              kind="file", metavar="FILE"),
        Param("refresh_lock", "write a lock of the present versions (to --lock, else your own); builds with --out",
              "--refresh-lock", kind="flag"),
        Param("mirror", "address of the archive debian (default: from apt's sources)", "--mirror", metavar="URL"),
        Param("agent", "agent archive to put in (default: one of this Edgewright's own)", "--agent", kind="file",
              metavar="FILE"),
        Param("offline", "take packages from the cache only", "--offline", kind="flag"),
        Param("fast", "compress less: built sooner, a fifth larger, another hash", "--fast", kind="flag"),
        Param("force", "replace the ISO when it is there", "--force", kind="flag"),
    )  # fmt: skip

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Refresh the lock, build, or both. Raises `Refused` without root, `NotFound`, `Conflict`, `Failed`."""
        from edgewright.commands.forge.jobs import work
        from edgewright.commands.kernel.results import Text
        from edgewright.core.errors import Conflict, UsageError
        from edgewright.forge.reservation import reserved

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
            texts.append(_told_lock(target, lock, changes))
        if out is None:
            return Outcome(
                (str(target),), result=Text(texts[0], {"lock": str(target), "digest": lock.digest}, str(target))
            )
        with reserved(out):
            result = await work(lambda job: _build(out, path, args, job), report)
        texts.append(_told(result))
        document = {"iso": str(result.path), "sha256": result.sha256, "size": result.size}
        return Outcome((str(out),), result=Text("\n".join(texts), document, str(out)))


def _refresh(path: Path | None, mirror: str | None, job: Job) -> tuple[Path, Lock, tuple[str, ...]]:
    """Write a fresh lock and return where it is, what it contains, and what changed against the one before."""
    from edgewright.config.locations import write_private
    from edgewright.core.errors import EdgewrightError
    from edgewright.forge.appliance import lock, resolve
    from edgewright.forge.appliance import mirror as mirrors

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
    import edgewright
    from edgewright.agent.install import archive
    from edgewright.forge.appliance import build, lock, mirror
    from edgewright.forge.appliance.fetch import cache_folder
    from edgewright.forge.scratch import scratch

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


def _told_lock(target: Path, lock: Lock, changes: tuple[str, ...]) -> str:
    from edgewright.forge.progress import size

    lines = [f"{target}  {len(lock.packages)} packages, {size(lock.size)}", f"  sha256      {lock.digest}"]
    lines += [f"  changed     {change}" for change in changes[:20]]
    if len(changes) > 20:
        lines.append(f"  changed     and {len(changes) - 20} more")
    return "\n".join(lines if changes else [*lines, "  changed     nothing"])


def _told(result: BaseResult) -> str:
    from edgewright.forge.progress import size

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


COMMANDS: tuple[type[Command], ...] = (ForgeBase,)
