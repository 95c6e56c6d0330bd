"""The route that lists the alerts (rule P39)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.hub.http import answers
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response


async def listing(call: Call) -> Response:
    """List the alerts of the reader's scope."""
    return call.json({"items": call.hub.alerts.documents(call.scope)})


ROUTES = (Route("GET", protocol.ALERTS, Access.READ, listing, returns=answers.items(answers.ALERT)),)
