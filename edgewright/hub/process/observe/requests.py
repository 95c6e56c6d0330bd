"""Counts requests by class of route and status, and times them.

Heartbeats that are taken are counted without a wrapper around them: they are nearly all requests of a hub.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable
from time import perf_counter
from typing import Any

from edgewright.hub.http.routing import Message, Receive, Send
from edgewright.hub.process.observe.exposition import Family, Histogram, Sample
from edgewright.wire import protocol

log = logging.getLogger("edgewright.hub")
BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Upper bounds of the times, seconds."""
SLOW = 10.0
"""Seconds from which a request is a line of the log; what waits by design, or for a slow peer, is not."""
_CLASSES: tuple[tuple[str, str], ...] = (
    (protocol.CHANGES, "stream"),
    ("/v1/edgehosts/register", "registration"),
    ("/v1/edgehosts", "hosts"),
    ("/v1/dashboard/edgehosts", "search"),
    ("/v1/dashboard", "lists"),
    ("/edgewright/v1/hosts", "hosts"),
    (protocol.BLOBS, "blobs"),
    ("/edgewright/v1/operations", "operations"),
    ("/edgewright/v1/alerts", "alerts"),
    ("/edgewright/v1/", "plane"),
    ("/v1/events", "events"),
    ("/v1/audits", "audits"),
    ("/v1/users", "users"),
    ("/v1/apiKeys", "users"),
    ("/v1/auth", "login"),
    ("/v1/projects", "projects"),
    ("/v1/health", "health"),
    ("/healthz", "health"),
    ("/readyz", "health"),
    ("/metrics", "metrics"),
)
"""Beginning of the path -> class, the first that fits: few, so that a fleet or a scan adds no series."""
_WAKE_END = protocol.HOST_WAKE.rpartition("}")[2]
_BEAT, _BEAT_TAKEN = "heartbeat", ("heartbeat", 204)
_LONG = ("stream", "wake", "blobs")
"""Classes of requests that wait on purpose, or for a slow peer: they are not timed, and none is slow."""


def route_class(method: str, path: str) -> str:
    """Return the class of a request; `other` for what no route has."""
    if method == "PATCH" and path.startswith("/v1/edgehosts/") and path.endswith("/health"):
        return _BEAT
    if path == protocol.HEARTBEAT_SHORT:
        return _BEAT
    if path.endswith(_WAKE_END) and path.startswith(protocol.PREFIX):
        return "wake"
    return next((name for start, name in _CLASSES if path.startswith(start)), "other")


class RequestMeter:
    """What was answered since the start of the process. Used on the event loop only."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, int]] = Counter()
        """(class, status) -> answers; 499 when the peer disconnected before the answer began."""
        self.times: dict[str, Histogram] = {}
        self._beat_times = Histogram(BOUNDS)
        self.open = 0
        """Requests that are being answered, streams among them."""

    def note(self, kind: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.answered[kind, status] += 1
        if kind not in _LONG:
            times = self.times.get(kind)
            if times is None:
                times = self.times[kind] = self._beat_times if kind == _BEAT else Histogram(BOUNDS)
            times.observe(seconds)

    def note_beat(self, scope: Message, seconds: float) -> None:
        """Count a heartbeat that was taken: what an entire fleet sends, so that nothing is looked up for it."""
        self.answered[_BEAT_TAKEN] += 1
        self.times[_BEAT] = self._beat_times
        self._beat_times.observe(seconds)
        if seconds >= SLOW:
            _report(scope, _BEAT, 204, seconds)

    @property
    def refused(self) -> int:
        """Return how many requests had no or a wrong credential (401)."""
        return sum(count for (_, status), count in self.answered.items() if status == 401)

    def families(self) -> list[Family]:
        """Return the metrics of requests."""
        answered = [
            Sample(count, {"route": kind, "code": str(status)})
            for (kind, status), count in sorted(self.answered.items())
        ]
        timed = [sample for kind, times in sorted(self.times.items()) for sample in times.samples({"route": kind})]
        return [
            Family("edgewright_hub_requests_total", "counter", "Answers by class of route and HTTP status.", answered),
            Family("edgewright_hub_request_seconds", "histogram", "Time from request to the end of the answer.", timed),
            Family(
                "edgewright_hub_requests_open", "gauge", "Requests that are being answered, streams among them.",
                (Sample(self.open),),
            ),
        ]  # fmt: skip


class Measured:
    """An ASGI application whose requests (of type `http`) are counted."""

    def __init__(self, app: Any, meter: RequestMeter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Message, receive: Receive, send: Send, began: float | None = None) -> None:
        """Answer one request by the application; it began now, or at `began` (by `perf_counter`)."""
        status, meter = 499, self._meter
        began = perf_counter() if began is None else began

        def watched(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        meter.open += 1
        try:
            await self._app(scope, receive, watched)
        finally:
            meter.open -= 1
            kind, seconds = route_class(scope["method"], scope["path"]), perf_counter() - began
            meter.note(kind, status, seconds)
            if status >= 500 or (seconds >= SLOW and kind not in _LONG and status != 499):
                _report(scope, kind, status, seconds)


def _report(scope: Message, kind: str, status: int, seconds: float) -> None:
    """Log a request that failed or was slow; without its query, which may contain what is not for a log."""
    client = scope.get("client")
    request = {
        "method": str(scope["method"])[:16],
        "path": str(scope["path"])[:200],
        "route": kind,
        "status": status,
        "seconds": round(seconds, 3),
        "peer": str(client[0]) if client else "",
    }
    message = "a request failed" if status >= 500 else "a request was slow"
    log.warning(message, extra={"request": request})
