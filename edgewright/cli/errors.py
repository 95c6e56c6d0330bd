"""How the command line ends when it does not end well: one sentence, one hint, the right number, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from edgewright import __version__
from edgewright.cli.command_line import take
from edgewright.core.errors import EdgewrightError, ExitCode, Failed, InvalidDocument, pipe_closed
from edgewright.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence


def report_error(error: EdgewrightError, form: str = "table") -> int:
    """Print an error on stderr and return its exit code."""
    if form == "json":
        from edgewright.cli.output import as_json

        print(as_json(error.as_dict()), file=sys.stderr)
    else:
        message, problems = error.message, list[str]()
        if isinstance(error, InvalidDocument) and len(error.problems) > 1:
            message, problems = error.headline, [problem.sentence() for problem in error.problems]
        print(clean(message, 4096), file=sys.stderr)
        for problem in problems:
            print(f"  {clean(problem, 4096)}", file=sys.stderr)
        if error.hint:
            print(clean(error.hint, 4096), file=sys.stderr)
    return int(error.exit_code)


def end(error: BaseException, argv: Sequence[str], form: str = "table") -> int:
    """Print how it ended and return the exit code; called while `error` is handled, which may be anything."""
    try:
        return _end(error, argv, form)
    except OSError as failure:
        if failure.errno == errno.EIO and failure.filename is None:  # the terminal that the report is for hung up
            return terminal_closed()
        raise


def _end(error: BaseException, argv: Sequence[str], form: str) -> int:
    if isinstance(error, EdgewrightError):
        return report_error(error, form)
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError":  # asyncio may not be loaded
        return interrupted(argv)
    if isinstance(error, BrokenPipeError):
        return pipe_closed()
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(ExitCode.USAGE)
    if isinstance(error, OSError) and error.errno == errno.EIO and error.filename is None:
        return terminal_closed()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return no_room(error, form)
    return crashed(argv, form)


def no_room(error: OSError, form: str = "table") -> int:
    """Report that a disk is full, most often the one that the output goes to."""
    code = report_error(
        Failed(f"Nothing more can be written: {error.strerror}.", "Free space and try again.", "NoSpace"), form
    )
    pipe_closed()
    return code


LOCAL = ("forge", "apply", "check", "config", "completion")
"""Nouns whose verbs write files here, completely or not at all; others may have sent something to a plane."""


def interrupted(argv: Sequence[str] = ()) -> int:
    """Report that the operator interrupted it, and what may be left of it."""
    left = "nothing partial is left" if _noun(argv) in LOCAL else "what was already sent may have been done"
    print(f"\nInterrupted; {left}.", file=sys.stderr)
    return int(ExitCode.INTERRUPTED)


def _noun(argv: Sequence[str]) -> str:
    try:
        return take(argv).noun
    except EdgewrightError:
        return ""


def terminal_closed() -> int:
    """End quietly when the terminal hung up: nothing can be printed any more, and the exit code is that of SIGHUP."""
    for descriptor in (1, 2):
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        except OSError:
            continue
    return 129


def crashed(argv: Sequence[str], form: str = "table") -> int:
    """Write what went wrong inside into a log file and report where; called while the exception is handled."""
    import platform

    from edgewright.cli.crash import covered, text_of
    from edgewright.core import times

    moment = times.rfc3339(times.now())
    kind, error, _ = sys.exc_info()
    text = (
        f"{moment} edgewright {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"words: {covered(str(list(argv)[:2]))}\n{text_of(error) if error is not None else ''}"
    )
    where = ""
    try:
        from edgewright.config import locations

        path = locations.folder("state") / "crashes" / f"{moment[:19].replace(':', '')}-{os.getpid()}.log"
        locations.write_private(path, text)
        where = f"What happened is in {path}"
    except EdgewrightError as error:
        where = f"What happened could not be written down: {error.message}"
    name = kind.__name__ if kind else "error"
    return report_error(Failed(f"Something inside Edgewright went wrong ({name}).", where, "Internal"), form)
