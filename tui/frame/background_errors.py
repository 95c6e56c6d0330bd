"""Work in the background that failed by a defect of ours is told and logged, never swallowed."""

from __future__ import annotations

import logging

from textual.worker import Worker, WorkerState

from edgewright.core.text import clean
from tui.session import Session

log = logging.getLogger(__name__)


def tell_defect(session: Session, event: Worker.StateChanged) -> None:
    """Put a failed worker on the message line; what a person can mend was told by the work itself."""
    error = event.worker.error
    if event.state is not WorkerState.ERROR or error is None:
        return
    log.error("%s failed", event.worker.group, exc_info=error)
    session.store.message(f"A bug in Edgewright ({defect_text(error)}). Please report it.", "bad")


def defect_text(error: BaseException) -> str:
    """Return what an exception is, as one short line."""
    return clean(f"{type(error).__name__}: {error}", 200)
