"""Time servers and proxies of a user-data, asked: SNTP over UDP, and CONNECT over TCP."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket
import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from edgewright.core import times
from edgewright.core.cloudconfig.findings import Finding, error, note, unknown, warning
from edgewright.core.cloudconfig.look import at, is_host, shown, texts
from edgewright.core.cloudconfig.network.network import proxy_problem
from edgewright.core.cloudconfig.schema.model import is_template

NTP_PORT = 123
MOST_APART = 60.0
"""Seconds between a time server's clock and this machine's from which on it is reported."""
_SINCE_1900 = 2_208_988_800


def time_servers(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (path, host) of each time server that can be asked."""
    value = at(document, "stylus", "site", "ntpServers")
    return [
        (f"stylus.site.ntpServers{where}", word)
        for where, word in texts(value)
        if is_host(word) and not is_template(word)
    ]


async def check_time(path: str, server: str, seconds: float, port: int = NTP_PORT) -> list[Finding]:
    """Return whether a time server answers, and how far its clock is from the one here."""
    name = shown(server)
    try:
        offset = await asyncio.wait_for(_offset(server, port), seconds)
    except socket.gaierror:
        hint = "Look at the spelling; a name of the site's own network is not known here."
        return [unknown(path, f"The time server {name} has no address here.", hint, "NoAddress")]
    except (TimeoutError, OSError):
        message = f"Whether the time server {name} answers is not known: none came within {seconds:g} s."
        return [unknown(path, message, "UDP to port 123 may be closed from here and open at the site.", "NoAnswer")]
    if offset is None:
        message = f"The time server {name} answers, but has no time itself."
        return [warning(path, message, "Its own source is lost; name a second one.", "Unsynchronised")]
    if abs(offset) > MOST_APART:
        side = "ahead of" if offset > 0 else "behind"
        message = f"The clock of {name} is {times.duration(abs(offset))} {side} this machine's."
        return [warning(path, message, "One of both is wrong: certificates and tokens depend on it.", "ClocksDiffer")]
    return [note(path, f"The time server {name} answers.", code="Fine")]


class _Once(asyncio.DatagramProtocol):
    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.sendto(self.sent)  # type: ignore[attr-defined]

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) >= 48 and data[24:32] == self.sent[40:48] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _offset(server: str, port: int) -> float | None:
    """Return the server's clock minus ours in seconds; None when it reports itself that it has no time."""
    loop = asyncio.get_running_loop()
    mark = os.urandom(8)  # comes back as the originate time: no other sender can answer for the server
    sent = bytes([0x23]) + bytes(39) + mark
    transport, once = await loop.create_datagram_endpoint(lambda: _Once(sent), remote_addr=(server.strip("[]"), port))
    try:
        data = await once.answer
    finally:
        transport.close()
    leap, stratum = data[0] >> 6, data[1]
    if leap == 3 or not 0 < stratum < 16:
        return None
    complete, part = struct.unpack("!II", data[40:48])
    return float(complete - _SINCE_1900 + part / 2**32 - times.now())


async def check_proxy(path: str, proxy: str, endpoint: str, seconds: float) -> list[Finding]:
    """Return whether a proxy can be reached, and lets through to the plane (when there is one)."""
    if proxy_problem(proxy):
        return []
    parts = urlsplit(proxy)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    peer = shown(f"{parts.hostname}:{port}")
    target = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    host = f"{target.hostname}:{target.port or 443}" if target.hostname else ""
    try:
        status = await asyncio.wait_for(_connect(parts.hostname or "", port, parts, host), seconds)
    except (OSError, TimeoutError, ValueError) as wrong:
        message = f"Whether the proxy {peer} works is not known: {error_text(wrong)}."
        return [unknown(path, message, "The host must reach it from its site.", "NoAnswer")]
    if status == 407:
        message = f"The proxy {peer} wants a login, and does not take the one given."
        return [error(path, message, "Write http://USER:PASSWORD@HOST:PORT.", "ProxyLogin")]
    if host and status and not 200 <= status < 300:
        message = f"The proxy {peer} does not let through to {shown(host)}: it answers {status}."
        return [warning(path, message, "Ask for the plane's address to be allowed.", "ProxyRefuses")]
    through = f" and lets through to {shown(host)}" if host and status else ""
    return [note(path, f"The proxy {peer} answers{through}.", code="Fine")]


def error_text(wrong: BaseException) -> str:
    """Return the text of a failure, as the end of a sentence without its full stop."""
    parts = re.sub(r"^\[Errno -?[0-9]+\] ", "", str(wrong)) or "no answer"
    return shown(parts[:1].lower() + parts[1:], 120).rstrip(".")


async def _connect(hostname: str, port: int, parts: Any, target: str) -> int:
    """Return the status of a CONNECT to `target`; 0 when it was only connected to."""
    reader, writer = await asyncio.open_connection(hostname, port, ssl=True if parts.scheme == "https" else None)
    try:
        if not target:
            return 0
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append("Proxy-Authorization: Basic " + base64.b64encode(login.encode()).decode())
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await writer.drain()
        terms = (await reader.readline()).split()
        if len(terms) < 2 or not terms[0].startswith(b"HTTP/") or not terms[1].isdigit():
            raise ValueError("what listens there is no proxy")
        return int(terms[1][:3])
    finally:
        writer.close()
