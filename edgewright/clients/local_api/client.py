"""The client: TLS by pin, a session of one user, and each call with bounds and a sentence for what goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from edgewright.clients.local_api import calls
from edgewright.clients.local_api.calls import Call
from edgewright.clients.local_api.pinned import asking_nothing, pinned
from edgewright.clients.ssh.forward import Forward
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Refused, TimedOut, Unreachable
from edgewright.core.text import clean
from edgewright.wire.document import Document, parse_object

D = TypeVar("D", bound=Document)
WITHIN = 15.0
"""Seconds for a connection, and for each piece of an answer."""
COMPLETE = 90.0
"""Seconds for a complete answer, and for the begin of a file: a host that sends single bytes must not be waited for."""
LEAST_RATE = 512
"""Bytes per second below which a file is given up after `COMPLETE`."""
MAX_ANSWER = 8 * 1024 * 1024
MAX_FILE = 4 * 1024 * 1024 * 1024
"""Bytes of an answer, and of a file: the archive of /var/log."""
PORT = 5080
_CLASSES: dict[int, type[EdgewrightError]] = {400: InvalidInput, 401: Refused, 403: Refused, 404: NotFound}
_HINTS = {
    401: "Log in again: its users are those of the host's system.",
    429: "Wait: after 5 wrong passwords the host locks its API for 15 minutes.",
}


class LocalApi:
    """The API of one host at a host and port, or at a local port that leads to it.

    `pin` is its certificate (DER). Nothing is sent before TLS has shown exactly that one.
    """

    def __init__(self, name: str, host: str, port: int, pin: bytes, *, forward: Forward | None = None) -> None:
        self._name, self._forward = name, forward
        address = f"[{host}]" if ":" in host else host
        self._client = httpx.AsyncClient(
            verify=pinned(pin),
            base_url=f"https://{address}:{port}",
            timeout=httpx.Timeout(WITHIN),
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=2, keepalive_expiry=60),
            trust_env=False,
            follow_redirects=False,
        )
        self.user = ""
        """The user who is logged in; empty without a session."""

    async def login(self, user: str, password: str) -> bool:
        """Begin a session; returns whether it is the user's first one. Raises `Refused`, `EdgewrightError`."""
        self._client.headers.pop("Authorization", None)
        self.user = ""
        query = {"setCookie": "false", "extendedSession": "false"}
        try:
            answer = await self.get(calls.LOGIN, query, {"username": user, "password": password})
        except (Refused, InvalidInput) as error:
            if error.code != error.default_code:  # it is locked, or TLS showed another certificate
                raise
            raise Refused(
                f"The local API of {self._name} does not accept {clean(user, 80)} with this password.",
                "Its users are those of the host's system; 5 wrong passwords lock it for 15 minutes.",
                "LoginRefused",
            ) from None
        if not answer.session or not answer.session.isascii() or not answer.session.isprintable():
            raise Failed(f"The local API of {self._name} gave no session.", "Try again.", "NoSession")
        self._client.headers["Authorization"] = answer.session
        self.user = user
        return bool(answer.is_first)

    async def get(self, call: Call[D], query: Mapping[str, str] | None = None, body: Any = None) -> D:
        """Return what a call answers, as its view. Raises `EdgewrightError`; `NotFound` where there is none."""
        unknown = set(query or ()) - set(call.query)
        if unknown:
            raise InvalidInput(f"{call.path} has no parameter {sorted(unknown)[0]}.")
        data = bytearray()
        try:
            async with asyncio.timeout(COMPLETE), self._answer(call, query, body) as response:
                async for piece in _pieces(response):
                    data += piece
                    if len(data) > MAX_ANSWER:
                        raise Failed(f"The {call.what} of {self._name} is too large.", "Use the host's own web page.")
                if response.status_code >= 300:
                    raise self._refused(response.status_code, bytes(data), call.what)
        except TimeoutError:
            raise self._late(call.what) from None
        if not data.strip():
            return call.view({})
        try:
            return call.view(parse_object(bytes(data)))
        except InvalidInput:
            problem = f"The local API of {self._name} answers something else than a document to {call.path}."
            raise Failed(problem, "Something else may listen on its port.", "NotTheApi") from None

    async def download(self, path: str, target: Path) -> int:
        """Write a file of the host to a new file of this machine (mode 0600); return its bytes.

        Raises `Failed` for one that exists or is too large, `EdgewrightError`. What was cut is removed.
        """
        call = Call("GET", path, "file", Document)
        count, made, began = 0, False, time.monotonic()
        try:
            async with self._answer(call, None, None) as response:
                if response.status_code >= 300:
                    async with asyncio.timeout(COMPLETE):
                        raise self._refused(response.status_code, await _begin(response), "file")
                file = await asyncio.to_thread(_created, target)
                made = True
                try:
                    async for piece in _pieces(response):
                        count += len(piece)
                        if count > MAX_FILE:
                            raise Failed(f"The file of {self._name} is too large.", "Use the host's own web page.")
                        if (seconds := time.monotonic() - began) > COMPLETE and count < LEAST_RATE * seconds:
                            raise self._late("file")
                        await asyncio.to_thread(file.write, piece)
                finally:
                    await asyncio.to_thread(file.close)
        except FileExistsError:
            raise Failed(f"{target} exists already, and nothing is overwritten.", "Name another file.") from None
        except BaseException as error:
            if made:
                await asyncio.to_thread(target.unlink, True)
            if isinstance(error, TimeoutError):
                raise self._late("file") from None
            if isinstance(error, OSError):
                reason = (error.strerror or str(error)).lower()
                raise Failed(f"{target} cannot be written: {reason}.", "Choose another place.") from None
            raise
        return count

    async def aclose(self) -> None:
        """Log out, and end all connections and the local port."""
        if self.user:
            self.user = ""
            try:
                async with asyncio.timeout(2.0):
                    await self.get(calls.LOGOUT)
            except (EdgewrightError, TimeoutError):
                pass  # the session ends by itself after two hours
        await self._client.aclose()
        if self._forward is not None:
            await self._forward.aclose()

    def _answer(self, call: Call[Any], query: Mapping[str, str] | None, body: Any) -> _Answer:
        request = self._client.build_request(
            call.method, call.path, params=dict(query) if query else None, json=body,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )  # fmt: skip
        return _Answer(self, request)

    def explained(self, error: Exception) -> EdgewrightError:
        """Return why a request was not answered, as a sentence."""
        if self._forward is not None and self._forward.error is not None:
            return self._forward.error
        if isinstance(error, httpx.TimeoutException):
            return TimedOut(f"The local API of {self._name} does not answer within {WITHIN:.0f} s.", "Try again.")
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Refused(
                f"The local API of {self._name} shows another certificate than before.",
                "If the host was installed again, accept the new one; else do not log in: another machine may answer.",
                "PinChanged",
            )
        reason = clean(str(error) or type(error).__name__, 200)
        return Unreachable(f"The local API of {self._name} is not reached: {reason}.", "Is port 5080 open?")

    def _late(self, what: str) -> TimedOut:
        return TimedOut(f"The local API of {self._name} sends {what} too slowly.", "Check the link.", "TooSlow")

    def _refused(self, status: int, data: bytes, what: str) -> EdgewrightError:
        message = ""
        try:
            parsed = json.loads(data[:65_536])
            message = str(parsed.get("message") or "") if isinstance(parsed, dict) else str(parsed)
        except (ValueError, RecursionError):
            pass
        if status == 429 or "locked" in message.lower():
            return Refused(f"The local API of {self._name} is locked for now.", _HINTS[429], "LockedOut")
        text = clean(message, 300).rstrip(".")
        if status == 404:
            return NotFound(f"{self._name} has no {what}{': ' + text if text else ''}.", "")
        kind = _CLASSES.get(status, Failed)
        reason = f"{status}{': ' + text if text else ''}"
        return kind(f"The local API of {self._name} refuses {what} ({reason}).", _HINTS.get(status, "Try again."))


class _Answer:
    """One answer that is read in pieces; errors of HTTP become sentences, also while it is read."""

    def __init__(self, api: LocalApi, request: httpx.Request) -> None:
        self._api, self._request = api, request
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> httpx.Response:
        try:
            async with asyncio.timeout(COMPLETE):
                self._response = await self._api._client.send(self._request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._api.explained(error) from None
        return self._response

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._response is not None:
            await self._response.aclose()
        if isinstance(error, httpx.HTTPError):
            raise self._api.explained(error) from None


async def _pieces(response: httpx.Response) -> Any:
    async for piece in response.aiter_raw():
        yield piece


async def _begin(response: httpx.Response, most: int = 4096) -> bytes:
    data = b""
    async for piece in _pieces(response):
        data += piece
        if len(data) >= most:
            break
    return data[:most]


def _created(path: Path) -> Any:
    """Return a new file of the user alone. Raises `FileExistsError`."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


async def certificate(host: str, port: int, within: float = WITHIN) -> bytes:
    """Return the certificate (DER) that is shown at an address; nothing is sent. Raises `Unreachable`, `TimedOut`."""
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port, ssl=asking_nothing(), server_hostname="")
            shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
            der = shown.getpeercert(binary_form=True)
            writer.close()
    except TimeoutError:
        raise TimedOut(f"{host}:{port} does not answer within {within:.0f} s.", "Check the link.") from None
    except ssl.SSLError:
        raise Unreachable(f"What listens at {host}:{port} does not speak TLS.", "Check the port.", "NoTLS") from None
    except OSError as error:
        reason = clean(str(error.strerror or error).lower(), 200)
        raise Unreachable(f"{host}:{port} is not reached: {reason}.", "Check the address and the port.") from None
    if not der:
        raise Unreachable(f"{host}:{port} shows no certificate.", "Check the port.", "NoTLS")
    return der


async def through(connection: Any, name: str, port: int = PORT) -> tuple[LocalApi, bytes]:
    """Return the API of a host that is open by SSH, and its certificate, read through the same connection and pinned.

    The connection proves the host: what listens on its own port is the host's. Raises `EdgewrightError`.
    """
    forward = Forward(lambda: connection.open_stream("127.0.0.1", port))
    local = await forward.start()
    try:
        pin = await certificate("127.0.0.1", local)
    except EdgewrightError as error:
        await forward.aclose()
        raise forward.error or _renamed(error, local, name, port) from None
    except BaseException:
        await forward.aclose()
        raise
    return LocalApi(name, "127.0.0.1", local, pin, forward=forward), pin


def _renamed(error: EdgewrightError, local: int, name: str, port: int) -> EdgewrightError:
    """Return an error with the host's port in place of the local one."""
    message = error.message.replace(f"127.0.0.1:{local}", f"port {port} of {name}")
    return type(error)(message, error.hint, error.code)
