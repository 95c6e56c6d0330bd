"""Judging a host: healthy, unhealthy or unknown, with reason, clock and who must act.

Silence counts from the later of the host's last heartbeat and the plane's own start, so that an outage of the plane
never turns the fleet red. The default limit of ten minutes and the heartbeat of a minute are Palette's.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Rejection, of_rejection, rejected
from edgewright.core.hosts.hosts import Health
from edgewright.core.times import duration

LIMIT = 600.0
"""Seconds of silence that make a host unhealthy."""
INTERVAL = 60.0
"""Seconds between two heartbeats."""
GRACE = 2.0
"""Intervals that may pass before a host counts as late: one beat may be lost without a message."""


WHO = {
    states.HOST: "host",
    states.PLANE: "plane",
    states.OPERATOR: states.WHO_STORED["operator"],
    states.NONE: "nobody",
}
"""Owner of a state -> who must act, as rule P19 writes it."""
_WHO_BY_STATE = {key: WHO[state.owner] for key, state in states.STATES.items()}


class Reported(NamedTuple):
    """The host's last report about itself: `healthy`, a message, and since when it reports that (epoch seconds)."""

    healthy: bool
    message: str = ""
    since: Optional[float] = None


class Verdict(NamedTuple):
    """The judgement; times in epoch seconds.

    `since` is when this began; `deadline` when it becomes worse by itself (in the past: overdue, `None`: never);
    `who` is the owner of the state in the words of rule P19 (`WHO`); `next_check` is when asking again can give another
    answer (`None`: only when the host connects). `state` is a key of `core.hosts.states.STATES`.
    """

    health: Health
    reason: str
    since: Optional[float]
    deadline: Optional[float]
    who: str
    next_check: Optional[float]
    state: str


def silence_sentence(name: str, seconds: float) -> str:
    """Return e.g. `No heartbeat from edge-7f3a for 14 min.`."""
    return f"No heartbeat from {name} for {duration(seconds)}."


def judge(
    now: float,
    started: float,
    last_heartbeat: Optional[float],
    registered: bool,
    reported: Optional[Reported] = None,
    limit: float = LIMIT,
    interval: float = INTERVAL,
    *,
    name: str = "this host",
    created: Optional[float] = None,
    registered_at: Optional[float] = None,
    excused: float = 0.0,
) -> Verdict:
    """Judge one host at `now`.

    `started` is the plane's own start, `last_heartbeat` the last one that was acknowledged (`None`: none ever),
    `registered_at` counts as a first word if there was no heartbeat, `limit` and `interval` are in seconds.
    `excused` seconds are no silence: the plane itself was in trouble (rules P42, P43).
    A host that was no heartbeat is unknown, whatever the time. The answer depends on nothing but the arguments.
    """
    if not registered:
        reason = f"{name} is expected and has not called yet."
        return _verdict(Health.UNKNOWN, reason, created, None, None, states.NEVER_SEEN)
    word = last_heartbeat if last_heartbeat is not None else registered_at
    if word is None:
        reason = f"{name} has registered; its first heartbeat has not come yet."
        return _verdict(Health.UNKNOWN, reason, created, None, None, states.REGISTERED)

    counted_from = max(word, started) + excused
    deadline = counted_from + limit
    silence = max(0.0, now - word)
    if now >= deadline:
        reason = silence_sentence(name, silence)
        if started > word:
            reason += f" The plane itself has been up for {duration(now - started)}."
        elif last_heartbeat is None:
            reason = f"No heartbeat from {name} since it registered {duration(silence)} ago."
        if excused > 0:
            reason += f" {duration(excused)} of that do not count: the plane itself was in trouble."
        return _verdict(Health.UNHEALTHY, reason, word, deadline, None, states.UNHEALTHY_SILENT)

    late = now - counted_from > GRACE * interval
    if last_heartbeat is None:
        reason = f"{name} has registered; its first heartbeat has not come yet."
        return _verdict(Health.UNKNOWN, reason, word, deadline, deadline, states.REGISTERED)
    if reported is not None and not reported.healthy:
        reason = reported.message or f"{name} reports that it is unhealthy, without a reason."
        if late:
            reason += " " + silence_sentence(name, silence)
        since = reported.since if reported.since is not None else last_heartbeat
        return _verdict(Health.UNHEALTHY, reason, since, deadline, deadline, states.UNHEALTHY_REPORTED)
    if late:
        reason = f"{silence_sentence(name, silence)} It counts as unhealthy in {duration(deadline - now)}."
        return _verdict(Health.HEALTHY, reason, word, deadline, deadline, states.SILENT)
    since = reported.since if reported is not None and reported.since is not None else last_heartbeat
    check = counted_from + GRACE * interval
    return _verdict(Health.HEALTHY, "", since, deadline, max(check, now), states.HEALTHY)


def with_rejection(verdict: Verdict, rejection: Optional[Rejection], last_heartbeat: Optional[float]) -> Verdict:
    """Return the verdict of a host whose attempts to register are rejected: another state, never another health.

    A rejection under the UID of a host that reports is that of another machine, and changes nothing.
    """
    if rejection is None or not rejected(rejection, last_heartbeat):
        return verdict
    key = of_rejection(rejection)
    reason = f"{verdict.reason} {rejection.message}" if last_heartbeat is not None else rejection.message
    return verdict._replace(reason=reason.strip(), since=rejection.since, who=_WHO_BY_STATE[key], state=key)


def _verdict(
    health: Health,
    reason: str,
    since: Optional[float],
    deadline: Optional[float],
    next_check: Optional[float],
    key: str,
) -> Verdict:
    return Verdict(health, reason, since, deadline, _WHO_BY_STATE[key], next_check, key)
