"""What a hub listens on and which names its certificate is for, stored in its data directory.

`hub serve` uses it where its command line does not set it; `hub configure` changes it. The CA never changes here, so
hosts and consoles that trust it need nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from edgewright.core import times
from edgewright.core.errors import Failed, InvalidInput, NotFound, UsageError
from edgewright.hub.process.files import DATABASE, DataLock, lock_holder, write_atomically
from edgewright.hub.process.names import check_name

FILE = "configuration.json"
DEFAULT_LISTEN = "127.0.0.1:8443"
DEFAULT_PORT = 8443
_LARGEST = 65_536


class Configuration(NamedTuple):
    """`listen` is HOST:PORT, "" for the default; `names` are those of the certificate, the one that hosts use first."""

    listen: str = ""
    names: tuple[str, ...] = ()


class Configured(NamedTuple):
    """What `configure` did: the configuration, the address for hosts, and what became of the certificate.

    `certificate` is `issued`, `unchanged`, or `at the next start` when a hub runs as process `pid`.
    """

    stored: Configuration
    url: str
    certificate: str
    ca_fingerprint: str
    pid: int | None


def read(data: Path) -> Configuration:
    """Return what is stored; empty values when nothing is. Raises `Failed` for a file that cannot be read."""
    path = data / FILE
    try:
        with path.open("rb") as file:
            document: Any = msgspec.json.decode(file.read(_LARGEST))
        listen, names = document.get("listen", ""), document.get("names", [])
        if not isinstance(listen, str) or not all(isinstance(name, str) for name in names):
            raise ValueError("a value has the wrong type")
    except (FileNotFoundError, NotADirectoryError):
        return Configuration()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not the file that `hub configure` writes"
        raise Failed(
            f"{path} cannot be read: {why}.",
            "Delete it and set the address again: edgewright hub configure --data DIR --address NAME_OR_IP",
            code="Configuration",
        ) from None
    return Configuration(listen, tuple(names))


def write(data: Path, stored: Configuration) -> None:
    """Store the configuration. Raises `Failed` when the disk does not take it."""
    write_atomically(data / FILE, msgspec.json.encode({"listen": stored.listen, "names": list(stored.names)}) + b"\n")


def split_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Return host and port of `NAME`, `NAME:PORT`, `[IPV6]:PORT` or `https://NAME:PORT`.

    Raises `InvalidInput`.
    """
    rest = text.strip().removeprefix("https://").rstrip("/")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    check_name(host, "The address")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidInput(f"{text!r} has no valid port.", "Write NAME:PORT with a port between 1 and 65535.")
    return host, int(port or default_port)


def listen_for(host: str, port: int) -> str:
    """Return where a hub listens that hosts reach by `host`.

    That is the address itself where this machine has it, else all of its addresses: `host` is then a name, or an
    address that a router translates.
    """
    version = 0
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return f"0.0.0.0:{port}"
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return f"[::]:{port}" if version == 6 else f"0.0.0.0:{port}"
    return f"[{host}]:{port}" if version == 6 else f"{host}:{port}"


def for_address(text: str, more: tuple[str, ...] = (), default_port: int = DEFAULT_PORT) -> Configuration:
    """Return the configuration of a hub that hosts reach by the address `text`. Raises `InvalidInput`."""
    host, port = split_address(text, default_port)
    return Configuration(listen_for(host, port), tuple(dict.fromkeys((host, *more))))


def url_of(stored: Configuration) -> str:
    """Return the address by which hosts reach a hub that is configured so."""
    host, _, port = (stored.listen or DEFAULT_LISTEN).rpartition(":")
    name = stored.names[0] if stored.names else host.strip("[]")
    return f"https://{f'[{name}]' if ':' in name else name}:{port}"


def check_directory(data: Path) -> None:
    """Raise `NotFound` when `data` is not the directory of a hub."""
    if not data.is_dir() or not {path.name for path in data.iterdir()} & {"hub.lock", DATABASE}:
        raise NotFound(
            f"{data} is not the data directory of a hub.",
            "Start one: edgewright hub serve --data DIR, or name the directory of yours with --data.",
        )


def configure(data: Path, new: Configuration) -> Configured:
    """Store a configuration and issue the server certificate for its names; the CA stays.

    While a hub runs on `data` its certificate is left to its next start. Raises `NotFound` when `data` is not the
    directory of a hub, `Failed` when its CA is damaged or not valid now, `Conflict` when a hub starts meanwhile.
    """
    from edgewright.hub.security import pki

    check_directory(data)

    holder = lock_holder(data)
    if holder is not None:
        write(data, new)
        return Configured(new, url_of(new), "at the next start", pki.ca_fingerprint(data), holder)
    lock = DataLock(data)
    try:
        issued = _issue(data, new)
        write(data, new)
    finally:
        lock.release()
    return Configured(new, url_of(new), "issued" if issued else "unchanged", pki.ca_fingerprint(data), None)


def _issue(data: Path, new: Configuration) -> bool:
    from edgewright.hub.process.clock import AWAY, read_seen
    from edgewright.hub.process.options import ServeOptions
    from edgewright.hub.security import pki

    options = ServeOptions(data, listen=new.listen or DEFAULT_LISTEN, advertise=new.names)
    options.check()
    seen = read_seen(data)
    also_at = seen.at if seen.at is not None and abs(seen.at - times.now()) > AWAY else None
    return pki.ensure_certificates(data, options.names, also_at, seen.at, first_start=False)


def database(url: str | None, file: Path | None) -> str | None:
    """Return the URL of `--db`, or the first line of `--db-file`. Raises `UsageError`, `NotFound`."""
    if file is None:
        return url
    if url is not None:
        raise UsageError("--db and --db-file both name a database.", "Give one of them.")
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.readline(4096).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise NotFound(f"The file {file} of --db-file cannot be read: {reason}.", "Check its path and mode.") from None
    if not text:
        raise UsageError(f"The file {file} of --db-file is empty.", "Write the URL of the database into it.")
    return text
