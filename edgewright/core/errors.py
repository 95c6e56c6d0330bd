"""Errors as part of the interface: one sentence, one next step, one exit code.

Every failure that a user may see is an `EdgewrightError`. Its class decides the exit code that scripts rely on
(`edgewright --help`, "Exit codes"); its `code` is the word that programs compare; `message` names the thing;
`hint` names the next step.
"""

from __future__ import annotations

import os
from enum import IntEnum
from typing import Any, Dict, NamedTuple, Optional, Sequence

from edgewright.core.text import amount


class ExitCode(IntEnum):
    """Exit codes of the command line; the numbers are an interface and never change."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5
    CONFLICT = 6
    INVALID = 7
    TIMED_OUT = 8
    INTERRUPTED = 130


class EdgewrightError(Exception):
    """A failure to report: `message` is a complete sentence, `hint` the next step (may be empty)."""

    exit_code: ExitCode = ExitCode.FAILED
    default_code: str = "Failed"

    def __init__(self, message: str, hint: str = "", code: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def as_dict(self) -> Dict[str, Any]:
        """Return the JSON form that `-o json` prints on stderr: `{"code", "message", "hint"}`."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class Failed(EdgewrightError):
    """Something was tried and did not work (exit 1)."""


class UsageError(EdgewrightError):
    """The words of the command line are wrong (exit 2)."""

    exit_code = ExitCode.USAGE
    default_code = "Usage"


class NotFound(EdgewrightError):
    """The named thing is not there (exit 3)."""

    exit_code = ExitCode.NOT_FOUND
    default_code = "ResourceNotFound"


class Refused(EdgewrightError):
    """A credential, a host key, a role or a rule refuses (exit 4)."""

    exit_code = ExitCode.REFUSED
    default_code = "OperationForbidden"


class Unreachable(EdgewrightError):
    """Nothing answers at the other end, or TLS cannot be agreed (exit 5)."""

    exit_code = ExitCode.UNREACHABLE
    default_code = "Unreachable"


class Conflict(EdgewrightError):
    """The thing exists already, is in use, or was changed meanwhile (exit 6)."""

    exit_code = ExitCode.CONFLICT
    default_code = "Conflict"


class InvalidInput(EdgewrightError):
    """The input does not follow its rules (exit 7)."""

    exit_code = ExitCode.INVALID
    default_code = "InvalidInput"


class DocumentProblem(NamedTuple):
    """One thing that is wrong in a document: where (a dotted key), what, and what to write instead."""

    key: str
    message: str
    hint: str = ""
    code: str = ""

    def sentence(self) -> str:
        """Return it on one line: key, message, hint."""
        return " ".join(part for part in (f"{self.key}:" if self.key else "", self.message, self.hint) if part)


class InvalidDocument(InvalidInput):
    """A document with everything that is wrong in it (exit 7), so that one run is enough to correct it.

    `message` names all of them on one line; the command line prints `headline` and a line for each of `problems`.
    """

    def __init__(self, what: str, problems: Sequence[DocumentProblem], hint: str = "") -> None:
        self.problems = tuple(problems)
        codes = {problem.code for problem in problems if problem.code}
        code = codes.pop() if len(codes) == 1 else "InvalidDocument"
        self.headline = f"{what}: {amount(len(self.problems), 'problem')}:"
        if len(self.problems) == 1:
            only = self.problems[0]
            place = f"{only.key}: " if only.key else ""
            super().__init__(f"{what}: {place}{only.message}", only.hint or hint or "Correct it.", code)
            return
        rows = " | ".join(problem.sentence().rstrip(".") for problem in self.problems)
        super().__init__(f"{self.headline} {rows}.", hint or "Correct them.", code)

    def as_dict(self) -> Dict[str, Any]:
        """Return the JSON form, with `problems`: a list of `{"key", "message", "hint"}`."""
        rows = [{"key": p.key, "message": p.message, "hint": p.hint} for p in self.problems]
        return {**super().as_dict(), "problems": rows}


class ErrorsReported(InvalidInput):
    """Errors that were printed one by one before (exit 7); the JSON form has them, where nothing is printed before."""

    def __init__(self, what: str, problems: Sequence[DocumentProblem], hint: str = "") -> None:
        self.what = what
        self.problems = tuple(problems)
        listed = "it is listed above" if len(self.problems) == 1 else "they are listed above"
        super().__init__(f"{what} has {amount(len(self.problems), 'error')}; {listed}.", hint)

    def as_dict(self) -> Dict[str, Any]:
        """Return the JSON form, with `problems`: a list of `{"key", "message", "hint"}`."""
        rows = [{"key": p.key, "message": p.message, "hint": p.hint} for p in self.problems]
        return {**super().as_dict(), "message": f"{self.what} has {len(rows)} errors.", "problems": rows}


class TimedOut(EdgewrightError):
    """The deadline passed before an answer came (exit 8)."""

    exit_code = ExitCode.TIMED_OUT
    default_code = "TimedOut"


class Cancelled(EdgewrightError):
    """The operator stopped the work (exit 130); nothing partial is left."""

    exit_code = ExitCode.INTERRUPTED
    default_code = "Cancelled"

    def __init__(self) -> None:
        super().__init__("Stopped; nothing partial is left.", "Run it again to start over.")


def pipe_closed() -> int:
    """End quietly when the reader is closed (`| head`), as other filters do; return the exit code."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:
        return int(ExitCode.FAILED)
    return int(ExitCode.DONE)
