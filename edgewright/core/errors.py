"""Errors as part of the interface: one sentence, one next step, one exit code.

Every failure that a person may see is an `EdgewrightError`. Its class decides the exit code that scripts rely on
(`edgewright --help`, "Exit codes"); its `code` is the word that programs compare; `message` names the thing;
`hint` names the next step.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Dict, Optional


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
    """A failure to tell: `message` is a whole sentence, `hint` the next step (may be empty)."""

    exit_code: ExitCode = ExitCode.FAILED
    default_code: str = "Failed"

    def __init__(self, message: str, hint: str = "", code: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def as_dict(self) -> Dict[str, str]:
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
    """A credential, a host key, a role or a rule says no (exit 4)."""

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


class TimedOut(EdgewrightError):
    """The deadline passed before an answer came (exit 8)."""

    exit_code = ExitCode.TIMED_OUT
    default_code = "TimedOut"
