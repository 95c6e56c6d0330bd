"""What is set for the link of a site (rule P78): whether bytes cost money, the interval, the silence limit."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple

from edgewright.core import times
from edgewright.core.text import integer

METERED_INTERVAL = 900.0
"""Seconds between two heartbeats of a metered link, and of any link whose budget is used up."""
SHORTEST, LONGEST = 10.0, 3600.0
"""Seconds between two heartbeats that can be set for a site."""
LONGEST_SILENCE = 86_400.0
"""Seconds of silence after which a host is unhealthy at the latest."""
BEATS_OF_SILENCE = 3
"""Heartbeats that may be missing: a lost one alone never makes a host unhealthy."""
MOST_MEGABYTES = 1_000_000


class LinkSpec(NamedTuple):
    """The setting of one link; 0 leaves a value to the plane."""

    metered: bool = False
    heartbeat: float = 0.0
    """Seconds between two heartbeats."""
    silence: float = 0.0
    """Seconds without a heartbeat after which the host is unhealthy."""
    budget_mb: int = 0
    """Megabytes (10^6 bytes) a month; 0 means unlimited."""


def heartbeat_problem(text: str) -> str:
    """Return what is wrong with an interval, as a sentence; "" when it can be used."""
    return _span_problem(text, "A heartbeat interval", SHORTEST, LONGEST, "10 s to 1 h")


def silence_problem(text: str, heartbeat: str = "", metered: bool = False) -> str:
    """Return what is wrong with a silence limit beside the other values of the link; "" when it can be used."""
    problem = _span_problem(text, "A silence limit", SHORTEST * BEATS_OF_SILENCE, LONGEST_SILENCE, "30 s to 1 day")
    if problem or not text:
        return problem
    interval = METERED_INTERVAL if metered else 0.0
    if heartbeat:
        if heartbeat_problem(heartbeat):
            return ""  # reported there
        interval = times.parse_span(heartbeat)
    least = interval * BEATS_OF_SILENCE
    if times.parse_span(text) >= least:
        return ""
    return (
        f"{text} is less than {BEATS_OF_SILENCE} heartbeats ({times.duration(least)}): one lost message would raise "
        "an alarm."
    )


def budget_problem(value: Any) -> str:
    """Return what is wrong with a budget in megabytes; "" when it can be used."""
    number = integer(str(value)) if value not in (None, "") else 0
    return "" if number is not None and 0 <= number <= MOST_MEGABYTES else "A budget is 0 to 1000000 megabytes a month."


def read_link(values: Mapping[str, Any], problem: Callable[[str, str], None] = lambda key, message: None) -> LinkSpec:
    """Return the link of a block `stylus.site.edgewright`; a wrong value is reported by its key and not used."""
    texts = {key: _text(values.get(key)) for key in ("metered", "heartbeat", "silenceLimit", "budgetMB")}
    messages = problems(texts)
    for key, message in messages.items():
        problem(key, message)
    usable = {key: text for key, text in texts.items() if text and key not in messages}
    return LinkSpec(
        usable.get("metered", "").lower() in _YES,
        times.parse_span(usable["heartbeat"]) if "heartbeat" in usable else 0.0,
        times.parse_span(usable["silenceLimit"]) if "silenceLimit" in usable else 0.0,
        integer(usable.get("budgetMB", "")) or 0,
    )


def problems(values: Mapping[str, Any]) -> Dict[str, str]:
    """Return what is wrong with the values of a block `stylus.site.edgewright`, by key."""
    texts = {key: _text(value) for key, value in values.items()}
    metered, heartbeat = texts.get("metered", "").lower(), texts.get("heartbeat", "")
    messages = {
        "metered": "" if metered in (*_YES, *_NO) else "It must be true or false.",
        "heartbeat": heartbeat_problem(heartbeat),
        "silenceLimit": silence_problem(texts.get("silenceLimit", ""), heartbeat, metered in _YES),
        "budgetMB": budget_problem(texts.get("budgetMB", "")),
    }
    return {key: message for key, message in messages.items() if message}


def own_limit(vitals: Mapping[str, Any]) -> bool:
    """Return whether interval or silence limit is set for the link of a host: most of a fleet have the plane's."""
    return "interval" in vitals or "silenceLimit" in vitals


def link_block(metered: bool, heartbeat: str, silence: str, budget_mb: "int | None") -> Dict[str, Any]:
    """Return the block `stylus.site.edgewright` for what was answered; empty when the plane decides everything."""
    block: Dict[str, Any] = {}
    if metered:
        block["metered"] = True
    if heartbeat:
        block["heartbeat"] = heartbeat
    if silence:
        block["silenceLimit"] = silence
    if budget_mb:
        block["budgetMB"] = budget_mb
    return block


_YES: List[str] = ["true", "yes", "on"]
_NO: List[str] = ["", "false", "no", "off"]


def _text(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return "" if value is None else str(value)
    return str(value).strip()


def _span_problem(text: str, what: str, least: float, most: float, bounds: str) -> str:
    if not text:
        return ""
    try:
        seconds = times.parse_span(text)
    except ValueError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    return "" if least <= seconds <= most else f"{what} is {bounds}."
