"""Hand the terminal to another program and take it back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App


async def run_in_terminal(app: App[Any], argv: Sequence[str], env: Mapping[str, str] | None = None) -> int:
    """Run a program with the full terminal and return its exit code.

    Repaints are suspended meanwhile: the writer thread is stopped while the app is suspended, so a timer that paints
    would fill its queue and hang the app for ever. Raises `OSError` when the program cannot be started and
    `textual.app.SuspendNotSupported` where there is no terminal to hand over.
    """
    with app.batch_update(), app.suspend():
        process = await asyncio.create_subprocess_exec(*argv, env=dict(env) if env is not None else None)
        code = await process.wait()
    app.screen.refresh(layout=True)
    return code
