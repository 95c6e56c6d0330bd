"""What wizards share that write files and create things: the check of a path, and who may not create."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgewright.core.errors import TimedOut
from edgewright.core.slow_files import glance
from edgewright.core.small_file import local_path
from tui.frame.fetch import sentence
from tui.session import Session


def store_refusal(session: Session, done: str, doing: str, instead: str) -> str:
    """Return why a wizard can create nothing, one sentence; "" when it can.

    `done` is what does not happen (`created`), `doing` what needs the role admin (`creating a cluster`), `instead` what
    `w` does (`writes the file`).
    """
    if session.read_only:
        return f"This session is read-only, so nothing is {done}. Leave read-only mode: ctrl+o; or write it: w."
    if session.role not in ("", "admin"):
        return f"This credential has the role {session.role}; {doing} needs the role admin. w {instead}."
    return ""


def check_new_file(text: str) -> str:
    """Return why no new file can be written at a path that was typed; "" when it can."""

    def wrong(path: Path) -> str:
        return f"There is {path} already; give another name." if glance(path.exists, text) else ""

    return _check(text, wrong)


def check_directory(text: str) -> str:
    """Return why a path that was typed cannot be a directory; "" for one that exists or can be made."""

    def wrong(path: Path) -> str:
        other = glance(path.exists, text) and not glance(path.is_dir, text)
        return f"{path} is not a directory; give another name." if other else ""

    return _check(text, wrong)


def _check(text: str, wrong: Callable[[Path], str]) -> str:
    path = local_path(text)
    try:
        if problem := wrong(path):
            return problem
        parent = path.absolute().parent
        return "" if glance(parent.is_dir, str(parent)) else f"There is no directory {parent}."
    except TimedOut as error:
        return sentence(error)
