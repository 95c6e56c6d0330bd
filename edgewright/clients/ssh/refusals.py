"""Host keys that are not accepted, connections that do not come about: as errors with one sentence and a next step."""

from __future__ import annotations

import errno
import re
import shlex
import socket

from edgewright.clients.ssh.config.resolve import HostSettings
from edgewright.clients.ssh.dial import BadBindAddress
from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.hostkeys.verdict import Verdict
from edgewright.core.errors import Refused, TimedOut, Unreachable
from edgewright.core.text import clean

PLANE = "management plane"
"""The place of keys that hosts handed over when they registered."""
HINT_COMPARE = (
    "Compare it at the host (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); then connect at a terminal and accept "
    "it."
)
_BUSY = ("MaxStartups", "Not allowed at this time")
"""What sshd writes in the place of its banner where it accepts no connection now."""
_PLACE = re.compile(r"(?P<file>.+) line \d+\Z")


def host_key_refused(host: HostSettings, verdict: Verdict) -> Refused:
    """Return the error for a key that is changed, revoked, or whose certificate is not valid."""
    shown = f"{verdict.key.kind} {verdict.key.fingerprint}"
    if verdict.status == "revoked" and verdict.others:
        authority = verdict.others[0].key
        return Refused(
            f"The authority that signed the host key of {host} is revoked ({verdict.place}): "
            f"{authority.kind} {authority.fingerprint}.",
            "Have the key of the host signed by another one; do not use this connection.",
            "HostKeyRevoked",
        )
    if verdict.status == "revoked":
        return Refused(
            f"The host key of {host} is revoked ({verdict.place}): {shown}.",
            "Give the host a new key; do not use this connection.",
            "HostKeyRevoked",
        )
    if verdict.status == "certificate":
        return Refused(
            f"The host certificate of {host} {verdict.problem}; its authority is in {verdict.place}.",
            "Sign its host key again, or correct the clock of this machine.",
            "HostCertificateInvalid",
        )
    known = ", ".join(f"{e.key.kind} {e.key.fingerprint} ({e.place})" for e in verdict.others[:3])
    place = _PLACE.match(verdict.place)
    if place:
        again = f"remove the old key: {shlex.join(['ssh-keygen', '-R', host.key_name, '-f', place['file']])}"
    else:
        again = "it hands over its new key when it registers again"
    return Refused(
        f"The host key of {host} has changed: it shows {shown}, known is {known}.",
        f"Another machine may be between you and the host. If it was installed again, {again}.",
        "HostKeyChanged",
    )


def host_key_unknown(host: HostSettings, key: HostKey, why: str = "") -> Refused:
    """Return the error for a host that is not known and was not accepted."""
    return Refused(
        f"The host key of {host} is not known{why}: {key.kind} {key.fingerprint}.", HINT_COMPARE, "HostKeyUnknown"
    )


def not_dialled(error: OSError, host: HostSettings) -> Unreachable:
    """Return the error for a name without an address, or addresses that nothing answers at."""
    where = f"{host.host}:{host.port}" if ":" not in host.host else f"[{host.host}]:{host.port}"
    if isinstance(error, BadBindAddress):
        return Unreachable(
            f"{where} cannot be dialled from BindAddress {clean(host.bind_address, 80)}: {error.strerror}.",
            "Correct BindAddress in ~/.ssh/config: it is an address of this machine.",
            "BadBindAddress",
        )
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"The name {host.host} is not known here.",
            "Check the name, this machine's DNS, or ~/.ssh/config.",
            "UnknownName",
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(
            f"Nothing listens at {where}.", "Check the port, and that the host's SSH server runs.", "ConnectionRefused"
        )
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return Unreachable(
            f"There is no way to {where} from here.", "Check the network, or use a jump host (ProxyJump).", "NoRoute"
        )
    if error.errno == errno.ETIMEDOUT:
        return Unreachable(f"Nothing answers at {where}.", "Check the address, the network and firewalls.", "NoAnswer")
    return Unreachable(
        f"The connection to {where} failed: {error.strerror or error}.", "Check the network and try again."
    )


def no_banner(host: HostSettings, sent: bytes) -> Unreachable:
    """Return the error for what ends the connection, or sends something else, in the place of an SSH banner."""
    lines = sent[:1000].decode("utf-8", "replace").splitlines()
    text = clean(lines[0].strip(), 80) if lines else ""
    if not text or any(word in text for word in _BUSY):
        return Unreachable(
            f"{host} ended the connection at once{': ' + text.rstrip('.') if text else ''}.",
            "It may accept none of this address now (MaxStartups, PerSourcePenalties): wait a minute. "
            f"Or something else than SSH listens at port {host.port}.",
            "ConnectionLost",
        )
    return Unreachable(
        f"What answers at {host.host}:{host.port} is not an SSH server; it sends: {text}",
        "Check the port (ssh usually listens at 22).",
        "NotSsh",
    )


def too_slow(host: HostSettings, seconds: float, stage: str) -> TimedOut:
    """Return the error for a connection that did not open in time; `stage` is what was waited for."""
    return TimedOut(
        f"{host} did not answer within {seconds:g} s: no {stage}.",
        "Check the address and the link, or give it longer with --timeout.",
        "NoAnswer",
    )


def lost(host: str) -> Unreachable:
    """Return the error for a connection that ended while it was used."""
    return Unreachable(
        f"The connection to {host} broke.",
        "What was done there is not known: look before you try again.",
        "ConnectionLost",
    )
