"""Connections to a cluster's API: a TCP connection of this machine, or one through a member by SSH.

The program `ssh` is used, so the user's own configuration, agent, known host keys and jump hosts count. It asks
nothing: a host that wants a password or is not known is reported, and another way is taken.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import shutil
import socket
import ssl
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

PORT = 6443
SERVER_NAME = "kubernetes"
"""In the certificate of every API server that kubeadm made: a local port never needs TLS without verification."""
CHUNK = 32_768
DIRECT_WITHIN = 3.0
"""Seconds for the direct route to answer; else the relay is used."""
SSH_WITHIN = 10.0
"""Seconds for SSH to a member and its API to answer."""
_TARGET = re.compile(r"((?:[\w.][\w.-]*@)?(?:[\w.][\w.-]*|\[[0-9a-fA-F:.]+\]))(?::(\d{1,5}))?", re.ASCII)
LOOK_WITHIN = 5.0
"""Seconds for `ssh` to show its configuration, which may run programs of the user (`Match exec`)."""
_NAMES = 10
"""Members that are looked for in the SSH configuration."""


class Way(Protocol):
    """An open connection to the API, whichever way it took."""

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises `OSError`."""

    def close(self) -> None:
        """End it."""


class Measured(NamedTuple):
    """Whether a way works: `yes`, `no` or `unknown`, the seconds that it took, and why not."""

    state: str
    seconds: float
    error: str = ""


class Direct:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises `OSError`."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """End it."""
        self._writer.close()


class Ssh(Direct):
    """A connection to the API of a member, at 127.0.0.1 there, by the program `ssh`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, process: asyncio.subprocess.Process
    ) -> None:
        super().__init__(reader, writer)
        self._process = process

    def close(self) -> None:
        """End it, and the program."""
        super().close()
        _end(self._process)


async def measure_direct(endpoint: str, port: int, context: ssl.SSLContext) -> Measured:
    """Measure the direct route: TLS to the endpoint, as far as `context` asks for a certificate."""
    began = asyncio.get_running_loop().time()
    name = SERVER_NAME if context.check_hostname else ""
    try:
        async with asyncio.timeout(DIRECT_WITHIN):
            _, writer = await asyncio.open_connection(endpoint, port, ssl=context, server_hostname=name)
            writer.close()
    except TimeoutError:
        return Measured("no", DIRECT_WITHIN, f"{endpoint}:{port} does not answer within {DIRECT_WITHIN:.0f} s")
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        return Measured("no", asyncio.get_running_loop().time() - began, reason[:200])
    return Measured("yes", asyncio.get_running_loop().time() - began)


def trusting(data: str) -> ssl.SSLContext:
    """Return a TLS context that trusts these CA certificates alone, base64 of PEM as in a kubeconfig."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(ValueError, ssl.SSLError):  # then nothing is trusted, and the relay is used
        context.load_verify_locations(cadata=base64.b64decode(data).decode())
    return context


def ssh_command(target: str) -> list[str]:
    """Return the command line that connects to the API of `[USER@]HOST[:PORT]`, or of a host of the SSH configuration.

    Raises `InvalidInput` for another text: nothing that begins with a dash reaches the program.
    """
    matched = _TARGET.fullmatch(target)
    if matched is None:
        raise InvalidInput(f"{clean(target, 80)} is not an SSH target.", "Give USER@HOST, with :PORT unless it is 22.")
    host, port = matched[1].replace("[", "").replace("]", ""), matched[2]
    options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={SSH_WITHIN / 2:.0f}", "-o", "ServerAliveInterval=15"]
    return ["ssh", *options, *(["-p", port] if port else []), "-W", f"127.0.0.1:{PORT}", "--", host]


async def open_ssh(target: str, context: ssl.SSLContext | None = None) -> Ssh:
    """Begin a connection by SSH; with `context` it returns when TLS is up. Raises `InvalidInput`, `OSError`."""
    command = ssh_command(target)
    near, far = socket.socketpair()
    with far:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=far.fileno(), stdout=far.fileno(), stderr=asyncio.subprocess.PIPE
        )
    name = None if context is None else SERVER_NAME
    try:
        reader, writer = await asyncio.open_connection(sock=near, ssl=context, server_hostname=name, limit=CHUNK * 2)
    except OSError as error:
        reason = await _why(process) or str(error.strerror or error).lower()
        _end(process)
        raise ConnectionError(reason) from None
    except BaseException:
        _end(process)
        raise
    return Ssh(reader, writer, process)


async def configured(names: Sequence[str]) -> str:
    """Return the first of these hosts that the user's SSH configuration has an address or a jump host for; else ""."""
    if shutil.which("ssh") is None:
        return ""
    known = await asyncio.gather(*(_is_configured(name) for name in names[:_NAMES]))
    return next((name for name, is_known in zip(names, known, strict=False) if is_known), "")


async def _is_configured(name: str) -> bool:
    if _TARGET.fullmatch(name) is None:
        return False
    process = await asyncio.create_subprocess_exec(
        "ssh", "-G", "--", name, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LOOK_WITHIN):
            output, _ = await process.communicate()
    except TimeoutError:
        return False
    finally:
        _end(process)
    settings = dict(line.split(" ", 1) for line in output.decode("utf-8", "replace").splitlines() if " " in line)
    jumps = any(settings.get(key, "none") != "none" for key in ("proxyjump", "proxycommand"))
    return process.returncode == 0 and (settings.get("hostname", name).lower() != name.lower() or jumps)


async def _why(process: asyncio.subprocess.Process) -> str:
    """Return the last line that `ssh` printed, which is why it ended."""
    assert process.stderr is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            lines = (await process.stderr.read(CHUNK)).decode("utf-8", "replace").splitlines()
            return clean(next((line for line in reversed(lines) if line.strip()), ""), 200).lower()
    return ""


def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
