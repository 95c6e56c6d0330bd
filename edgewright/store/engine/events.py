"""What sources report to the store: one event form for live feeds, the cache, recordings and tests."""

from __future__ import annotations

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that a source saw.

    `seq` counts within one store from 1; `at` is epoch seconds UTC; `source` names the feed (`plane`, `cache`,
    `replay`, `command`); `kind` is one of `KINDS`; `payload` is plain JSON data.
    """

    seq: int
    at: float
    source: str
    kind: str
    payload: dict[str, Any]


HOSTS_SEEN = "hosts.seen"
"""`{"docs": [document, ...]}`: hosts as the plane sends them, complete documents."""
HOSTS_BEAT = "hosts.beat"
"""`{"beats": [[uid, time, count, vitals], ...]}`: heartbeats that changed nothing but these; time in epoch seconds."""
HOSTS_REMOVED = "hosts.gone"
"""`{"uids": [uid, ...]}`: hosts that the plane no longer has."""
HOSTS_COMPLETE = "hosts.complete"
"""`{"uids": [uid, ...]}`: the complete set of host uids now; what is not in it no longer exists."""
TOKENS_SEEN = "tokens.seen"
"""`{"docs": [...], "complete": bool}`."""
TOKENS_REMOVED = "tokens.gone"
"""`{"uids": [uid, ...]}`."""
PROJECTS_SEEN = "projects.seen"
"""`{"docs": [...], "complete": bool}`."""
FEED_SEEN = "feed.seen"
"""`{"docs": [...]}`: component events of the plane."""
AUDITS_SEEN = "audits.seen"
"""`{"docs": [...]}`: audit entries of the plane."""
OPERATIONS_SEEN = "operations.seen"
"""`{"docs": [...], "complete": bool}`: what hosts are asked to do, and its result; only a hub reports it."""
ALERTS_SEEN = "alerts.seen"
"""`{"docs": [...], "complete": bool}`: what needs an operator and is not the state of a host; only a hub has it."""
ALERTS_REMOVED = "alerts.gone"
"""`{"uids": [uid, ...]}`: alerts that have ended."""
HANDLING_SEEN = "handling.seen"
"""`{"docs": [...], "complete": bool}`: who handles which problem; only a hub stores it."""
HANDLING_REMOVED = "handling.gone"
"""`{"uids": [key, ...]}`: problems that are not handled any more."""
SOURCE_STATE = "source.state"
"""`{"state": live|polling|loading|lost|refused|replay, "message", "since", "next_try", "done", "total"}`."""
MESSAGE = "message"
"""`{"level": info|ok|warn|bad, "text": str}`: one line for the message line and the message log."""
ACKNOWLEDGED = "problem.acknowledged"
"""`{"key": str, "on": bool}`: a user has seen a problem, or takes that back."""

KINDS: frozenset[str] = frozenset(
    {
        HOSTS_SEEN,
        HOSTS_BEAT,
        HOSTS_REMOVED,
        HOSTS_COMPLETE,
        TOKENS_SEEN,
        TOKENS_REMOVED,
        PROJECTS_SEEN,
        FEED_SEEN,
        AUDITS_SEEN,
        OPERATIONS_SEEN,
        ALERTS_SEEN,
        ALERTS_REMOVED,
        HANDLING_SEEN,
        HANDLING_REMOVED,
        SOURCE_STATE,
        MESSAGE,
        ACKNOWLEDGED,
    }
)
