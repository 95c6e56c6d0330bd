"""The composition root: the one package that may name every part, each loaded when its verb runs.

Here is the way in; `console` puts the console together, `verbs` the verbs that need its parts.
"""

from __future__ import annotations

import _thread
import sys
import time
from os import getpid, kill
from os.path import dirname, join

TYPE_CHECKING = False  # as typing has it; importing typing would double the time of --help
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgewright.cli.main import Special

SIGINT = 2  # as signal has it
_SPECIALS = {
    "render": "verbs", "record": "verbs", "replay": "verbs", "demo": "verbs", "guide": "verbs", "site open": "site",
}  # fmt: skip
"""Verbs that only this package can run, and the module of each."""
CONSOLE_OPTIONS = ("context", "project", "read-only", "ascii", "lines", "last-frame", "timeout")


def main(argv: Sequence[str] | None = None) -> int:
    """Run Edgewright with these words and return the exit code: no words open the console."""
    before, sys.unraisablehook = sys.unraisablehook, _unraisable
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:  # before anything was begun, e.g. while modules are loaded
        sys.stderr.write("\nInterrupted.\n")
        return 130
    finally:
        sys.unraisablehook = before


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Repeat a Ctrl-C that Python drops with a traceback, since it met a callback that no exception leaves.

    Callbacks of weak references are such, as Python has one for each module that it loads.
    """
    if what.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_again, ())
    else:
        sys.__unraisablehook__(what)


def _interrupt_again() -> None:
    time.sleep(0.01)  # until the callback has returned
    kill(getpid(), SIGINT)  # the main thread gets it, also while it waits


def _main(text: list[str]) -> int:
    if text in (["--help"], ["-h"]):
        return _overview()
    from edgewright.cli.main import run

    if _wants_console(text):
        return _guarded(text)
    return run(text, _special, _delegate)


def _overview() -> int:
    """Print the program's help from the file that `cli.help` makes of the registry (a test compares them)."""
    above = dirname(dirname(__file__))  # noqa: PTH120
    with open(join(above, "cli", "overview.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        text = file.read()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        from edgewright.core.errors import pipe_closed

        return pipe_closed()
    except OSError as error:
        from edgewright.cli.errors import end

        return end(error, ())
    return 0


def _wants_console(text: Sequence[str]) -> bool:
    """Whether these words open the console: none, or global options alone."""
    if not text:
        return True
    from edgewright.cli.command_line import take
    from edgewright.core.errors import EdgewrightError

    try:
        taken = take(text)
    except EdgewrightError:
        return False
    alone = not (taken.noun or taken.help or taken.version or taken.stray or taken.rest)
    return alone and all(name in CONSOLE_OPTIONS for name in taken.options)


def _guarded(text: Sequence[str]) -> int:
    from edgewright.cli.command_line import take

    try:
        _begin_start_cache()
        from edgewright.main.console import console

        return console(take(text).options)
    except BaseException as error:
        from edgewright.cli.errors import end

        return end(error, text)


def _begin_start_cache() -> None:
    """Defer what the first frame does not use, and use what an earlier start compiled; the app ends both after it."""
    from importlib import import_module

    import_module("tui.terminal.deferred").begin()
    from edgewright.config import locations

    import_module("tui.terminal.start_cache").begin(locations.folder("cache") / "start")


def _delegate(module: str, text: list[str]) -> int:
    """Run a program of its own: hub, agent or lab."""
    from importlib import import_module

    try:
        return int(import_module(module).main(text))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 2


def _special(name: str) -> Special | None:
    module = _SPECIALS.get(name)
    if module is None:
        return None
    from importlib import import_module

    special: Special = getattr(import_module(f"edgewright.main.{module}"), name.replace(" ", "_"))
    return special
