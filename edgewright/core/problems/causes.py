"""From the message of an unhealthy host to its causes: what each is called, how bad it is and what to do about it.

A host reports its causes as one text, joined by `; ` (rule P17). The texts are those of `agent.kernel.conditions`; a
text that no rule knows is a cause of its own kind, so that nothing a host reports is lost.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Callable, NamedTuple, Tuple

from edgewright.core.problems.problem import CLOCK, DISK, REST
from edgewright.core.text import clean

MOST = 8
"""Causes of one host at most; a host that reports more has one problem."""
_NAME = 120
"""Characters of a cause's name at most, so that the key of its problem fits."""


class Cause(NamedTuple):
    """One cause at one host. `name` has no figures: equal names at two hosts are the same fault.

    `many` is the text for several hosts, `filter` the filter of the host list that finds them. `next_step`, `action`
    and `argument` are those of `Problem`.
    """

    name: str
    kind: str
    harm: int
    text: str
    many: str
    filter: str
    next_step: str
    action: str
    argument: str = ""


@lru_cache(maxsize=4096)
def causes_of(message: str) -> Tuple[Cause, ...]:
    """Return the causes in a host's message, in its order; one of kind `reported` when it gives no reason.

    Remembered by message: thousands of hosts with the same fault are looked at again and again.
    """
    parts = [part.strip() for part in clean(message, 2000).split("; ") if part.strip()]
    return tuple(_cause(part) for part in parts[:MOST]) or (
        _reported("unhealthy", "reported unhealthy without a reason", "Read the log of the agent on this host."),
    )


def disk_cause(mount: str, percent: str) -> Cause:
    """Return the cause of a full file system, also for a host that does not report it as a fault."""
    return Cause(
        name=f"disk:{mount}"[:_NAME].strip(),
        kind="disk",
        harm=DISK,
        text=f"disk {mount} {percent} %",
        many=f"disk {mount} full",
        filter="disk>=95%",
        next_step=f"Free space on {mount}: list its largest directories and logs.",
        action="host disk",
        argument=mount,
    )


def _cause(text: str) -> Cause:
    for start, pattern, make in _RULES:
        match = re.match(pattern, text) if text.startswith(start) else None
        if match is not None:
            return make(match)
    return _reported(re.sub(_NUMBERS, "#", text), text, "Read the log of this host.")


def _reported(name: str, text: str, next_step: str) -> Cause:
    return Cause(
        f"reported:{name}"[:_NAME].strip(), "reported", REST, text, text, "health:unhealthy", next_step, "host logs"
    )


def _disk(match: "re.Match[str]") -> Cause:
    return disk_cause(match["mount"], match["percent"])


def _clock(match: "re.Match[str]") -> Cause:
    return Cause(
        name="clock",
        kind="clock",
        harm=CLOCK,
        text=match["short"],
        many=f"clock {match['side']} the plane's",
        filter="reason:clock",
        next_step="Check time synchronization: the NTP server, and the log of the time service.",
        action="host logs",
        argument="chronyd.service",
    )


def _units(match: "re.Match[str]") -> Cause:
    units = sorted(unit.strip() for unit in match["units"].split(",") if unit.strip())
    first = match["units"].split(",")[0].strip()
    named = first if len(units) == 1 else f"{first} and {len(units) - 1} more units"
    return Cause(
        name=f"units:{','.join(units)}"[:_NAME].strip(),
        kind="unit",
        harm=REST,
        text=f"{named} failed",
        many=f"{named} failed",
        filter=f"reason:{first}",
        next_step=f"Read the log of {first}, fix the cause, then restart it.",
        action="host logs",
        argument=first,
    )


def _memory(match: "re.Match[str]") -> Cause:
    return Cause(
        name="memory",
        kind="memory",
        harm=REST,
        text=match[0],
        many="memory used up",
        filter="used>=95%",
        next_step="Find the process or pod that uses the memory; the log shows what the kernel killed.",
        action="host logs",
    )


def _heat(match: "re.Match[str]") -> Cause:
    return Cause(
        name="temperature",
        kind="heat",
        harm=REST,
        text=match[0],
        many="too hot",
        filter="reason:temperature",
        next_step="Check fan, dust filter and room temperature on site; reduce load until it is cool.",
        action="host show",
    )


def _runtime(match: "re.Match[str]") -> Cause:
    return Cause(
        name="runtime",
        kind="runtime",
        harm=REST,
        text=match[0],
        many="container runtime does not respond",
        filter="reason:runtime",
        next_step="Read the log of containerd, then restart it.",
        action="host logs",
        argument="containerd.service",
    )


def _nic(match: "re.Match[str]") -> Cause:
    return Cause(
        name=f"nic:{match['nic']}"[:_NAME],
        kind="nic",
        harm=REST,
        text=match[0],
        many=f"{match['nic']} has no link",
        filter=f"reason:{match['nic']}",
        next_step=f"Check the cable and the switch port of {match['nic']}.",
        action="host show",
    )


def _state(match: "re.Match[str]") -> Cause:
    return Cause(
        name="agent-state",
        kind="agent-state",
        harm=DISK,
        text=match[0],
        many="agent cannot save its state",
        filter="reason:state",
        next_step="Check space and mount options (read-only?) of the agent's data directory.",
        action="host disk",
        argument="/",
    )


def _duplicate(match: "re.Match[str]") -> Cause:
    return Cause(
        name="duplicate",
        kind="duplicate",
        harm=REST,
        text=match[0],
        many="another machine uses this identity",
        filter="reason:identity",
        next_step="Find the second machine by its address and install it again with a UID of its own.",
        action="host show",
    )


def _no_step(match: "re.Match[str]") -> Cause:
    return Cause(
        name="journal",
        kind="agent-state",
        harm=DISK,
        text=match[0],
        many="no step can start",
        filter="reason:step",
        next_step="Check space and mount options (read-only?) of the agent's data directory.",
        action="host disk",
        argument="/",
    )


def _idle(match: "re.Match[str]") -> Cause:
    return Cause(
        name="reconciler",
        kind="agent-state",
        harm=REST,
        text=match[0],
        many="the reconciler takes no requests",
        filter="reason:reconciler",
        next_step="Look at it on the host: systemctl status edgewright-reconciler.path edgewright-reconciler.service.",
        action="host show",
    )


def _operator(match: "re.Match[str]") -> Cause:
    return Cause(
        name=f"step:{match['step']}"[:_NAME].strip(),
        kind="step",
        harm=REST,
        text=match[0],
        many="a step waits for an operator",
        filter="reason:operator",
        next_step="Read the log of the step, fix its cause, then: edgewright host retry HOST.",
        action="host logs",
        argument=f"edgewright-step-{match['step'] if re.fullmatch(_STEP_ID, match['step']) else '*'}.service",
    )


def _lineage(match: "re.Match[str]") -> Cause:
    return Cause(
        name="lineage",
        kind="step",
        harm=REST,
        text=match[0],
        many="a document of a restored plane waits for an operator",
        filter="reason:lineage",
        next_step="Compare both documents; of a cluster: edgewright cluster adopt, or edgewright cluster override.",
        action="host accept",
    )


_STEP_ID = r"[a-z0-9][a-z0-9.-]*"
_NUMBERS = r"\d+(?:[.,]\d+)?"

# Start of the text, pattern, and what makes the cause. Patterns are compiled when the first text begins like them: ten
# of them cost a millisecond of every start.
_RULES: Tuple[Tuple[str, str, Callable[["re.Match[str]"], Cause]], ...] = (
    ("disk ", r"disk (?P<mount>\S.*?) (?P<percent>\d+(?:\.\d+)?) ?%", _disk),
    ("clock ", r"(?P<short>clock .*?(?P<side>ahead of|behind) the plane's).*", _clock),
    ("", r"(?:\d+ )?units? (?:has |have )?failed: (?P<units>.+)", _units),
    ("memory ", r"memory \d+(?:\.\d+)? ?% used.*", _memory),
    ("temperature ", r"temperature .*", _heat),
    ("", r"(?:the )?container runtime does not .*", _runtime),
    ("", r"(?P<nic>[\w.@-]+) has no link.*", _nic),
    ("the agent cannot ", r"the agent cannot (?:save|write) its state.*", _state),
    ("another machine ", r"another machine reports with this identity.*", _duplicate),
    ("no step can start", r"no step can start: the reconciler has not taken .*", _idle),
    ("no step can start", r"no step can start: .*", _no_step),
    ("step ", r"step (?P<step>.+?) waits for an operator.*", _operator),
    ("LineageChanged", r"LineageChanged: .*", _lineage),
)
