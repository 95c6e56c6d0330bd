"""`GET /edgewright/v1/profiles/{uid}/images`: the container images that a profile needs, for a bundle."""

from __future__ import annotations

from starlette.responses import Response

from edgewright.core.profiles import images as rules
from edgewright.core.profiles.problems import errors
from edgewright.core.profiles.scope import Context
from edgewright.hub.http import shapes
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.layers import packs_of
from edgewright.hub.resources.profiles import access
from edgewright.profiles.prepare import prepare, resolved
from edgewright.wire import protocol

_SHOWN = 20
"""Problems that an answer names."""


async def images(call: Call) -> Response:
    """Return the images by layer, with the defaults of the variables; values that the caller may not see are covered.

    Nothing is fetched: a layer whose pack only a registry has is in `unknown`.
    """
    now = await access.read(call, access.find(call))
    record = now.record
    profile = await access.work(
        call, lambda: stored.profile(record.name, record.version, now.metadata, now.present, None)
    )
    packs, macros = await packs_of(call.hub, profile), access.macros_shown(call)

    def look() -> dict[str, object]:
        prepared = prepare(profile, packs)
        resolution = resolved(prepared, Context(macros=macros, partial=True))
        wrong = errors([*prepared.problems, *resolution.problems])
        return {
            "images": [image._asdict() for image in rules.images(resolution, prepared.packs)],
            "unknown": list(rules.layers_without(resolution, prepared.packs)),
            "problems": [problem.sentence() for problem in wrong[:_SHOWN]],
        }

    return call.json(await access.work(call, look))


_IMAGE = shapes.obj(image=shapes.text(), layer=shapes.text(), source=shapes.text(32, *rules.SOURCES), open=shapes.FLAG)
_RETURNS = shapes.obj(images=shapes.many(_IMAGE), unknown=shapes.TEXTS, problems=shapes.TEXTS)
ROUTES = (Route("GET", protocol.OWN_PROFILE_IMAGES, Access.READ, images, returns=_RETURNS),)
