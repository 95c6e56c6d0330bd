"""The keys that a user may show: files, encrypted ones too, the keys of an agent, and certificates for both."""

from __future__ import annotations

import base64
import contextlib
import copy
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import paramiko

from edgewright.clients.ssh.auth.agent import Agent, AgentError, AgentKey
from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.hostkeys.certificates import read_certificate, time_problem
from edgewright.clients.ssh.hostkeys.keys import HostKey, key_of_blob, key_of_text
from edgewright.core.text import clean

MAX_FILE = 65_536
"""Bytes of a key file; an RSA key of 16384 bits has 13,000."""
_MAGIC = b"openssh-key-v1\0"
TRIES = 3
"""How often a passphrase is asked for."""


class Identity(NamedTuple):
    """A key that can sign. `name` shows which: its type, and its file or comment; `touch`: the operator confirms.

    `out_of_date`: why its certificate is not valid by the clock of this machine, as the end of a sentence.
    """

    key: paramiko.PKey
    name: str
    touch: bool = False
    out_of_date: str = ""


class Locked(NamedTuple):
    """An encrypted key file. `public`: its public key, where it alone decides whether the host wants it."""

    path: str
    public: HostKey | None = None


class Identities:
    """What is tried, in the order of OpenSSH: keys of the agent that a file names, files, then the rest of the agent.

    Its methods block: they belong into a thread. `waiting`: see `Agent`. `notes` has a sentence for each key that is
    left out.
    """

    def __init__(
        self, settings: HostSettings, waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> None:
        self._settings, self._waiting = settings, waiting
        self._agent: Agent | None = None
        self._certificates = [c for c in map(self._certificate, settings.certificates) if c is not None]
        self.notes: list[str] = []

    def close(self) -> None:
        """End the connection to the agent."""
        if self._agent is not None:
            self._agent.close()

    def each(self) -> Iterator[Identity | Locked]:
        """Yield keys that can sign; encrypted files last, so that no question is asked that is not needed.

        Certificates out of date come after what is valid, since a server takes a few tries only, and are notes: beside
        a renewed one an old one often stays. This machine's clock may be wrong, so they are tried.
        """
        late: list[Identity] = []
        for identity in self._each():
            if isinstance(identity, Identity) and identity.out_of_date:
                late.append(identity)
                self.notes.append(f"The {identity.name} {identity.out_of_date}.")
                continue
            if isinstance(identity, Locked):
                yield from late
                late.clear()
            yield identity
        yield from late

    def _each(self) -> Iterator[Identity | Locked]:
        available = self._agent_keys()
        named: list[AgentKey] = []
        files: list[str] = []
        for path in self._settings.identities:
            public = _public_of(path)
            key = next((k for k in available if public is not None and k.key.blob == public.blob), None)
            if key is None:
                files.append(path)
            elif key not in named:
                named.append(key)
        for key in named:
            yield from self._of_agent(key)
        locked: list[Locked] = []
        for path in files:
            loaded = self.load(path, None)
            if isinstance(loaded, Locked):
                locked.append(loaded)
            elif loaded is not None:
                yield from self._with_certificates(loaded, path)
        if not self._settings.identities_only:
            for key in available:
                if key not in named:
                    yield from self._of_agent(key)
        yield from (each._replace(public=self._decides(each.path)) for each in locked)

    def _decides(self, path: str) -> HostKey | None:
        """Return the public key of an encrypted file, None where a certificate may be shown in its place."""
        certified = self._certificates or Path(f"{path}-cert.pub").exists()
        return None if certified else _read_public(f"{path}.pub") or _public_in_private(path)

    def unlocked(self, path: str, passphrase: str) -> Iterator[Identity]:
        """Yield what a file has, nothing where the passphrase is wrong."""
        loaded = self.load(path, passphrase)
        if isinstance(loaded, paramiko.PKey):
            yield from self._with_certificates(loaded, path)

    def load(self, path: str, passphrase: str | None) -> paramiko.PKey | Locked | None:
        """Return the key of a file, `Locked` where it needs another passphrase, None for one that is not there."""
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError:
            if self._settings.identities_given:
                self.notes.append(f"There is no key {clean(path, 200)}.")
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
            self.notes.append(f"{clean(path, 200)} is not a key.")
            return None
        if _is_unusable(f"{path}-cert.pub"):
            self.notes.append(f"{clean(path, 200)}-cert.pub is not a certificate.")
            return None
        if status.st_uid == os.getuid() and status.st_mode & 0o077:
            self.notes.append(f"Others may read the key {clean(path, 200)}, so it is not used: chmod 600 it.")
            return None
        try:
            return paramiko.PKey.from_path(path, passphrase.encode() if passphrase else None)  # type: ignore[arg-type]
        except (TypeError, paramiko.PasswordRequiredException):
            return Locked(path)
        except paramiko.pkey.UnknownKeyType:
            self.notes.append(f"The type of the key {clean(path, 200)} is not supported; an agent may have it.")
        except Exception:  # what a file contains has many ways to be no key
            if passphrase is not None:
                return Locked(path)
            self.notes.append(f"{clean(path, 200)} is not a private key.")
        return None

    def _agent_keys(self) -> list[AgentKey]:
        if not self._settings.identity_agent:
            return []
        try:
            self._agent = Agent(self._settings.identity_agent, self._waiting)
            return self._agent.keys()
        except AgentError as error:
            self.notes.append(f"No keys of an agent: {error}.")
            return []

    def _of_agent(self, key: AgentKey) -> Iterator[Identity]:
        name = f"{key.get_name()} {key.comment} (agent)"
        touch = key.get_name().startswith("sk-")
        keys = [key.with_certificate(each) for each in self._certificates if _subject(each) == key.key.blob]
        for each in (*keys, key):
            yield _identity(each, name, touch)

    def _with_certificates(self, key: paramiko.PKey, path: str) -> Iterator[Identity]:
        name = f"{key.get_name()} {clean(path, 200)}"
        if key.public_blob is not None:  # from_path took the certificate beside the file
            yield _identity(key, name)
        for certificate in self._certificates:
            if _subject(certificate) == key.asbytes():
                certified = copy.copy(key)
                certified.public_blob = paramiko.pkey.PublicBlob(certificate.kind, certificate.blob)
                yield _identity(certified, name)
        plain = copy.copy(key)
        plain.public_blob = None
        yield _identity(plain, name)

    def _certificate(self, path: str) -> HostKey | None:
        return _read_public(path)


def _identity(key: paramiko.PKey, name: str, touch: bool = False) -> Identity:
    """Return what is tried with a key, which may have a certificate."""
    shown = key.public_blob
    if shown is None:
        return Identity(key, name, touch)
    try:
        problem = time_problem(read_certificate(HostKey(shown.key_type, shown.key_blob)), time.time())
    except ValueError:  # of a type that is not read here: security keys
        problem = ""
    return Identity(key, f"certificate for {name}", touch, problem)


def _public_in_private(path: str) -> HostKey | None:
    """Return the public key that OpenSSH's format has before the encrypted part (PROTOCOL.key)."""
    try:
        lines = [line for line in Path(path).read_text("ascii").splitlines() if not line.startswith("-")]
        data = base64.b64decode("".join(lines), validate=True)
        if not data.startswith(_MAGIC):
            return None
        message = paramiko.Message(data[len(_MAGIC) :])
        for _ in range(3):  # cipher, key derivation and its options
            message.get_binary()
        message.get_int()
        return key_of_blob(message.get_binary())
    except (OSError, ValueError):
        return None


def _is_unusable(path: str) -> bool:
    """Return whether something that cannot be a certificate is where paramiko reads one."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE


def _public_of(path: str) -> HostKey | None:
    """Return the public key beside a private one, or in the file itself, where the agent has the private part."""
    return _read_public(f"{path}.pub") or _read_public(path)


def _read_public(path: str) -> HostKey | None:
    try:
        place = Path(path)
        if not place.is_file() or place.stat().st_size > MAX_FILE:
            return None
        fields = place.read_text("utf-8").split(None, 2)
        return key_of_text(fields[0], fields[1]) if len(fields) > 1 else None
    except (OSError, ValueError):
        return None


def _subject(certificate: HostKey) -> bytes:
    """Return the bytes of the plain key in a certificate, b"" where its type is not known."""
    counts = {"ssh-ed25519": 1, "ssh-rsa": 2, "sk-ssh-ed25519@openssh.com": 2, "sk-ecdsa-sha2-nistp256@openssh.com": 3}
    kind = certificate.kind.removesuffix("-cert-v01@openssh.com")
    kind = {
        "sk-ssh-ed25519": "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256": "sk-ecdsa-sha2-nistp256@openssh.com",
    }.get(kind, kind)
    count = 2 if kind.startswith("ecdsa-sha2-") else counts.get(kind, 0)
    message = paramiko.Message(certificate.blob)
    fields: Sequence[bytes] = [message.get_binary() for _ in range(2 + count)]  # type, nonce, then those of the key
    parts = [kind.encode(), *fields[2:]]
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return key_of_blob(blob).blob if count else b""
