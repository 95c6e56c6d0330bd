"""A visible state while a verb waits for the plane: a key that seems to do nothing is pressed again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp

DELAY = 0.5
"""Seconds after which the message line shows that the plane is asked; most answers come sooner."""


@contextlib.contextmanager
def waiting(app: NavigatingApp, verb: str) -> Iterator[None]:
    """Show that `verb` waits for the plane while the block takes longer than `DELAY`; then the message leaves."""
    store, shown = app.session.store, False

    def show() -> None:
        nonlocal shown
        shown = True
        store.message(f"Waiting for the plane: {verb}.", "info", reply=True)

    timer = asyncio.get_running_loop().call_later(DELAY, show)
    try:
        yield
    finally:
        timer.cancel()
        if shown:
            app.session.read_until = store.seq
