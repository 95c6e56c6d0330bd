"""A text in the user's editor, in the terminal that the console lends it."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from edgewright.config.locations import write_private
from edgewright.core.errors import Failed, NotFound
from tui.terminal.lend import terminal_lent

VARIABLES = ("KUBE_EDITOR", "VISUAL", "EDITOR")
"""Where the editor is named, the first one that is set."""
OTHERWISE = ("vi", "vim", "nano", "editor")
MOST = 4 * 1024 * 1024
"""Bytes of a text that is read back."""


def editor() -> list[str]:
    """Return the command line of the user's editor. Raises `NotFound`."""
    named = next((value for name in VARIABLES if (value := os.environ.get(name, "").strip())), "")
    try:
        command = shlex.split(named)
    except ValueError:
        command = [named]
    program = shutil.which(command[0]) if command else next(filter(None, map(shutil.which, OTHERWISE)), None)
    if program is None:
        what = f"The editor {command[0]} is not on PATH." if command else "No editor was found on PATH."
        raise NotFound(what, "Name one: EDITOR=nano edgewright", "NoEditor")
    return [program, *command[1:]]


async def edited_text(app: Any, text: str, name: str) -> str:
    """Return a text as the user left it; `name` ends the name of its file, which only the user can read.

    Raises `NotFound` without an editor, `Failed` for one that fails or leaves a text that cannot be read.
    """
    command = editor()
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="edgewright-edit-"))
    path = folder / "".join(each if each.isalnum() or each in "._-" else "-" for each in name)
    try:
        await asyncio.to_thread(write_private, path, text)
        with terminal_lent(app):
            process = await asyncio.create_subprocess_exec(*command, str(path))
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
        if code:
            raise Failed(f"The editor {Path(command[0]).name} ended with code {code}, so nothing was changed.", "")
        return await asyncio.to_thread(_read, path)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise Failed(f"The text has more than {MOST // 2**20} MB, so nothing was changed.", "")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"The text cannot be read: {error}.", "Nothing was changed.") from None
