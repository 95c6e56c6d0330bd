"""Making the text of a new or changed user-data or `.arg`, and putting it where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.forge.userdata_keys import UserKey, assigned
from edgewright.core.cloudconfig.args.args import read_args
from edgewright.core.cloudconfig.args.check import check_args
from edgewright.core.cloudconfig.args.keys import ARGS, CUSTOM
from edgewright.core.cloudconfig.findings import Finding, ordered
from edgewright.core.cloudconfig.schema.model import nearest
from edgewright.core.errors import Conflict, NotFound, UsageError
from edgewright.core.small_file import local_path
from edgewright.core.times import now
from edgewright.forge.secret_files import write_secret
from edgewright.forge.userdata.assign import read_assignment
from edgewright.forge.userdata.files import Loaded, findings, load
from edgewright.forge.userdata.online import not_checked
from edgewright.forge.userdata.starting import starting_args, starting_file
from edgewright.yamltext.editor import Editor
from edgewright.yamltext.place import put
from edgewright.yamltext.reader import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def make(args: Mapping[str, Any], keys: Sequence[UserKey] = ()) -> tuple[str, list[Finding]]:
    """Return the text for `forge user-data new`, and what `check --offline` reports about it.

    `keys` are SSH keys for its users.
    Raises `NotFound` for keys and files that are not there, `InvalidInput` for values that are not allowed.
    """
    start = load(args["start"]) if args.get("start") else None
    parts = list(args.get("values") or ())
    if args.get("canvos_arg") or (start is not None and start.args is not None):
        if start is not None and start.args is None:
            raise UsageError(f"{start.name} is not a .arg file.", "Leave --canvos-arg out.")
        if keys:
            raise UsageError("A .arg file has no users.", "Leave --ssh-key out.")
        values = dict(_pair(word) for word in parts)
        if start is None or start.args is None:
            text = starting_args(values)
        else:
            for key, value in values.items():
                start.args.set(key, value)
            text = start.args.text()
        return text, check_args(read_args(text))
    assignments = [read_assignment(word) for word in parts]
    if start is not None:
        editor = Editor(start.text.removeprefix("\ufeff"))
        if assignments:
            editor.change(dict(assignments))
        if keys:
            editor.change(assigned(read(editor.text()).document, keys, args["profile"]))
        text = editor.text()
    else:
        document: dict[str, Any] = {}
        for path, value in assignments:
            put(document, path, value)
        for path, value in assigned(document, keys, args["profile"]).items():
            put(document, path, value)
        text = starting_file(document, args["profile"], bool(args.get("all")))
    parsed = read(text)
    result = findings(Loaded(str(args.get("out") or "user-data"), text, parsed=parsed), args["profile"], now())
    return text, ordered([*result, *not_checked(parsed.document)])


def _pair(word: str) -> tuple[str, str]:

    key, sign, value = word.partition("=")
    if not sign:
        raise UsageError(f"{word[:60]!r} is not a KEY=value.", "Write e.g. K8S_VERSION=1.33.5")
    if key not in ARGS and not key.startswith(CUSTOM):
        near = nearest(key, ARGS)
        more = f"; the nearest is `{near}`" if near else ""
        raise NotFound(
            f"There is no key {key[:60]} in .arg{more}.", "Keys of your own begin with CUSTOM_ARG_.", "NoSuchKey"
        )
    return key, value


def write(name: str, text: str, *, force: bool) -> None:
    """Write a file that only its owner can read. Raises `Conflict` when it is there and may not be replaced."""
    path = local_path(name)
    if path.exists() and not force:
        raise Conflict(f"{path} is there already.", "Give another name, or --force to replace it.", "FileExists")
    write_secret(path, text.encode())
