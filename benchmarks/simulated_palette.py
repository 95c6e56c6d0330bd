"""A simulated Palette behind the client's own HTTP library: pages of 50, 10 requests a second, burst of 50, then 429.

It is no Palette: paths, paging, sorting and limits follow the public description; latency is made up.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.clients.http.budget import match


def host_document(number: int, modified: int = 0) -> dict[str, Any]:
    """Return a host as the search gives it, about 1.3 kB of JSON."""
    uid = f"edge-{number:05d}"
    return {
        "metadata": {
            "uid": uid,
            "name": uid,
            "labels": {"site": f"site-{number // 4:04d}"},
            "creationTimestamp": "2026-11-01T08:08:46.851Z",
            "lastModifiedTimestamp": stamp(modified),
        },
        "spec": {
            "device": {
                "archType": "amd64",
                "cpu": {"cores": 8},
                "memory": {"sizeInMB": 32000},
                "disks": [{"size": 100, "partitions": [{"mountPoint": "/", "totalSpace": 100, "usedSpace": 31}]}],
                "nics": [{"nicName": "eno1", "ip": f"10.0.{number % 250}.7", "macAddr": "aa:bb", "isDefault": True}],
                "os": {"family": "ubuntu", "version": "22.04", "kernelVersion": "5.15"},
            },
            "projectMeta": {"uid": "p1", "name": "Default"},
        },
        "status": {"state": "ready", "health": {"state": "healthy", "agentVersion": "1.2.0"}},
    }


def stamp(number: int) -> str:
    """Return the time text of change `number`, which sorts as the number does."""
    return f"2026-11-23T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"


class SimulatedPalette(httpx.AsyncBaseTransport):
    """The other end of `PlaneClient(..., http=...)`. `clock` and the loop share one time, real or virtual."""

    def __init__(
        self,
        hosts: int,
        clock: Callable[[], float],
        latency: tuple[float, float] = (0.05, 0.25),
        seed: int = 1,
        limited: bool = True,
    ) -> None:
        self.hosts = {f"edge-{number:05d}": host_document(number, number % 30000) for number in range(hosts)}
        self.refused = 0
        self.requests: dict[str, int] = {}
        self.down = False
        self.credential = ""
        """When set, the only API key that is let in."""
        self._clock = clock
        self._latency = latency
        self._random = random.Random(seed)
        self._limited = limited
        self._changes = 40000
        self._buckets: dict[str, tuple[float, float]] = {}
        self._sorted: list[str] | None = None

    def touch(self, uid: str, health: str) -> None:
        """Change a host as its agent would."""
        self._changes += 1
        self.hosts[uid]["status"]["health"]["state"] = health
        self.hosts[uid]["metadata"]["lastModifiedTimestamp"] = stamp(self._changes)
        self._sorted = None

    def remove(self, uid: str) -> None:
        """Delete a host."""
        del self.hosts[uid]
        self._sorted = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request after its latency; half of it passes before the limit is looked at."""
        await asyncio.sleep(self._random.uniform(*self._latency) / 2)
        if self.down:
            raise httpx.ConnectError("the plane is down")
        answer = self._answer(request)
        await asyncio.sleep(self._random.uniform(*self._latency) / 2)
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        prefix, rate = match(path)
        self.requests[prefix] = self.requests.get(prefix, 0) + 1
        if self._limited and not self._allows(prefix, rate):
            self.refused += 1
            return _error(429, "TooManyRequests", "too many requests")
        if self.credential and request.headers.get("apikey") != self.credential:
            return _error(401, "UnAuthorizedAccess", "the key is not accepted")
        if path == "/v1/dashboard/edgehosts/search":
            return self._search(request)
        if path == "/v1/dashboard/projects/metadata":
            return httpx.Response(200, json={"items": [{"metadata": {"uid": "p1", "name": "Default"}}]})
        if path == "/v1/edgehosts/tokens":
            token = {"metadata": {"uid": "t1", "name": "shop"}, "spec": {"token": "hush"}, "status": {"isActive": True}}
            return httpx.Response(200, json={"items": [token]})
        if path in ("/v1/events/components", "/v1/audits"):
            return httpx.Response(200, json={"items": [], "listmeta": {"continue": ""}})
        found = self.hosts.get(path.removeprefix("/v1/edgehosts/"))
        if found is not None:
            return httpx.Response(200, json=found)
        return _error(404, "ResourceNotFound", "not found")

    def _search(self, request: httpx.Request) -> httpx.Response:
        limit = int(request.url.params.get("limit", "50"))
        offset = int(request.url.params.get("offset", "0"))
        if limit > 50:
            body = {"code": 608, "message": "limit in query should be less than or equal to 50"}
            return httpx.Response(422, json=body)
        if self._sorted is None:
            key = {uid: (doc["metadata"]["lastModifiedTimestamp"], uid) for uid, doc in self.hosts.items()}
            self._sorted = sorted(self.hosts, key=key.__getitem__)
            if json.loads(request.content).get("sort", [{}])[0].get("order") == "desc":
                self._sorted.reverse()
        items = [self.hosts[uid] for uid in self._sorted[offset : offset + limit]]
        following = offset + len(items)
        more = "more" if following < len(self._sorted) else ""
        meta = {"continue": more, "count": len(self._sorted), "limit": limit, "offset": following}
        return httpx.Response(200, json={"items": items, "listmeta": meta})

    def _allows(self, prefix: str, rate: float) -> bool:
        now = self._clock()
        tokens, last = self._buckets.get(prefix, (rate * 5, now))
        tokens = min(rate * 5, tokens + (now - last) * rate)
        allowed = tokens >= 1 - 1e-9
        self._buckets[prefix] = (tokens - 1 if allowed else tokens, now)
        return allowed


def _error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message, "details": None, "ref": ""})
