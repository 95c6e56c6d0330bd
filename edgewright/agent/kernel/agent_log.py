"""Messages of the agent: lines with a journal priority on standard error, and the important ones on the host's console.

Under systemd a line starts with `<3>` (error) to `<6>` (information), which the journal takes as its priority. An
operator at the machine reads the console, so the reason of a refusal goes there too. A reason that stays the same is
logged once, then every hour.
"""

from __future__ import annotations

import os
import sys
from typing import Dict, Optional, TextIO, Tuple

from edgewright.agent.kernel.console import milestone, write_console
from edgewright.core import times
from edgewright.core.text import clean

ERROR, WARNING, NOTICE, INFO, DEBUG = 3, 4, 5, 6, 7
REPEAT = 3600.0
"""Seconds after which an unchanged reason is logged again."""
APPLIANCE = "EDGEWRIGHT_APPLIANCE"
"""Set in the environment by the unit of the reference appliance."""
LINE = 2000
"""Characters of one line at most."""


class AgentLog:
    """Logs messages. `console` is a device or file for what an operator at the machine must see; empty for none."""

    def __init__(self, stream: Optional[TextIO] = None, console: Optional[str] = None, level: int = INFO) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.level = level
        self._prefixed = "JOURNAL_STREAM" in os.environ
        self.console = console if console is not None else ("/dev/console" if self._prefixed else "")
        self._reported: Dict[str, Tuple[str, float]] = {}

    def __call__(self, priority: int, sentence: str) -> None:
        """Write one message to the journal (or to the terminal, when an operator runs the agent manually)."""
        if priority > self.level:
            return
        prefix = f"<{priority}>" if self._prefixed else "edgewright-agent: "
        try:
            self.stream.write(prefix + clean(sentence, LINE) + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            return  # no listener; the state file still has it

    def announce(self, priority: int, sentence: str) -> None:
        """Write one message to the journal and on the console of the host."""
        self(priority, sentence)
        if not self.console:
            return
        write_console(self.console, "edgewright-agent: " + clean(sentence, LINE))

    def milestone(self, text: str) -> None:
        """Write to the reference appliance's console how far the host is, in the words that a boot proof looks for.

        The same message is written once an hour at most.
        """
        if os.environ.get(APPLIANCE) and self.console:
            now = times.now()
            before = self._reported.get("milestone:" + text)
            if before is not None and 0 <= now - before[1] < REPEAT:
                return
            self._reported["milestone:" + text] = (text, now)
            milestone(text, self.console)

    def once(self, topic: str, priority: int, sentence: str, now: float, loud: bool = False) -> bool:
        """Log a message unless the same one was logged for this topic within the last hour; return whether it was."""
        before = self._reported.get(topic)
        if before is not None and before[0] == sentence and 0 <= now - before[1] < REPEAT:
            return False
        self._reported[topic] = (sentence, now)
        (self.announce if loud else self)(priority, sentence)
        return True

    def over(self, topic: str) -> None:
        """Forget what was logged for a topic, so that the same reason is logged again when it comes back."""
        self._reported.pop(topic, None)
