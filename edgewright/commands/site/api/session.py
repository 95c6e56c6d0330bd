"""The local API of a site that is open: its certificate, a session, and what it answered with the time of each answer.

The session lasts as long as the site. Its requests go over whatever connection the site has, so that one that was lost
and is there again continues with the same session and the same pinned certificate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from edgewright.clients.local_api import calls
from edgewright.clients.local_api.calls import Call
from edgewright.clients.local_api.client import PORT, LocalApi, through
from edgewright.clients.local_api.pinned import fingerprint
from edgewright.clients.ssh.target import short_name
from edgewright.core import times
from edgewright.core.doctor.depths import LOCAL_API
from edgewright.core.errors import EdgewrightError, NotFound, Refused
from edgewright.core.text import clean
from edgewright.wire.document import Document

SHOWN: tuple[tuple[str, Call[Any]], ...] = (
    ("host", calls.HOST),
    ("settings", calls.SETTINGS),
    ("configured", calls.CONFIGURED),
    ("configurations", calls.CONFIGURATIONS),
    ("cluster", calls.CLUSTER),
    ("applications", calls.APPLICATIONS),
    ("certificates", calls.CERTIFICATES),
    ("registry", calls.REGISTRY),
    ("content", calls.CONTENT),
    ("uploaded", calls.UPLOADED),
    ("links", calls.LINKS),
    ("errors", calls.ERRORS),
)
"""What is read, in the order of the page."""
AT_A_TIME = 3
ERROR_LINES = "10"


class SiteHost(Protocol):
    """A host that is open; `commands.site.opened.Site` is one."""

    target: str
    report: dict[str, Any] | None
    at_end: list[Any]
    local_api: Any

    async def use(self) -> Any:
        """Return its connection. Raises `Unreachable` where there is none."""


class Value(NamedTuple):
    """One answer: its document, `None` where there is none, with the reason; and when it was read, epoch seconds."""

    document: Document | None
    at: float
    reason: str = ""


class SiteLocalApi:
    """What a page has of the local API. `changed` is called after each change."""

    def __init__(
        self,
        site: SiteHost,
        *,
        now: Callable[[], float] = times.now,
        port: int = 0,
        open_api: Callable[[], Awaitable[tuple[LocalApi, bytes]]] | None = None,
    ) -> None:
        """`port` 0 is that of the probes; `open_api` opens it another way than by the connection of the site."""
        self._site, self._now, self._port, self._open_api = site, now, port, open_api
        self._api: LocalApi | None = None
        self.values: dict[str, Value] = {}
        self.fingerprint = ""
        """SHA-256 of its certificate, "" while it was not seen."""
        self.user = ""
        self.first = False
        """Whether the host reports that this user never logged in before: the password is still the first one."""
        self.reading = False
        self.reading_since: float | None = None
        self.problem = ""
        """Why the last login or reading gave nothing: one sentence and the next step."""
        self.changed: Callable[[], None] = lambda: None
        site.local_api = self
        site.at_end.append(self.aclose)

    @property
    def port(self) -> int:
        """Its port by the probes, else the usual one."""
        if self._port:
            return self._port
        depths: Sequence[dict[str, Any]] = (self._site.report or {}).get("depths") or ()
        return next((int(each["port"]) for each in depths if each["name"] == LOCAL_API), 0) or PORT

    async def login(self, user: str, password: str) -> None:
        """Begin a session and read everything; a failure is in `problem`."""
        self.problem, self.reading, self.reading_since = "", True, self._now()
        self.changed()
        try:
            await self.connect()
            await self.begin(user, password)
        except EdgewrightError as error:
            self._fail(error)
        finally:
            self.reading = False
            self.changed()
        if self.user and not self.problem:
            await self.read()

    async def connect(self) -> None:
        """Look at the certificate, and pin it. Raises `EdgewrightError`."""
        if self._api is None:
            name = clean(short_name(self._site.target), 80)
            opening = self._open_api or (lambda: through(_Connection(self._site), name, self.port))
            self._api, pin = await opening()
            self.fingerprint = fingerprint(pin)

    async def begin(self, user: str, password: str) -> None:
        """Begin a session. Raises `EdgewrightError`."""
        assert self._api is not None
        self.first = await self._api.login(user, password)
        self.user = user

    async def read(self) -> None:
        """Read all of `SHOWN`, a few at a time; where one fails the former answer stays, with the reason."""
        api = self._api
        if api is None or not self.user or self.reading:
            return
        self.problem, self.reading, self.reading_since = "", True, self._now()
        self.changed()
        gate = asyncio.Semaphore(AT_A_TIME)

        async def take(name: str, call: Call[Any]) -> None:
            async with gate:
                await self._read_one(api, name, call)

        try:
            await asyncio.gather(*(take(name, call) for name, call in SHOWN))
        finally:
            self.reading = False
            self.changed()

    async def _read_one(self, api: LocalApi, name: str, call: Call[Any]) -> None:
        query = {"logCount": ERROR_LINES} if call is calls.ERRORS else None
        try:
            self.values[name] = Value(await api.get(call, query), self._now())
        except NotFound as error:
            self.values[name] = Value(None, self._now(), error.message)
        except EdgewrightError as error:
            before = self.values.get(name)
            if before is None or before.document is None:
                self.values[name] = Value(None, self._now(), error.message)
            self._fail(error)
            if isinstance(error, Refused) and error.code == error.default_code:
                self.user = ""  # the session has ended: it lasts two hours
        self.changed()

    def _fail(self, error: EdgewrightError) -> None:
        self.problem = f"{error.message} {error.hint}".strip()

    async def aclose(self) -> None:
        """End the session."""
        api, self._api, self.user = self._api, None, ""
        if api is not None:
            await api.aclose()


class _Connection:
    """Opens channels on the connection that the site has now."""

    def __init__(self, site: SiteHost) -> None:
        self._site = site

    async def open_stream(self, host: str, port: int) -> Any:
        """Return a connection from the host. Raises `EdgewrightError`."""
        return await (await self._site.use()).open_stream(host, port)
