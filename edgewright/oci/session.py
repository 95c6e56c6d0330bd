"""Requests over persistent connections: bounded replies, redirects that never carry a credential to another origin.

Connections that the other end closed while they idled are replaced, and a request without a body is sent again.
Failures are raised as they are (`FAILURES`); `errors.lost` makes sentences of them.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from edgewright.core import proxy as proxies
from edgewright.oci import address as addresses
from edgewright.oci import redirects
from edgewright.oci.address import Address
from edgewright.oci.guard import Guard
from edgewright.oci.link import CLOSED, Body, Link, Origin
from edgewright.oci.pace import Limits
from edgewright.oci.reply import Reply

FAILURES = (OSError, http.client.HTTPException, ValueError)
IDLE = 30.0
"""Seconds for which an idle connection stays open."""
MAX_IDLE = 4
SMALL = 64 * 1024
"""Bytes of an error's or a redirect's body that are read."""


class Answer(NamedTuple):
    """A reply read into memory; `url` is where it came from in the end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    url: Address

    def header(self, name: str) -> str:
        """Return a header, empty when it is missing."""
        return self.headers.get(name) or ""


class Stream:
    """A reply whose body is read in pieces."""

    def __init__(self, reply: Reply, url: Address) -> None:
        self._reply, self.url = reply, url
        self.status, self.headers = reply.status, reply.headers
        self.pieces = reply.pieces
        self.small, self.excerpt = reply.small, reply.excerpt

    def answer(self, most: int) -> Answer:
        """Read the reply into memory: a body of at most `most` bytes, the beginning of an error's."""
        body = self.small(most) if self.status < 300 else self.excerpt(SMALL)
        return Answer(self.status, self.headers, body, self.url)

    @property
    def length(self) -> int | None:
        """Bytes of the body that are still to come, by `Content-Length`; None when unknown."""
        return self._reply.length


class Session:
    """Connections to a registry and to where it redirects. Safe for several threads.

    `context` gives the TLS context for a host; `environment` names the proxies (None: the process's own). `guard`
    judges each address before a connection to it is opened, those of redirects too.
    """

    def __init__(
        self,
        context: Callable[[str], ssl.SSLContext],
        check: Callable[[], None] = lambda: None,
        limits: Limits = Limits(),  # noqa: B008  # immutable
        environment: Mapping[str, str] | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._context, self._check, self._limits, self._environment = context, check, limits, environment
        self._guard = guard
        self._idle: dict[Origin, list[Link]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            links = [link for group in self._idle.values() for link in group]
            self._idle.clear()
        for link in links:
            link.close()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        most: int = SMALL,
        *,
        follow: bool = True,
    ) -> Answer:
        """Send a request and return its reply, whatever its status. `most`: bytes of a success."""
        with self.stream(method, url, headers, body, follow=follow) as stream:
            return stream.answer(most)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        *,
        follow: bool = True,
    ) -> Iterator[Stream]:
        """Send a request and give its reply; the connection is used again if the body was read completely."""
        place, sent = addresses.parse(url), dict(headers or {})
        for _ in range(redirects.MOST + 1):
            link, reply = self._exchange(method, place, sent, body)
            try:
                location = reply.getheader("Location") if reply.status in redirects.STATUS and follow else None
                if location is None or (method not in ("GET", "HEAD") and reply.status < 307):
                    yield Stream(reply, place)
                    return
                target = redirects.target(place, location)
                if target.origin != place.origin:
                    sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
                place = target
                _discard(reply)
            finally:
                self._release(link, reply)
        raise redirects.BadRedirect("in a circle")

    def _exchange(self, method: str, place: Address, headers: Mapping[str, str], body: Body) -> tuple[Link, Reply]:
        link = self._take(place)
        while True:
            fresh = link.sock is None
            try:
                return link, link.exchange(method, place, headers, body)
            except CLOSED:
                link.close()
                if fresh or body:  # some of the body may have arrived: the caller decides
                    raise
                link = self._open(place)
            except BaseException:
                link.close()
                raise

    def _take(self, place: Address) -> Link:
        while True:
            with self._lock:
                group = self._idle.get(place.origin)
                link = group.pop() if group else None
            if link is None:
                return self._open(place)
            if time.monotonic() - link.idle_since < IDLE and not link.stale:
                return link
            link.close()

    def _open(self, place: Address) -> Link:
        way = proxies.from_environment(place.scheme, place.host, place.port, self._environment)
        context = self._trust(place.host) if place.scheme == "https" else None
        return Link(place.origin, context, way, self._limits, self._check, self._guard)

    def _trust(self, host: str) -> ssl.SSLContext:
        """Return the context for a host; reading the authorities takes 20 ms, so it is made once."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._context(host)
            return self._contexts[host]

    def _release(self, link: Link, reply: Reply) -> None:
        """Make a connection available again whose reply was read to its end; close any other."""
        finished = reply.isclosed() or (reply.length == 0 and not reply.chunked)
        will_close = reply.will_close
        reply.close()
        with self._lock:
            group = self._idle.setdefault(link.origin, [])
            if finished and not will_close and link.sock is not None and len(group) < MAX_IDLE:
                link.idle_since = time.monotonic()
                group.append(link)
                return
        link.close()


def _discard(reply: Reply) -> None:
    """Read the body of a redirect, so that its connection can be used again; a long one is not worth it."""
    try:
        reply.excerpt(SMALL)
    except FAILURES:
        reply.will_close = True
