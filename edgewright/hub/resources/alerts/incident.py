"""What receivers of alerts know under one name."""

from __future__ import annotations

from typing import Any

import msgspec

SILENCE = ("silent", "link")
"""Kinds of problems about missing heartbeats."""


class Incident(msgspec.Struct):
    """What receivers know of: `key` of the problem now, its hosts, and when each receiver got its last message.

    `opened` is when it was first sent; `changes` counts the messages that followed its size; `gone_at` is since when
    there is no such problem (nothing was sent of its end yet).
    """

    name: str
    scope: str
    key: str
    opened: float
    problem: dict[str, Any]
    uids: tuple[str, ...] = ()
    notified: dict[str, float] = {}
    changes: int = 0
    gone_at: float | None = None
    seen: float = 0.0
    """When `uids` was set: a host with a later heartbeat has returned."""

    @property
    def silence(self) -> bool:
        """Whether it is about missing heartbeats."""
        return self.problem.get("kind") in SILENCE
