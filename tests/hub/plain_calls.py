"""Calls of resources that have no entry in a table of tests, made from their routes and the shapes of their bodies.

A plain resource is created by `POST` on its collection, from what its shape requires, and answers with its uid; its
objects are at `{uid}` below. What needs more than that has its calls in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

import httpx

from edgewright.hub.http.routing import Route
from edgewright.hub.http.shapes import Shape
from edgewright.wire import protocol

ORDER = ("POST", "GET", "PUT", "PATCH", "DELETE")
_numbers = count()


class Answer(NamedTuple):
    """A call that was made, by the name of its route."""

    method: str
    path: str
    response: httpx.Response


def body_of(shape: Shape) -> Any:
    """Return a least body of a shape: what it requires, each text another one."""
    if shape.kind == "object":
        return {name: body_of(shape.fields[name]) for name in shape.required}
    if shape.kind == "list":
        return [] if shape.item is None else [body_of(shape.item)]
    if shape.kind == "text":
        return shape.enum[0] if shape.enum else f"plain-{next(_numbers)}"
    return {"integer": 1, "number": 1.0, "flag": True, "when": "2026-01-01T00:00:00.000Z"}.get(shape.kind, {})


def plain_calls(admin: httpx.Client, routes: Iterable[Route]) -> Iterator[Answer]:
    """Call each of the routes, deletions last; collections first, since their objects are what the others name."""
    uids: dict[str, str] = {}
    ordered = sorted(routes, key=lambda route: (ORDER.index(route.method), route.path.count("{")))
    for route in ordered:
        collection = route.path.partition("/{uid}")[0]
        path = route.path if collection not in uids else protocol.path(route.path, uid=uids[collection])
        assert "{" not in path, f"{route.method} {route.path}: no plain resource, give it calls of its own"
        sent = {} if route.body is None else {"json": body_of(route.body)}
        response = admin.request(route.method, path, **sent)
        if route.method == "POST" and route.path == collection and response.status_code == 201:
            uids[collection] = str(response.json()["uid"])
        yield Answer(route.method, route.path, response)
