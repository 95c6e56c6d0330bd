"""Lending the terminal to another program: the console is suspended, and painted again when the program ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App, SuspendNotSupported


@contextmanager
def terminal_lent(app: App[Any], interrupted: Callable[[], object] | None = None) -> Iterator[None]:
    """Give the terminal away while the block runs, Ctrl-C too. Where there is none to give (tests), the block runs.

    Nothing is painted meanwhile: a repaint while the console is suspended would wait for a thread that is stopped.
    `interrupted` is called on the event loop at the first Ctrl-C, where no program but the block has the terminal.
    """
    with app.batch_update(), _interrupts_given_away(app, interrupted):
        try:
            suspended = app.suspend()
            suspended.__enter__()
        except SuspendNotSupported:
            yield
            return
        try:
            yield
        finally:
            suspended.__exit__(None, None, None)


@contextmanager
def _interrupts_given_away(app: App[Any], interrupted: Callable[[], object] | None) -> Iterator[None]:
    watchdog = getattr(getattr(app, "session", None), "watchdog", None)
    if watchdog is None:
        yield
        return
    watchdog.lent_interrupt, watchdog.lent = interrupted, True
    try:
        yield
    finally:
        watchdog.lent, watchdog.lent_interrupt = False, None
