"""Registration tokens, as the hub knows them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import TokenRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resource import Resource
from edgewright.hub.resources.tokens import document, routes
from edgewright.hub.services import Services


def _load(connection: Connection, state: State) -> None:
    state.loaded[TokenRecord] = [TokenRecord(**row._mapping) for row in connection.execute(select(schema.tokens))]


def _parts(hub: Services) -> tuple[object, ...]:
    tokens = Tokens()
    for record in hub.state.loaded.pop(TokenRecord, ()):
        tokens.put(record)
    hub.renderer.token_name = tokens.name_of
    return (tokens,)


def _follows(hub: Services) -> tuple[Follow, ...]:
    tokens = hub.part(Tokens)
    return (Follow(TokenRecord, "token", tokens.put, tokens.drop, rows(schema.tokens, TokenRecord)),)


RESOURCE = Resource(
    "token",
    routes=routes.ROUTES,
    tables=(schema.tokens,),
    load=_load,
    parts=_parts,
    follows=_follows,
    render={"token": document.change},
    tenant_kinds=frozenset({"token"}),
)
