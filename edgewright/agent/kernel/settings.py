"""Settings of the agent: flags first, then the user-data that the installer carried, then defaults.

Read again before each registration, so that a new token or a corrected file needs no restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from typing import List, NamedTuple, Optional, Tuple

from edgewright.agent.kernel import programs
from edgewright.agent.kernel.expressions import bounded_search
from edgewright.agent.kernel.state import read_secret
from edgewright.agent.relay.notice import SOCKET
from edgewright.core.cloudconfig.userdata import Site, read_site
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput
from edgewright.core.hosts.identity import Identity, derive_uid, read_tags

USER_DATA = ("/oem/userdata", "/run/stylus/userdata", "/etc/edgewright/user-data")
"""Where user-data is looked for when no file is named; the first one that is there counts."""
DATA = "/var/lib/edgewright"
MAX_USER_DATA = 1 << 20
"""Bytes of a user-data file that are read at most."""
MAX_TAG_OUTPUT = 1 << 16


_CERTIFICATE = re.compile(r"-----BEGINCERTIFICATE-----([A-Za-z0-9+/=]+)-----ENDCERTIFICATE-----")


class Flags(NamedTuple):
    """The words of the command line, as given; empty texts where not given."""

    endpoint: str = ""
    token_file: str = ""
    pairing_key_file: str = ""
    ca: str = ""
    data: str = DATA
    user_data: str = ""
    observe: bool = False
    interval: float = 0.0
    """Seconds between heartbeats; 0 leaves it to the plane."""
    metered: bool = False
    """Bytes cost money on this link: no idle connection, a heartbeat every 15 minutes."""
    budget: int = 0
    """Megabytes a month that the link may cost; 0 means no limit."""
    silence: float = 0.0
    """Seconds without a heartbeat after which the plane takes the host for unhealthy; 0 leaves it to the plane."""
    root: str = "/"
    console: Optional[str] = None
    """Where an operator at the machine reads; `None` is /dev/console under systemd."""
    debug: bool = False
    relay: str = SOCKET
    """Where the relay takes requests for streams."""
    run: str = ""
    """Folder of the reconciler's reports where systemd has its units; empty where it is a child of the link."""


class Settings(NamedTuple):
    """Flags and user-data as one."""

    flags: Flags
    site: Site
    source: str
    """The user-data file that was read; empty when there is none."""
    problems: Tuple[str, ...]

    @property
    def endpoint(self) -> str:
        """Return the URL of the plane. Raises `InvalidInput` when it is not given."""
        endpoint = self.flags.endpoint or self.site.endpoint
        if not endpoint:
            where = self.source or "the user-data"
            raise InvalidInput(
                "No endpoint is known.", f"Give --endpoint, or set stylus.site.paletteEndpoint in {where}."
            )
        return endpoint

    @property
    def endpoints(self) -> Tuple[str, ...]:
        """Return the addresses of the plane, at least one. Raises `InvalidInput` when none is given."""
        return tuple(part.strip() for part in self.endpoint.split(",") if part.strip()) or (self.endpoint,)

    def plane_identity(self) -> str:
        """Return what two addresses of one plane have in common: the CA certificates that are given for it.

        Empty when the system's own store is trusted, which shows nothing about whose plane it is. Raises `Failed`.
        """
        texts = [_read_ca(self.flags.ca)] if self.flags.ca else self.ca_pems()
        bodies = sorted({body for text in texts for body in _CERTIFICATE.findall("".join(text.split()))})
        return "ca:" + hashlib.sha256("\n".join(bodies).encode()).hexdigest()[:32] if bodies else ""

    def token(self) -> str:
        """Return the registration token, read again; empty when there is none. Raises `Failed`."""
        if self.flags.token_file:
            return read_secret(self.flags.token_file, "registration token")
        return self.site.token

    def pairing_key(self) -> str:
        """Return the pairing key, read again; empty when there is none. Raises `Failed`."""
        return read_secret(self.flags.pairing_key_file, "pairing key") if self.flags.pairing_key_file else ""

    def ca_pems(self) -> List[str]:
        """Return the CA certificates of the user-data as PEM; a flag `--ca` replaces them. Raises `Failed`."""
        return [] if self.flags.ca else [_pem(text) for text in self.site.ca_certs]

    @property
    def project(self) -> str:
        """Return how sentences name the project; empty when none is asked for."""
        return self.site.project_uid or self.site.project_name


def _read_ca(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(MAX_USER_DATA)
    except OSError:
        return ""  # the connection reports what is wrong with it


def load_settings(flags: Flags) -> Settings:
    """Read the user-data and merge it with the flags. Raises `EdgewrightError` for a named file that cannot be read."""
    if flags.user_data:
        return _from_file(flags, flags.user_data)
    for path in USER_DATA:
        below = os.path.join(flags.root, path.lstrip("/"))
        if os.path.isfile(below):
            try:
                return _from_file(flags, below)
            except EdgewrightError as error:
                return Settings(flags, Site({}), below, (f"{error.message} It is not used.",))
    return Settings(flags, Site({}), "", ())


def _from_file(flags: Flags, path: str) -> Settings:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_USER_DATA + 1)
    except UnicodeDecodeError:
        raise InvalidInput(f"The user-data {path} is not text.", "It must be a #cloud-config file in UTF-8.") from None
    except OSError as error:
        reported = (error.strerror or str(error)).lower()
        raise Failed(f"Cannot read the user-data {path}: {reported}.", "Check the path and who may read it.") from None
    if len(text) > MAX_USER_DATA:
        raise InvalidInput(f"The user-data {path} is larger than 1 MiB.", "Take what is not configuration out of it.")
    try:
        site = read_site(text)
    except EdgewrightError as error:
        raise InvalidInput(f"The user-data {path} cannot be read: {error.message}", error.hint) from None
    return Settings(flags, site, path, tuple(site.problems))


def _pem(text: str) -> str:
    if "-----BEGIN" in text:
        return text
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    if "-----BEGIN" not in decoded:
        raise Failed(
            "An entry of stylus.site.caCerts is neither a PEM block nor base64 of one.",
            "Correct the user-data.",
            "BadCaFile",
        )
    return decoded


def find_identity(settings: Settings) -> Identity:
    """Derive the UID of this host from the user-data and the machine's files (palette-features 2.2)."""
    return derive_uid(settings.site, lambda path: _read(settings, path), secrets.token_hex, bounded_search)


def find_labels(settings: Settings) -> "tuple[dict[str, str], tuple[str, ...]]":
    """Return the host's labels and warnings: map, then file, then script of the user-data."""
    tags = read_tags(settings.site, lambda path: _read(settings, path), _run_script)
    return tags.labels, tags.warnings


def _read(settings: Settings, path: str) -> str:
    with open(os.path.join(settings.flags.root, path.lstrip("/")), "rb") as file:
        return file.read(MAX_TAG_OUTPUT).decode("utf-8", "replace")


def _run_script(path: str, seconds: float) -> str:
    """Run a tag script. Raises `OSError`, or `ValueError` with what an operator should know."""
    done = programs.run([path], seconds, MAX_TAG_OUTPUT, _script_environment())
    if done.code != 0:
        raise ValueError(f"it ended with code {done.code}")
    return done.output.decode("utf-8", "replace")


def _script_environment() -> "dict[str, str]":
    path = os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return {"PATH": path, "LANG": "C.UTF-8"}
