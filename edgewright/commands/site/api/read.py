"""Action: read the local API of a host, over SSH or directly, and print what it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.local_api.client import PORT, LocalApi, certificate
from edgewright.clients.ssh.target import read_target, short_name
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.site.api import verbs as declared
from edgewright.commands.site.api.pins import accept
from edgewright.commands.site.api.rows import Section, sections
from edgewright.commands.site.api.session import SiteLocalApi
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.terminal import asker
from edgewright.config.locations import read_private
from edgewright.core import times
from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused, UsageError
from edgewright.core.small_file import local_path
from edgewright.core.text import clean

LABEL = 16


class SiteApiRead(declared.SiteApiRead):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check target and port before anything is dialled. Raises `InvalidInput`."""
        target = str(args["host"])
        check(target)
        port = int(args.get("port") or PORT)
        if not 1 <= port <= 65_535:
            raise InvalidInput(f"{port} is not a port.", "Give 1 to 65535.")
        if args.get("direct") and "," in target:
            name = clean(short_name(target), 80)
            raise UsageError(
                f"--direct uses no SSH: {name} has no hosts before it.", f"Write {name}, or leave out --direct."
            )
        way = "directly" if args.get("direct") else "over SSH"
        lines = (f"port {port}, {way}; nothing is changed on the host.",)
        return Plan("Local API", lines, (target,), (), self.cli_line((), args), None, port)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Log in, read, log out. Raises `Refused`, `Unreachable`, `TimedOut`, `Failed`."""
        (target,), port = plan.touches, int(plan.payload)
        place = _Direct(target, port) if args.get("direct") else await _BySsh.of(target, ctx)
        api = SiteLocalApi(place, port=port, open_api=place.open_api if isinstance(place, _Direct) else None)
        try:
            await api.connect()
            user = str(args.get("user") or "") or place.user
            if not user:
                raise InvalidInput("The user is not known.", "Name one of the host's system: --user NAME")
            password = await _password(user, target, str(args.get("password_file") or ""))
            await api.begin(user, password)
            await api.read()
        finally:
            await api.aclose()
            await place.aclose()
        if not any(value.document is not None for value in api.values.values()):
            raise Failed(f"The local API of {target} gave nothing.", api.problem)
        shown = sections(api.values)
        document = {
            "target": target,
            "way": "direct" if args.get("direct") else "ssh",
            "certificate": api.fingerprint,
            "user": user,
            "sections": [_document(each) for each in shown],
        }
        return Outcome((target,), (), api.problem, Text(_page(target, api.fingerprint, shown), document, target))


async def _password(user: str, target: str, file: str) -> str:
    """Return the password, of a file of the user alone or typed. Raises `Refused`, `NotFound`."""
    if file:
        content = await asyncio.to_thread(read_private, local_path(file))
        if content is None:
            raise NotFound(f"There is no file {clean(file, 200)}.", "Name a file that has the password alone.")
        return content.rstrip("\r\n")
    typed = await asker().secret(f"Password of {clean(user, 80)} for the local API of {clean(target)}: ", shown=False)
    if typed is None:
        raise Refused("The local API needs a password.", "Run it in a terminal, or give --password-file.", "NoPassword")
    return typed


class _BySsh:
    """A host that is reached by SSH; see `session.SiteHost`."""

    def __init__(self, target: str, connection: Any) -> None:
        self.target, self._connection = target, connection
        self.user = str(connection.facts.user)
        self.report: dict[str, Any] | None = None
        self.at_end: list[Any] = []
        self.local_api: Any = None

    @classmethod
    async def of(cls, target: str, ctx: CommandContext) -> _BySsh:
        """Connect. Raises `EdgewrightError`."""
        return cls(target, await connect(target, ctx))

    async def use(self) -> Any:
        """Return the connection."""
        return self._connection

    async def aclose(self) -> None:
        """End it."""
        await self._connection.aclose()


class _Direct:
    """A host whose port is reached from here."""

    def __init__(self, target: str, port: int) -> None:
        self.target, self._port = target, port
        known = read_target(target)
        self._host, self.user = known.host, known.user
        self.report: dict[str, Any] | None = None
        self.at_end: list[Any] = []
        self.local_api: Any = None

    async def use(self) -> Any:
        """There is none."""
        raise AssertionError

    async def open_api(self) -> tuple[LocalApi, bytes]:
        """Return the API behind a certificate that the user knows. Raises `Refused`, `Unreachable`, `TimedOut`."""
        pin = await certificate(self._host, self._port)
        await accept(f"{self._host}:{self._port}", pin, asker())
        return LocalApi(self._host, self._host, self._port, pin), pin

    async def aclose(self) -> None:
        """Nothing is open."""


def _document(section: Section) -> dict[str, Any]:
    """Return a section; labels may be there twice, as the names of linked hosts."""
    values = [{"label": label, "value": text} for label, text in section.rows]
    title = section.title.lower()
    return {"title": title, "readAt": times.rfc3339(section.at), "values": values, "reason": section.reason}


def _page(target: str, certificate: str, shown: Sequence[Section]) -> str:
    lines = [f"{clean(target)}  local API  certificate {certificate[:23]}..."]
    for section in shown:
        lines += ["", f"{section.title}  read {times.rfc3339(section.at)[:19]}Z"]
        lines += [f"  {label:<{LABEL}}{text}" for label, text in section.rows] or [f"  {section.reason or 'nothing'}"]
    return "\n".join(lines)
