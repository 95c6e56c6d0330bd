"""Actions: verbs about user-data files: new, check, show, merge."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgewright.commands.forge.userdata_check import check_files
from edgewright.commands.forge.userdata_keys import stored_keys
from edgewright.commands.forge.userdata_rows import all_keys, arg_text, findings_text, key_text, merge_listing
from edgewright.commands.forge.userdata_write import make, write
from edgewright.commands.forge.verbs import userdata as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.core.cloudconfig.args.check import image_name
from edgewright.core.cloudconfig.args.keys import ARGS
from edgewright.core.cloudconfig.check import check
from edgewright.core.cloudconfig.findings import NOTE, counted, has_errors
from edgewright.core.cloudconfig.masking import COVER, masked
from edgewright.core.cloudconfig.merge import merge
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.errors import InvalidInput
from edgewright.core.slow_files import read_in_time
from edgewright.core.small_file import PATIENCE
from edgewright.core.times import now
from edgewright.forge.userdata.assign import find_path
from edgewright.forge.userdata.files import load
from edgewright.forge.userdata.text import dump


class ForgeUserDataNew(declared.ForgeUserDataNew):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the text and write or print it. Raises `NotFound`, `InvalidInput`, `Conflict`."""
        keys = await stored_keys(ctx, args.get("ssh_keys") or ())
        named = [str(word).partition("=@")[2] for word in args.get("values") or ()]
        files = [name for name in (str(args.get("start") or ""), *named) if name]
        text, result = await read_in_time(
            lambda: make(args, keys), "-" if "-" in files else " or ".join(files), PATIENCE
        )
        out = str(args.get("out") or "")
        if not out:
            return Outcome((), result=Text(text.rstrip("\n"), {"text": text}))
        write(out, text, force=bool(args.get("force")) or out == args.get("start"))
        see = f"edgewright forge user-data check {shlex.quote(out)}"
        waits = next((f" {item.message}" for item in result if item.code == "Waits"), "")
        message = f"{out} is written; checked offline: {counted(result)}.{waits} See: {see}"
        return Outcome((out,), (), message)


class ForgeUserDataCheck(declared.ForgeUserDataCheck):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Print every finding. Raises `NotFound` and `Failed` for files that cannot be read."""
        result = await check_files(ctx, args)
        failed = []
        messages = []
        for name, every in result.items():
            what = counted(every) + ("" if name.endswith(".arg") else f" (profile {args['profile']})")
            if has_errors(every):
                hint = "Correct the errors; explain a key: edgewright forge user-data show KEY"
                failed.append((name, InvalidInput(f"{name} is not right: {what}.", hint, "InvalidUserData")))
            else:
                messages.append(f"{name} has no errors: {what}.")
        shown = [
            (name, item)
            for name, every in result.items()
            for item in every
            if not (args.get("quiet") and item.severity == NOTE)
        ]
        done = tuple(name for name, every in result.items() if not has_errors(every))
        return Outcome(done, tuple(failed), "\n".join(messages), findings_text(shown))


class ForgeUserDataShow(declared.ForgeUserDataShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Explain or show. Raises `NotFound` for what is neither a key nor a file."""
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


class ForgeUserDataMerge(declared.ForgeUserDataMerge):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Merge, report, write. Raises `NotFound`, `InvalidInput`, `Conflict`."""
        layers = []
        for source in ("staging", "site", "tui"):
            name = str(args.get(source) or "")
            if name:
                loaded = load(name)
                if loaded.args is not None:
                    raise InvalidInput(f"{name} is a .arg file.", "User-data is merged, not build arguments.", "Kind")
                layers.append((source, loaded.document))
        merged = merge(layers)
        result = check(merged.document, profile=args["profile"], now=now())
        message = f"Checked as merged: {counted(result)}."
        out = str(args.get("out") or "")
        if out:
            head = [f"merged from: {' < '.join(source for source, _ in layers)} (the last one wins)"]
            write(out, dump(merged.document, head), force=bool(args.get("force")))
            message = f"{out} is written. {message}"
        return Outcome((out,) if out else (), (), message, merge_listing(merged))


def _file(name: str) -> Text:
    """Return a file with its secrets covered."""
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
