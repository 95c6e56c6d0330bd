"""Verbs about user-data files: new, check, show, merge."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Text

_PROFILE = Param(
    "profile", "whose rules it follows", flag="--profile", choices=("palette", "kairos"), default="palette"
)
_FORCE = Param("force", "replace the file when it is there", flag="--force", kind="flag")


class ForgeUserDataNew(Command):
    """Begin a user-data file with what you give it; every other choice is in it as a comment with its explanation.

    `key=@FILE` takes the text of a file: use it for tokens and passwords, which do not belong on a command line.
    With --from an existing file is changed instead, its comments preserved; that works for CanvOS's .arg as well.
    """

    name = "forge user-data new"
    title = "new user-data"
    params = (
        Param("values", "keys to set, by path or name (token=@FILE)", many=True, metavar="KEY=VALUE"),
        _PROFILE,
        Param("out", "file to write, readable by you alone", flag="--out", kind="file", metavar="FILE"),
        Param("start", "file to change, user-data or .arg; its comments stay", flag="--from", kind="file"),
        Param("all", "list every key as a comment, not the usual ones alone", flag="--all", kind="flag"),
        Param("canvos_arg", "begin CanvOS's .arg instead", flag="--canvos-arg", kind="flag"),
        _FORCE,
    )
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the text and write or print it. Raises `NotFound`, `InvalidInput`, `Conflict`."""
        from edgewright.commands.forge.userdata_write import make, write
        from edgewright.commands.kernel.results import Text
        from edgewright.core.cloudconfig.findings import counted

        text, found = make(args)
        out = str(args.get("out") or "")
        if not out:
            return Outcome((), result=Text(text.rstrip("\n"), {"text": text}))
        write(out, text, force=bool(args.get("force")) or out == args.get("start"))
        see = f"edgewright forge user-data check {shlex.quote(out)}"
        waits = next((f" {one.message}" for one in found if one.code == "Waits"), "")
        message = f"{out} is written; checked offline: {counted(found)}.{waits} See: {see}"
        return Outcome((out,), (), message)


class ForgeUserDataCheck(Command):
    """Check user-data or CanvOS's .arg: shape, values, and what plane and network report; exit code 7 with an error.

    It works without a plane. The token is looked up at the plane of your context when that is the plane of the file;
    what could not be asked is reported as `not checked`, and never taken for fine.
    """

    name = "forge user-data check"
    title = "check user-data"
    params = (
        Param("files", "user-data or .arg files (- for stdin)", required=True, many=True, metavar="FILE", kind="file"),
        Param("offline", "ask neither plane nor network", flag="--offline", kind="flag"),
        _PROFILE,
        Param("site_plan", "the files are sites of one plan: find what clashes", flag="--site-plan", kind="flag"),
        Param("over", "user-data of the installer that the files lie over (cidata)", flag="--over", kind="file"),
        Param("quiet", "leave notes out", flag="--no-notes", kind="flag"),
    )
    online = False
    console = False
    outputs = ("table", "json", "yaml", "name")

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Print every finding. Raises `NotFound` and `Failed` for files that cannot be read."""
        from edgewright.commands.forge.userdata_check import check_files
        from edgewright.commands.forge.userdata_rows import findings_text
        from edgewright.core.cloudconfig.findings import NOTE, counted, has_errors
        from edgewright.core.errors import InvalidInput

        found = await check_files(ctx, args)
        failed = []
        told = []
        for name, every in found.items():
            what = counted(every) + ("" if name.endswith(".arg") else f" (profile {args['profile']})")
            if has_errors(every):
                hint = "Correct the errors; explain a key: edgewright forge user-data show KEY"
                failed.append((name, InvalidInput(f"{name} is not right: {what}.", hint, "InvalidUserData")))
            else:
                told.append(f"{name} has no errors: {what}.")
        shown = [
            (name, one)
            for name, every in found.items()
            for one in every
            if not (args.get("quiet") and one.severity == NOTE)
        ]
        done = tuple(name for name, every in found.items() if not has_errors(every))
        return Outcome(done, tuple(failed), "\n".join(told), findings_text(shown))


class ForgeUserDataShow(Command):
    """Explain a key of user-data or .arg, list them all, or show a file with its secrets covered.

    Without words every key is listed. `show stylus.site`, `show edgeHostToken`, `show K8S_VERSION` explain one.
    """

    name = "forge user-data show"
    title = "show user-data"
    params = (
        Param("what", "a key, or a file", metavar="KEY|FILE"),
        _PROFILE,
    )
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Explain or show. Raises `NotFound` for what is neither a key nor a file."""
        from pathlib import Path

        from edgewright.commands.forge.userdata_rows import all_keys, arg_text, key_text
        from edgewright.core.cloudconfig.args.keys import ARGS
        from edgewright.core.cloudconfig.schema.kairos import SCHEMA
        from edgewright.forge.userdata.assign import find_path

        what = str(args.get("what") or "")
        if not what:
            return Outcome((), result=all_keys(args["profile"]))
        if what == "-" or "/" in what or what.endswith((".yaml", ".yml", ".arg")) or Path(what).is_file():
            return Outcome((), result=_file(what))
        if what.upper() in ARGS and (what in ARGS or SCHEMA.key(what) is None):
            return Outcome((), result=arg_text(ARGS.get(what) or ARGS[what.upper()]))
        path = find_path(what)
        key = SCHEMA.key(path)
        assert key is not None
        return Outcome((), result=key_text(key, path))


class ForgeUserDataMerge(Command):
    """Merge user-data as a host does (installer, site, first-boot screens): show what wins over what.

    Later files win; lists of maps are put behind each other, lists of plain values are joined. With -o FILE the result
    is written, readable by you alone.
    """

    name = "forge user-data merge"
    title = "merge user-data"
    params = (
        Param("staging", "user-data of the installer", required=True, kind="file", metavar="STAGING"),
        Param("site", "user-data of the site (cidata)", required=True, kind="file", metavar="SITE"),
        Param("tui", "what was set in the first-boot screens", kind="file", metavar="TUI"),
        Param("out", "file for the result", flag="--out", kind="file", metavar="FILE"),
        _FORCE,
        _PROFILE,
    )
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Merge, report, write. Raises `NotFound`, `InvalidInput`, `Conflict`."""
        from edgewright.commands.forge.userdata_rows import merge_listing
        from edgewright.commands.forge.userdata_write import write
        from edgewright.core.cloudconfig.check import check
        from edgewright.core.cloudconfig.findings import counted
        from edgewright.core.cloudconfig.merge import merge
        from edgewright.core.errors import InvalidInput
        from edgewright.core.times import now
        from edgewright.forge.userdata.files import load
        from edgewright.forge.userdata.text import dump

        layers = []
        for source in ("staging", "site", "tui"):
            name = str(args.get(source) or "")
            if name:
                loaded = load(name)
                if loaded.args is not None:
                    raise InvalidInput(f"{name} is a .arg file.", "User-data is merged, not build arguments.", "Kind")
                layers.append((source, loaded.document))
        merged = merge(layers)
        found = check(merged.document, profile=args["profile"], now=now())
        message = f"Checked as merged: {counted(found)}."
        out = str(args.get("out") or "")
        if out:
            head = [f"merged from: {' < '.join(source for source, _ in layers)} (the last one wins)"]
            write(out, dump(merged.document, head), force=bool(args.get("force")))
            message = f"{out} is written. {message}"
        return Outcome((out,) if out else (), (), message, merge_listing(merged))


def _file(name: str) -> Text:
    """Return a file with its secrets covered."""
    from edgewright.commands.kernel.results import Text
    from edgewright.core.cloudconfig.args.check import image_name
    from edgewright.core.cloudconfig.masking import COVER, masked
    from edgewright.forge.userdata.files import load
    from edgewright.forge.userdata.text import dump

    loaded = load(name)
    if loaded.args is None:
        document = masked(loaded.document)
        return Text(dump(document).rstrip("\n"), document, name)
    values = loaded.args.values()
    for key in values:
        if key == "UBUNTU_PRO_KEY" or key.endswith(("_TOKEN", "_PASSWORD", "_SECRET")):
            values[key] = COVER
    lines = [f"{key}={value}" for key, value in values.items()]
    lines += ["", f"# The provider image will be {image_name(values)}"]
    return Text("\n".join(lines), {"values": values, "image": image_name(values)}, name)


COMMANDS: tuple[type[Command], ...] = (*(ForgeUserDataNew, ForgeUserDataCheck, ForgeUserDataShow, ForgeUserDataMerge),)
