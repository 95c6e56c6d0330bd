"""Work in the background that failed because of a bug in Edgewright is reported and logged, never ignored."""

from __future__ import annotations

import logging

from textual.worker import Worker, WorkerState

from edgewright.core import program_files
from edgewright.core.text import clean
from tui.session import Session

log = logging.getLogger(__name__)


def report_defect(session: Session, event: Worker.StateChanged) -> None:
    """Put a failed worker on the message line; what a user can fix was reported by the work itself."""
    error = event.worker.error
    if event.state is not WorkerState.ERROR or error is None:
        return
    log.error("%s failed", event.worker.group, exc_info=error)
    session.store.message(defect_sentence(error), "bad")


def defect_sentence(error: BaseException) -> str:
    """Return what an exception means that no one expected: a bug, or an update while the console ran."""
    if program_files.was_updated(error):
        return program_files.UPDATED
    return f"A bug in Edgewright ({defect_text(error)}). Please report it."


def defect_text(error: BaseException) -> str:
    """Return what an exception is, as one short line."""
    return clean(f"{type(error).__name__}: {error}", 200)
