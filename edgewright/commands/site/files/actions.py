"""Actions: copy a file of a host over SSH, or put one in its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from edgewright.clients.ssh.files.download import Download
from edgewright.clients.ssh.files.host_files import Look
from edgewright.clients.ssh.files.local import local_name
from edgewright.clients.ssh.files.places import file_path
from edgewright.clients.ssh.files.progress import Progress
from edgewright.clients.ssh.files.upload import Source, Upload, check, owner_and_mode, part_name, read_source
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.journal import finish, start
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.site import page_verbs as declared
from edgewright.commands.site.connecting import check as check_target
from edgewright.commands.site.files.reach import files_at
from edgewright.commands.site.sizes import progress_text, size_of
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, InvalidInput, Refused
from edgewright.core.slow_files import in_thread, read_in_time
from edgewright.core.small_file import local_path
from edgewright.core.text import clean

SHOW_EVERY = 2.0
COLUMNS = (Column("HOST"), Column("FILE"), Column("SIZE", right=True), Column("HASH"), Column("STORED AS"))


class SiteGet(declared.SiteGet):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check path and place here; nothing is dialled. Raises `EdgewrightError`."""
        target, path = str(args["target"]), str(args["path"])
        check_target(target)
        at = file_path(path)
        if not at.name:
            raise Refused(f"{at.path} is a directory.", "Name a file in it.", "IsDirectory")
        if at.place.secret and not args.get("secrets"):
            raise Refused(
                f"Files below {at.place.path} may contain secrets, and a copy has them in full.",
                "Repeat it with --with-secrets.",
                "SecretsInFile",
            )
        out = await read_in_time(lambda: _out(args.get("out"), at.name), "--out")
        lines = [
            f"{_shown(at.path)} of {target} is copied to {out} (mode 0600)",
            "a copy that was cut continues; what arrived is compared by its hash",
        ]
        if at.place.secret:
            lines.append("secrets in it (tokens, passwords, keys) are in the copy")
        title = f"Copy {_shown(at.name)} from {target}"
        return Plan(title, tuple(lines), (target,), (), self.cli_line((), args), payload=(at, out))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Copy it. A copy with secrets is in the journal. Raises `EdgewrightError`."""
        at, out = plan.payload
        target = str(args["target"])
        entry = start(ctx, declared.SiteGet, plan) if at.place.secret and ctx.journal is not None else ""
        reach = files_at(ctx, target, args.get("site"), report)
        try:
            done = await Download(reach, target, at.path, out, _Shown(report)).run()
        except BaseException as error:
            problem = error if isinstance(error, EdgewrightError) else None
            if entry:
                failed = [(target, problem)] if problem else []
                finish(ctx, entry, declared.SiteGet, done=(), failed=failed, note="" if problem else "interrupted")
            report(f"What arrived is in {out}.part, where anything did. Continue: {plan.cli}")
            raise
        if entry:
            finish(ctx, entry, declared.SiteGet, done=(target,), failed=())
        notes = [f"It grew by {size_of(done.grown)} meanwhile." if done.grown else ""]
        notes.append(f"{size_of(done.resumed)} were there from before." if done.resumed else "")
        message = " ".join(note for note in notes if note)
        document = {
            "target": target, "path": at.path, "file": str(out), "size": done.size,
            "hash": f"{done.kind}:{done.digest}", "grown": done.grown, "resumed": done.resumed,
            "seconds": round(done.seconds, 1),
        }  # fmt: skip
        cells = (target, _shown(at.path), size_of(done.size), f"{done.kind} {done.digest}", str(out))
        return Outcome((target,), (), message, Listing(COLUMNS, (Item(at.name, cells, document),)))


class SitePut(declared.SitePut):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Look at both files: size, hash, mode, owner, free space. Raises `EdgewrightError`."""
        target, path = str(args["target"]), str(args["path"])
        check_target(target)
        at = file_path(path)
        source = await in_thread(partial(read_source, local_path(str(args["file"]))))
        if not at.name:
            at = file_path(f"{at.path}/{source.path.name}")
        if not at.place.writable:
            raise Refused(f"Files below {at.place.path} are not replaced.", "Use the shell.", "ReadOnlyPlace")
        reach = files_at(ctx, target, args.get("site"))
        files = await reach()
        look = await files.look(at.path, hashed=True, new=True, part=part_name(at, source))
        check(look, source, files.host)
        owner, mode = owner_and_mode(look)
        same = look.exists and look.hash == {"sha256": source.sha256, "md5": source.md5}[look.kind]
        cannot = (
            (f"the old content of {_shown(at.path)} is not stored; copy it first",) if look.exists and not same else ()
        )
        title = f"{'Replace' if look.exists else 'Store'} {_shown(at.path)} on {target}"
        lines = _lines(look, source, owner, mode) if not same else ("the host has this content already",)
        return Plan(
            title,
            lines,
            (target,),
            cannot,
            self.cli_line((), args),
            payload=(look, source, reach),
            nothing=bool(same),
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send it and rename it. Raises `EdgewrightError`; the old file is as it was then."""
        look, source, reach = plan.payload
        target = str(args["target"])
        if plan.nothing:
            return Outcome((target,), (), f"{target} has this content already; nothing was changed.")
        reach.report = report
        if (site := args.get("site")) is not None:
            site.did(f"{_shown(look.at.path)} {'replaced' if look.exists else 'stored'}")
        try:
            done = await Upload(_First(reach), look, source, _Shown(report)).run()
        except EdgewrightError as error:
            if error.code in ("GivenUp", "ConnectionLost", "Silence"):
                hint = f"{error.hint} The old file is as it was. Continue: {plan.cli}".strip()
                raise type(error)(error.message, hint, error.code) from None
            raise
        document = {
            "target": target, "path": look.at.path, "file": str(source.path), "size": done.size,
            "hash": f"{done.kind}:{done.digest}", "before": f"{look.kind}:{look.hash}" if look.exists else None,
            "resumed": done.resumed, "seconds": round(done.seconds, 1),
        }  # fmt: skip
        cells = (
            target, str(source.path), size_of(done.size), f"{done.kind} {done.digest}", _shown(look.at.path),
        )  # fmt: skip
        return Outcome((target,), (), "", Listing(COLUMNS, (Item(look.at.name, cells, document),)))


class _First:
    """Gives the connection of the plan the first time that one is asked for, another one after that."""

    def __init__(self, reach: Any) -> None:
        self._reach = reach
        self._used = False

    async def __call__(self) -> Any:
        """Return the files of the host."""
        if not self._used:
            self._used = True
            return self._reach.files
        return await self._reach()


def _lines(look: Look, source: Source, owner: str, mode: str) -> tuple[str, ...]:
    """Return what the plan shows: both files with size and hash, what is retained, how it is done."""
    new = f"new      {size_of(source.size)}, sha256 {source.sha256}, from {source.path}"
    retained = f"mode {mode}, owner {look.owner_name} are retained" if look.exists else f"mode {mode}"
    lines = [new, f"         {retained}"]
    if look.exists:
        changed = times.rfc3339(look.modified)
        lines.insert(0, f"replaced {size_of(look.size)}, {look.kind} {look.hash}, changed {changed}")
    if look.links > 1:
        lines.append(f"the file has {look.links} names on the host; only this one gets the new content")
    if look.part:
        lines.append(f"continues an upload of which {size_of(look.part)} are there")
    lines.append(f"sent to {part_name(look.at, source)} beside it, and renamed when its hash is right on the host")
    return tuple(lines)


def _out(given: Any, name: str) -> Path:
    """Return where a copy is stored. Raises `InvalidInput` for a folder that is not there."""
    place = local_path(str(given)) if given else Path.cwd()
    if place.is_dir() or not given:
        place = place / local_name(name)
    if not place.parent.is_dir():
        raise InvalidInput(f"There is no directory {place.parent}.", "Make it, or give another --out.")
    return place


class _Shown:
    """Prints a line of progress now and then."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._next, self._step = 0.0, ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next and progress.step == self._step:
            return
        self._next, self._step = now + SHOW_EVERY, progress.step
        self._report(progress_text(progress))


def _shown(path: str) -> str:
    return clean(path, 200)
