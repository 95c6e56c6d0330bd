"""The ends of the hub's own certificates, read once in a while for the problems that they become."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edgewright.core import times
from edgewright.hub.process.clock import boottime
from edgewright.hub.security import pki

EVERY = 600.0
"""Seconds between two looks."""


class OwnCertificates:
    """What was read last."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, float, bool]] = []
        """Name, end (epoch seconds), whether the hub renews it."""
        self._read_at = float("-inf")

    async def look(self, data: Path) -> None:
        """Read the certificates in the data directory, unless that was done lately."""
        if boottime() - self._read_at > EVERY:
            self._read_at = boottime()
            self.ends = await asyncio.to_thread(_read, data)


def _read(data: Path) -> list[tuple[str, float, bool]]:
    return [(item["name"], times.parse(item["ends"]) or 0.0, item["renewed"]) for item in pki.certificates(data)]
