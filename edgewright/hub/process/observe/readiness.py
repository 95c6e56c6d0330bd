"""Whether this hub may serve: facts with a name, each from the part of the hub that knows it.

A part adds its fact once, at `Resource.begin` or at the start: `hub.part(Readiness).add("changes", check)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from edgewright.core import times
from edgewright.hub.http.problems import Problem
from edgewright.hub.security import pki
from edgewright.hub.services import Services

WITHIN = 3.0
"""Seconds in which the storage must take a write, below the time-out of usual probes."""
Check = Callable[[], str]
"""Returns why this hub may not serve, as one sentence without a secret; empty when it may."""


class Fact(NamedTuple):
    """One fact; `reason` is empty when it is as it must be."""

    name: str
    reason: str


class Readiness:
    """The facts of one hub. Checks run on the event loop and only look at memory."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._checks: dict[str, Check] = {"certificate": self._certificate}

    def add(self, name: str, check: Check) -> None:
        """Add a fact; a later one of the same name replaces it."""
        self._checks[name] = check

    async def facts(self) -> list[Fact]:
        """Return every fact, the storage first."""
        result = [Fact("storage", await self._storage())]
        return result + [Fact(name, check()) for name, check in self._checks.items()]

    async def _storage(self) -> str:
        try:
            async with asyncio.timeout(WITHIN):
                await self._hub.storage.prove()
        except TimeoutError:
            return f"A write of the database has not finished within {WITHIN:g} s."
        except Problem as problem:
            return problem.message
        return ""

    def _certificate(self) -> str:
        ends = {row["name"]: times.parse(row["ends"]) for row in pki.certificates(self._hub.data)}
        now = times.now()
        for name in ("ca", "server"):
            end = ends.get(name)
            if end is None:
                return f"The {name} certificate cannot be read."
            if end <= now:
                return f"The {name} certificate ended at {times.rfc3339(end)}."
        return ""


def as_document(facts: list[Fact]) -> dict[str, Any]:
    """Return the answer of `/readyz`."""
    checks = [
        {"name": fact.name, "ready": not fact.reason, **({"reason": fact.reason} if fact.reason else {})}
        for fact in facts
    ]
    return {"ready": not any(fact.reason for fact in facts), "checks": checks}
