"""Routes as data, and what one call can use.

A route names its method, path, who may call it and its handler. The dispatcher finds the route, finds out who calls,
checks role and observed mark, and reads the body within its bounds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.core.roles import ADMIN, EVERYTHING, Scope, covers
from edgewright.core.text import integer
from edgewright.hub.db import audits as audit
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http import problems, shapes
from edgewright.hub.http.auth import HOST, Actor
from edgewright.hub.http.body_reader import BodyReader, Clock
from edgewright.hub.http.problems import Problem, bad_request
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.security import access
from edgewright.hub.security.access import Access as Access
from edgewright.hub.security.access import On as On
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

T = TypeVar("T")


_LARGE = 16 * 1024
"""Bytes of a body whose check counts as long work: one of 1 MiB may take some milliseconds."""

Handler = Callable[["Call"], Awaitable[Response]]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Route:
    """One operation."""

    method: str
    path: str
    access: Access
    handler: Handler
    on: On = On.SCOPE
    """Whose role counts."""
    guards_observed: bool = False
    """Users may not call it on an observed host (rule P27)."""
    body: shapes.Shape | None = None
    """What `Call.body` reads and the API description shows."""
    sends: str = "application/json"
    """The media type of the body."""
    query: Mapping[str, shapes.Shape] = field(default_factory=dict)
    """What the handler reads of the query."""
    headers: tuple[str, ...] = ()
    """What the handler reads of the headers, beside credentials and project."""
    returns: shapes.Shape | None = None
    """What success answers; Palette's own operations have theirs in Palette's description."""
    status: int = 0
    """What success answers; 0 is 200 with `returns`, else 204."""
    media: str = "application/json"


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(content), status, sent, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """Return the answer for a problem."""
    return json_response(problem.body(), problem.status, problem.headers)


class Call:
    """One request on its way: who, what, and the means to answer it."""

    def __init__(self, hub: Services, route: Route, request: Request, actor: Actor, params: Mapping[str, str]) -> None:
        self.hub = hub
        self.route = route
        self.request = request
        self.actor = actor
        self.params = params
        self.audit_uid = ""
        self.now = times.now()

    @property
    def uid(self) -> str:
        """Return the `{uid}` of the path."""
        return self.params.get("uid", "")

    @property
    def project(self) -> str:
        """Return the project scope; empty for the entire tenant."""
        return self.request.headers.get(protocol.H_PROJECT, "").strip()

    @property
    def scope(self) -> Scope:
        """Return what this call may see: the project of `ProjectUid`, else the caller's projects or the tenant."""
        if self.actor.is_user and self.project:
            return Scope.of(self.project, member=not self.actor.grants.tenant)
        if not self.actor.is_user or self.actor.grants.tenant:
            return EVERYTHING
        return Scope.of(*self.actor.grants.projects, member=True)

    @property
    def is_admin(self) -> bool:
        """Return whether the caller is an admin of the tenant."""
        return self.actor.grants.tenant == ADMIN

    def require(self, role: str, project_uid: str) -> None:
        """Raise 403 unless the caller has a role in a project (`""`: in the tenant); for routes on `On.OBJECT`."""
        own = self.actor.grants.role(project_uid)
        if self.actor.is_user and not covers(own, role):
            raise access.too_low(self.actor, own, role)

    @property
    def origin(self) -> str:
        """Return who calls, for messages of the audit log."""
        return self.actor.name or self.actor.uid or "anonymous"

    @property
    def caller(self) -> str:
        """Return whose share of the hub's time this call uses: its API key, its host, else its address."""
        if self.actor.key is not None:
            return f"key {self.actor.key.uid}"
        return f"host {self.actor.uid}" if self.actor.role == HOST else f"address {self.actor.address}"

    def pace(self) -> Pace:
        """Return the pace of this call's long work; raises `Problem` 429 when too much of its caller waits already."""
        pace = Pace(self.hub.turns, self.caller, self.request.is_disconnected)
        pace.admit()
        return pace

    async def body(self) -> Any:
        """Return the body, checked by the route's shape; the check of a large one waits for its turn."""
        shape = self.route.body or shapes.ANY
        content = await self.raw_body()
        if len(content) < _LARGE:
            return shapes.load(content, shape)
        async with self.pace():
            return shapes.load(content, shape)

    async def raw_body(self) -> bytes:
        """Return the body; raises 413 above the limit, 408 for one that makes no progress, and `Disconnected`."""
        options, headers = self.hub.options, self.request.headers
        clock = Clock(options.request_timeout, options.max_body, self.request.scope.get("edgewright.received"))
        stranger = None if self.actor.role else self.actor.address
        reader = BodyReader(self.request.receive, clock, options.max_body, self.hub.budget, stranger)
        return await reader.read(headers.get("content-length", ""), expects="expect" in headers)

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in the writer and return its result once it is durable."""
        return await self.hub.write(job)

    def audit(
        self,
        tx: Tx,
        action: str,
        kind: str,
        uid: str,
        name: str,
        message: str,
        project: str = "",
        actor: Actor | None = None,
    ) -> None:
        """Add an audit entry for this call, by the caller or `actor`; its uid goes into the answer's `AuditUid`."""
        who = actor or self.actor
        self.audit_uid = audit.write_audit(self.hub.state, tx, who, action, kind, uid, name, message, project)

    def empty(self, headers: Mapping[str, str] | None = None) -> Response:
        """Return 204 with nothing in it."""
        return Response(status_code=204, headers=self._with_audit(headers))

    def file(self, content: str, name: str) -> Response:
        """Return a text as a file of a name."""
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, headers=self._with_audit(headers), media_type="application/octet-stream")

    def accepted(self) -> Response:
        """Return 202 with nothing in it."""
        return Response(status_code=202, headers=self._with_audit(None))

    def created(self, uid: str) -> Response:
        """Return 201 with the uid of what was made."""
        return json_response({"uid": uid}, 201, self._with_audit(None))

    def json(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Return a JSON answer."""
        return json_response(content, status, self._with_audit(headers))

    def _with_audit(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        result = dict(headers or {})
        if self.audit_uid:
            result[protocol.H_AUDIT] = self.audit_uid
        return result

    def host(self, uid: str | None = None) -> HostEntry:
        """Return a host within the caller's scope; raises 404 `ResourceNotFound` or 403 for another project's."""
        return access.find_host(self.actor, self.uid if uid is None else uid, self.project, self.hub.state)

    def choice(self, name: str) -> str:
        """Return a value of the query, empty when it is not sent; raises 422 code 606 for one that is not allowed."""
        value, allowed = self.request.query_params.get(name, ""), self.route.query[name].enum
        if value and value not in allowed:
            raise problems.invalid(problems.ENUM, f"{name} in query should be one of [{' '.join(allowed)}]")
        return value

    def page(self, ceiling: int | None = None, *, strict: bool = False) -> tuple[int, int]:
        """Return offset and size of the page asked for; raises 422 code 609 for one below 0.

        A size above the limit is the limit, as in Palette's lists; with `strict` it raises 422 code 608, as in its
        search of hosts (rule P32).
        """
        query = self.request.query_params
        asked = integer(self.request.headers.get(protocol.H_PAGE_LIMIT, ""))
        most = protocol.PAGE_LIMIT if ceiling is None else ceiling
        if asked:
            most = max(most, min(asked, self.hub.options.page_limit))
        try:
            size = _integer(query.get("limit"), "limit")
            limit = listmeta.check_limit(size if strict or size is None else min(size, most), most)
            token = query.get("continue", "")
            offset = listmeta.decode(token).offset if token else _integer(query.get("offset"), "offset") or 0
        except InvalidInput as error:
            if error.code.isdigit():
                raise problems.invalid(int(error.code), error.message) from None
            raise bad_request(error.message, error.code) from None
        if offset < 0:
            raise problems.invalid(problems.MINIMUM, "offset in query should be greater than or equal to 0")
        return min(offset, listmeta.MAX_OFFSET), limit

    def cursor(self) -> str:
        """Return the hub's own part of the query's `continue`; empty without one. `page` has checked it before."""
        token = self.request.query_params.get("continue", "")
        return listmeta.decode(token).token if token else ""


def _integer(text: str | None, name: str) -> int | None:
    if text is None or text == "":
        return None
    try:
        value = int(text)
    except ValueError:
        raise problems.invalid(problems.TYPE, f"{name} in query must be of type int64: {text[:40]!r}") from None
    return value if abs(value) < 2**63 else 2**31
