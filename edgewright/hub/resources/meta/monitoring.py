"""For monitoring: `/healthz`, `/readyz` and `/metrics`, by the paths that Kubernetes and Prometheus use."""

from __future__ import annotations

from starlette.responses import Response

from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import FLAG, many, obj, optional, text
from edgewright.hub.process.observe.exposition import MEDIA, render
from edgewright.hub.process.observe.gather import Census, gather
from edgewright.hub.process.observe.readiness import Readiness, as_document
from edgewright.hub.process.observe.requests import RequestMeter
from edgewright.hub.resources.meta.description import Description
from edgewright.hub.services import Services

HEALTHZ, READYZ, METRICS = "/healthz", "/readyz", "/metrics"
_ALIVE = obj(alive=FLAG)
_READY = obj(ready=FLAG, checks=many(obj(name=text(), ready=FLAG, reason=optional(text()))))


def parts(hub: Services) -> tuple[object, ...]:
    """Return what counts, what knows whether this hub may serve, and the description of its API."""
    return RequestMeter(), Readiness(hub), Census(hub), Description(hub)


async def healthz(call: Call) -> Response:
    """Report that the process and its event loop run; asks nothing else, so that a slow database restarts no hub."""
    return call.json({"alive": True})


async def readyz(call: Call) -> Response:
    """Report whether this hub may serve: 503 with the reasons when not."""
    document = as_document(await call.hub.part(Readiness).facts())
    return call.json(document, 200 if document["ready"] else 503)


async def metrics(call: Call) -> Response:
    """Return the metrics in Prometheus' text format."""
    families = await gather(call.hub, call.pace())
    return Response(render(families), 200, {"Cache-Control": "no-store", "Content-Type": MEDIA})


ROUTES = (
    Route("GET", HEALTHZ, Access.OPEN, healthz, returns=_ALIVE),
    Route("GET", READYZ, Access.OPEN, readyz, returns=_READY),
    Route("GET", METRICS, Access.READ, metrics, On.TENANT, returns=text(), media="text/plain"),
)
