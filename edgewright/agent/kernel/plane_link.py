"""The host's link with its plane: what a failed try means, how long to wait after it, what the operator is shown."""

from __future__ import annotations

import os
import random
import sys
from typing import Any, Callable, Dict, Optional

from edgewright import __version__
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.binding import OtherMachine
from edgewright.agent.kernel.enrolment import Enrolment
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.refusals import CEILING, CredentialLost, PlaneRefusal, retryable
from edgewright.core import times
from edgewright.core.backoff import Backoff
from edgewright.core.errors import EdgewrightError, ExitCode, Failed

STATUS = "status"
"""The state file that `edgewright-agent status` reads."""


class PlaneLink:
    """Evaluates each try, reports what changed (once, then hourly) and writes the status file."""

    def __init__(self, folder: StateFolder, console_log: agent_log.AgentLog, enrolment: Enrolment) -> None:
        self.folder = folder
        self.agent_log = console_log
        self.enrolment = enrolment
        self.backoff = Backoff(1.0, CEILING)
        self.lost_since: Optional[float] = None
        self._status: Dict[str, Any] = {"startedAt": times.rfc3339(times.now()), "agentVersion": __version__}

    def failed(self, error: EdgewrightError, interval: float) -> float:
        """Report why a try failed; return the seconds to wait. `interval` is that of the heartbeats."""
        at_least, phase = 0.0, "unreachable"
        refused = isinstance(error, PlaneRefusal)
        if isinstance(error, PlaneRefusal):
            at_least = error.at_least
            phase = "waiting" if error.waits else ("unreachable" if retryable(error.status) else "refused")
        elif error.exit_code not in (ExitCode.UNREACHABLE, ExitCode.TIMED_OUT):
            at_least, phase = CEILING, "faulty"
        loud = not self.enrolment.registered or isinstance(error, OtherMachine)
        priority = (
            agent_log.NOTICE if phase == "waiting" else (agent_log.ERROR if refused or loud else agent_log.WARNING)
        )
        if self.lost_since is None:
            self.lost_since = times.now()
        wait = self.backoff.next()
        if self.enrolment.registered:
            wait = min(wait, interval)  # no more of a load than its beats, and received as soon as the link is back
        if at_least:
            wait = _spread(at_least)
        reported = self.agent_log.once("plane", priority, f"{error.message} {error.hint}".strip(), times.now(), loud)
        if reported and loud:
            verb = "refused" if phase == "refused" else "waits"
            self.agent_log.milestone(f"registration {verb}: {error.message}")
        self._note_failure(phase, error, wait, interval)
        return wait

    def credential_lost(self, error: CredentialLost, interval: float) -> float:
        """Forget the credential (P16); return the seconds to wait before the host registers again."""
        self.enrolment.lose(error.removed)
        self.agent_log.once("plane", agent_log.ERROR, f"{error.message} {error.hint}", times.now(), loud=True)
        wait = _spread(CEILING) if error.removed else self.backoff.next()
        self._note_failure("refused", error, wait, interval)
        return wait

    def reached(self, name: str, event: Callable[[str, str], None]) -> None:
        """Note that the plane `name` answers; after an outage report it, also as an event."""
        self.agent_log.over("plane")
        if self.lost_since is None:
            return
        gap, self.lost_since = times.now() - self.lost_since, None
        if gap >= 1 and self.enrolment.registered:
            sentence = f"{name} answers again after {times.duration(gap)}."
            self.agent_log(agent_log.NOTICE, sentence)
            event("PlaneReached", sentence)

    def note(self, phase: str, message: str, interval: float, **more: str) -> None:
        """Write the status file; it may be lost in a power cut."""
        if self._status.get("phase") != phase or self._status.get("message") != message:
            self._status["since"] = times.rfc3339(times.now())
        for name in ("hint", "code", "nextTry"):
            self._status.pop(name, None)
        self._status.update(phase=phase, message=message, interval=interval, **more)
        self._status.update(uid=self.enrolment.uid, endpoint=self.enrolment.endpoint)
        self.folder.save(STATUS, self._status, durable=False)

    def _note_failure(self, phase: str, error: EdgewrightError, wait: float, interval: float) -> None:
        next_try = times.rfc3339(times.now() + wait)
        self.note(phase, error.message, interval, hint=error.hint, code=error.code, nextTry=next_try)


def unexpected(error: Exception) -> Failed:
    """Return an unexpected error as a sentence with its place, so that it can be reported and the agent continues."""
    trace = sys.exc_info()[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace is not None else ""
    return Failed(
        f"The agent hit an unexpected {type(error).__name__}{place}: {error}.",
        "It continues; please report this line.",
        code="Unexpected",
    )


def _spread(seconds: float) -> float:
    """Lengthen a wait by up to a tenth, so that a fleet with one bad token does not knock in step."""
    return seconds * random.uniform(1.0, 1.1)  # noqa: S311 - a spread, not a secret
