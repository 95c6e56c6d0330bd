"""Page: the link of the site to the plane, what it costs, and when its silence is an alarm."""

from __future__ import annotations

from typing import Any

from edgewright.core.hosts import link_spec
from edgewright.core.installer import checks
from edgewright.core.installer.questions import Answers, Page, Question
from edgewright.core.installer.when import central, given


def _silence(value: Any, answers: Answers) -> str:
    return link_spec.silence_problem(value, answers.get("link.heartbeat") or "", bool(answers.get("link.metered")))


LINK = Page(
    "link",
    "Link",
    "site",
    "What does the link of the site to the plane cost?",
    (
        Question(
            "link.metered",
            "metered",
            "flag",
            "For a link where bytes cost money: a heartbeat every 15 minutes and no idle connection. What the console "
            "asks of the host then starts with its next heartbeat, otherwise within 3 s.",
            False,
        ),
        Question(
            "link.heartbeat",
            "heartbeat every",
            "text",
            "A longer time costs less, and a fault is seen later. One a minute is about 17 MB a month. 10 s to 1 h.",
            placeholder="the plane's; 15m where metered",
            example="5m",
            check=given(link_spec.heartbeat_problem),
        ),
        Question(
            "link.silence",
            "silence limit",
            "text",
            "After this time without a heartbeat the host is unhealthy. At least three heartbeats, so that one lost "
            "message raises no alarm; one day at most.",
            placeholder="the plane's, 3 heartbeats at least",
            example="1h",
            check=lambda value, answers: _silence(value, answers) if value else "",
        ),
        Question(
            "link.budget",
            "MB a month",
            "int",
            "Once so many megabytes of a month are used, the host reports every 15 minutes until the month ends. It is "
            "never disconnected for that. The host's screen shows what is used.",
            placeholder="no limit",
            check=lambda value, answers: checks.between(value, 1, link_spec.MOST_MEGABYTES, "A budget in megabytes"),
        ),
    ),
    shown=central,
)
