"""One path of the API: who may call it, and the one place where failures become answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edgewright.hub.db.engines import storage_problem
from edgewright.hub.db.hosts import get_host_or_404, save_host
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.auth import ANONYMOUS, HOST, Actor
from edgewright.hub.http.body_reader import Disconnected
from edgewright.hub.http.problems import Problem
from edgewright.hub.http.routing import Call, Message, Receive, Route, Send, problem_response
from edgewright.hub.resource import FastPath
from edgewright.hub.security.access import Access, check_access, check_project
from edgewright.hub.services import Services
from edgewright.wire import protocol

log = logging.getLogger("edgewright.hub")
_READING = ("GET", "HEAD")


class Endpoint:
    """All methods of one path, as an ASGI application."""

    def __init__(
        self, hub: Services, methods: dict[str, Route], open_paths: frozenset[str], fast: Sequence[FastPath]
    ) -> None:
        self._hub = hub
        self._open_paths, self._fast = open_paths, fast
        self._methods = {"HEAD": methods["GET"], **methods} if "GET" in methods else methods
        self._allowed = sorted(methods)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Problem as problem:
            response = problem_response(problem)
        except (Disconnected, ClientDisconnect):
            return  # a link that broke: no client waits for an answer, and it is not a failure of the hub
        except Exception as error:
            failure = storage_problem(error) or Problem(
                500, protocol.E_INTERNAL, "Internal error. See hub.log under this reference."
            )
            log.error("%s %s: %s", request.method, scope["path"], failure.ref, exc_info=error)
            response = problem_response(failure)
        if request.method == "HEAD":
            await _send_head(response, send)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        route = self._methods.get(request.method)
        if route is None:
            allowed = ",".join(self._allowed)
            message = f"method {request.method} is not allowed, but [{allowed}] are"
            raise Problem(405, 405, message, {"Allow": ", ".join(sorted(self._methods))})
        address = request.client.host if request.client else ""
        actor = Actor(ANONYMOUS, "", "", address)
        if self._hub.membership.shared and (route.access is not Access.OPEN or request.method not in _READING):
            if not _is_fast(self._fast, request.scope):
                self._hub.check_current()
            if not self._hub.authenticator.braked(address):
                await self._hub.await_credential(request.headers)
        if route.path not in self._open_paths:
            actor = self._hub.authenticator.actor(request.headers, address)
        if actor.is_user:
            self._hub.turns.note_user()
        params: dict[str, str] = request.path_params
        project, state = request.headers.get(protocol.H_PROJECT, "").strip(), self._hub.state
        if route.access is not Access.OPEN:
            check_project(project, actor, state)
        uid, guards = params.get("uid", ""), route.guards_observed
        check_access(route.access, route.on, actor, uid, project, state, guards_observed=guards)
        if actor.role == HOST and request.method not in _READING and not _is_fast(self._fast, request.scope):
            self._hub.intake.admit_request(actor.uid)
        if actor.role == HOST and actor.pending:
            await self._hub.write(lambda tx: _promote_credential(tx, actor.uid))
        return await route.handler(Call(self._hub, route, request, actor, params))


def _is_fast(fast: Sequence[FastPath], scope: Message) -> bool:
    return any(path.matches(scope) for path in fast)


def _promote_credential(tx: Tx, uid: str) -> None:
    """End a host's older credential, now that the newer one was used (rule P10)."""
    record = get_host_or_404(tx, uid)
    if record.pending_hash:
        save_host(tx, record, credential_hash=record.pending_hash, pending_hash=None, modified=record.modified)


async def _send_head(response: Response, send: Send) -> None:
    """Answer HEAD with what GET answers, without its body; a stream is not begun."""
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": b""})
