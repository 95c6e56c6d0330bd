"""Problems on the plane: who handles them, and who receives alerts. Only a hub has these paths (else `NotFound`)."""

from __future__ import annotations

from typing import Any, Final

from edgewright.clients.http.errors import UNKNOWN_PATH
from edgewright.clients.palette.pages import Resource, document, items_of
from edgewright.core import times
from edgewright.core.errors import NotFound
from edgewright.wire import protocol


def _known(error: NotFound) -> NotFound:
    """Return the error for a plane without receivers in place of one that names a path."""
    if error.code != UNKNOWN_PATH:
        return error
    return NotFound("This plane sends no alerts.", "A hub does from version 0.2 on; Palette has its own.", UNKNOWN_PATH)


class Unchanged:
    """The type of `UNCHANGED`."""


UNCHANGED: Final = Unchanged()
"""In place of an end of a silence: leave it as it is (`None` ends the silence)."""


class Problems(Resource):
    """Calls about who handles a problem. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return who handles which problem: `{key, acknowledgedBy, acknowledgedAt, assignee, note, silencedUntil}`."""
        return items_of((await self._call("GET", protocol.HANDLING, "list of handled problems")).data)

    async def set(
        self,
        key: str,
        *,
        acknowledged: bool | None = None,
        assignee: str | None = None,
        note: str | None = None,
        silenced_until: float | Unchanged | None = UNCHANGED,
    ) -> dict[str, Any]:
        """Change who handles a problem; what is not given stays. Returns the record.

        An empty assignee or note removes it; `silenced_until` is epoch seconds, `None` ends the silence.
        """
        body: dict[str, Any] = {}
        if acknowledged is not None:
            body["acknowledged"] = acknowledged
        if assignee is not None:
            body["assignee"] = assignee
        if note is not None:
            body["note"] = note
        if not isinstance(silenced_until, Unchanged):
            body["silencedUntil"] = None if silenced_until is None else times.rfc3339(silenced_until)
        path = protocol.path(protocol.HANDLING_ITEM, key=key)
        return document((await self._call("PATCH", path, f"problem {key}", body=body)).data)


class Receivers(Resource):
    """Calls about receivers of alerts. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return the receivers of alerts with how their deliveries go; nothing secret."""
        try:
            return items_of((await self._call("GET", protocol.RECEIVERS, "list of alert receivers")).data)
        except NotFound as error:
            raise _known(error) from None

    async def add(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add a receiver; returns its uid, and the signing key when the plane made one."""
        what = f"alert receiver {body.get('name')}"
        try:
            return document((await self._call("POST", protocol.RECEIVERS, what, body=body)).data)
        except NotFound as error:
            raise _known(error) from None

    async def remove(self, uid: str) -> None:
        """Delete a receiver and what waits for it."""
        await self._call("DELETE", protocol.path(protocol.RECEIVER, uid=uid), "alert receiver")

    async def test(self, uid: str) -> dict[str, Any]:
        """Send a test message; returns `{deliveryId, delivered, error}`."""
        path = protocol.path(protocol.RECEIVER_TEST, uid=uid)
        return document((await self._call("POST", path, "test of the alert receiver", body={})).data)
