"""Ports whose calls last: the change stream, and streams to the hosts of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from edgewright.clients.http.stream import Change
    from edgewright.clients.relay import Stream, Waiting


class CanFollow(Protocol):
    """Sends changes as they are made."""

    def changes(self, since: int | None = None, beats: float | None = None) -> AsyncGenerator[Change, None]:
        """Yield changes after a number. Raises `EdgewrightError`."""
        raise NotImplementedError


class CanRelay(Protocol):
    """Opens streams to ports of a cluster's hosts through the plane (rule P30)."""

    async def open_stream(
        self, cluster_uid: str, port: int = ..., host: str = ..., report: Callable[[Waiting], None] = ...
    ) -> Stream:
        """Open a stream; `report` gets what the plane reports while it waits. Raises `EdgewrightError`."""
        raise NotImplementedError
