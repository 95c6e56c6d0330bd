"""The fixed roles over the API (Palette's `/v1/roles`); no one changes them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from edgewright.core import roles, times
from edgewright.core.filters import palette as listfilter
from edgewright.hub.http import bodies
from edgewright.hub.http.problems import bad_request, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import text
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

_FILTERS = ("metadata.uid", "metadata.name", "spec.scope", "spec.type")


def role(name: str) -> dict[str, Any]:
    """Return a role (`v1Role`); its permissions in a single project are those of the extension."""
    return {
        "metadata": {
            "uid": roles.uid(name),
            "name": name,
            "labels": {},
            "annotations": {"description": roles.DESCRIPTIONS[name]},
            "creationTimestamp": times.ZERO,
            "lastModifiedTimestamp": times.ZERO,
        },
        "spec": {
            "permissions": roles.permissions(name),
            "scope": roles.TENANT_SCOPE,
            "type": "system",
            "edgewright": {
                "scopes": [roles.TENANT_SCOPE, roles.PROJECT_SCOPE],
                "projectPermissions": roles.permissions(name, roles.PROJECT_SCOPE),
            },
        },
        "status": {"isEnabled": True},
    }


async def listing(call: Call) -> Response:
    """List the roles (`v1Roles`), from the most rights to the least."""
    try:
        alternatives = listfilter.parse(call.request.query_params.get("filters", ""), _FILTERS)
    except ValueError as error:
        raise bad_request(str(error)) from None
    offset, limit = call.page()
    matches = [name for name in roles.ROLES if not alternatives or any(_passes(name, terms) for terms in alternatives)]
    page = matches[offset : offset + limit]
    items = [role(name) for name in page]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(matches), limit)})


def _passes(name: str, terms: list[listfilter.Term]) -> bool:
    values = dict(zip(_FILTERS, (roles.uid(name), name, roles.TENANT_SCOPE, "system"), strict=True))
    return all((values[term.property] == term.value) is not term.negated for term in terms)


async def get(call: Call) -> Response:
    """Return one role."""
    name = roles.by_uid().get(call.uid)
    if name is None:
        raise not_found("role", call.uid)
    return call.json(role(name))


ROUTES = (
    Route("GET", protocol.ROLES, Access.READ, listing, On.OBJECT, query={**bodies.PAGE, "filters": text()}),
    Route("GET", protocol.ROLE, Access.READ, get, On.OBJECT),
)
