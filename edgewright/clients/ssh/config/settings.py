"""What a configuration means for one host: the values of its keywords, the first of each."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

DEFAULT_IDENTITIES = (
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
)
DEFAULT_USER_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
DEFAULT_GLOBAL_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_TIME = re.compile(r"(?:\d{1,9}[sSmMhHdDwW]?)+\Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


class Machine(NamedTuple):
    """What a configuration is read with: home folder, user and host name of this machine, environment variables."""

    home: Path
    user: str
    host: str
    uid: int
    environment: Mapping[str, str]


def this_machine() -> Machine:
    """Return that of this process."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = os.environ.get("USER", str(uid))
    return Machine(Path.home(), user, socket.gethostname(), uid, os.environ)


@dataclass
class Values:
    """The values while files are read; None: no line set it yet. Paths and commands have their tokens still."""

    hostname: str | None = None
    user: str | None = None
    port: int | None = None
    host_key_alias: str | None = None
    proxy_command: str | None = None
    proxy_jump: str | None = None
    identity_agent: str | None = None
    identities_only: bool | None = None
    strict: str | None = None
    hash_known_hosts: bool | None = None
    address_family: str | None = None
    bind_address: str | None = None
    compression: bool | None = None
    batch_mode: bool | None = None
    tcp_alive: bool | None = None
    alive_interval: int | None = None
    alive_count: int | None = None
    connect_timeout: int | None = None
    password_prompts: int | None = None
    public_key: bool | None = None
    password: bool | None = None
    interactive: bool | None = None
    preferred: str | None = None
    revoked_keys: str | None = None
    user_files: tuple[str, ...] | None = None
    global_files: tuple[str, ...] | None = None
    identities: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)


def yes_no(text: str) -> bool:
    """Return a flag. Raises `ValueError` with the end of a sentence."""
    try:
        return _YES_NO[text.lower()]
    except KeyError:
        raise ValueError("is neither yes nor no") from None


def seconds(text: str) -> int:
    """Return a time such as `90`, `1m30` or `2h` in seconds. Raises `ValueError` with the end of a sentence."""
    if not _TIME.match(text):
        raise ValueError("is not a time")
    total = sum(
        int(digits) * _UNITS[(unit or "s").lower()] for digits, unit in re.findall(r"(\d+)([sSmMhHdDwW]?)", text)
    )
    if total > 2**31 - 1:
        raise ValueError("is too long")
    return total


def timeout(text: str) -> int | None:
    """Return a time; `none` sets nothing, so that a later line does (as in OpenSSH)."""
    return None if text.lower() == "none" else seconds(text)


def number(text: str) -> int:
    """Return a number, not below 0. Raises `ValueError` with the end of a sentence."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError("is not a number")
    return int(text)


def port(text: str) -> int:
    """Return a port. Raises `ValueError` with the end of a sentence."""
    value = number(text)
    if not 1 <= value <= 65535:
        raise ValueError("is not a valid port")
    return value


def strictness(text: str) -> str:
    """Return `yes`, `no`, `ask` or `accept-new`. Raises `ValueError` with the end of a sentence."""
    word = {"true": "yes", "false": "no", "off": "no"}.get(text.lower(), text.lower())
    if word not in ("yes", "no", "ask", "accept-new"):
        raise ValueError("is not one of yes, no, ask, accept-new")
    return word


def public_key(text: str) -> bool:
    """Return whether public keys may be used; newer values name only the way."""
    return True if text.lower() in ("unbound", "host-bound") else yes_no(text)


def family(text: str) -> str:
    """Return `any`, `inet` or `inet6`. Raises `ValueError` with the end of a sentence."""
    if text.lower() not in ("any", "inet", "inet6"):
        raise ValueError("is not one of any, inet, inet6")
    return text.lower()


KEYWORDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "hostname": ("hostname", str),
    "user": ("user", str),
    "port": ("port", port),
    "hostkeyalias": ("host_key_alias", str),
    "identityagent": ("identity_agent", str),
    "identitiesonly": ("identities_only", yes_no),
    "stricthostkeychecking": ("strict", strictness),
    "hashknownhosts": ("hash_known_hosts", yes_no),
    "addressfamily": ("address_family", family),
    "bindaddress": ("bind_address", str),
    "compression": ("compression", yes_no),
    "batchmode": ("batch_mode", yes_no),
    "tcpkeepalive": ("tcp_alive", yes_no),
    "serveraliveinterval": ("alive_interval", timeout),
    "serveralivecountmax": ("alive_count", number),
    "connecttimeout": ("connect_timeout", timeout),
    "numberofpasswordprompts": ("password_prompts", number),
    "pubkeyauthentication": ("public_key", public_key),
    "passwordauthentication": ("password", yes_no),
    "kbdinteractiveauthentication": ("interactive", yes_no),
    "challengeresponseauthentication": ("interactive", yes_no),
    "preferredauthentications": ("preferred", str),
    "revokedhostkeys": ("revoked_keys", str),
}
"""Keywords with one value: the attribute of `Values`, and what reads it. Keywords that are not here are passed over."""
