"""Whether the key that a host shows is the key of that host: what is known about it, judged in one place."""

from __future__ import annotations

from typing import Literal, NamedTuple

from edgewright.clients.ssh.hostkeys.certificates import problem_of, read_certificate
from edgewright.clients.ssh.hostkeys.keys import HostKey
from edgewright.clients.ssh.hostkeys.known_hosts import AUTHORITY, REVOKED, Entry, Known

Status = Literal["known", "authority", "unknown", "changed", "revoked", "certificate"]
"""`certificate`: a trusted authority signed it, but it is not valid for this host now."""


class Verdict(NamedTuple):
    """`key` is the plain key of the host; `place` what knows it (a line of a file, `management plane`).

    `others` are the keys that were expected instead, or the authority that is revoked; `problem` is the end of a
    sentence about its certificate.
    """

    status: Status
    key: HostKey
    place: str = ""
    others: tuple[Entry, ...] = ()
    problem: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the host may be used without a question."""
        return self.status in ("known", "authority")


def keys_of(shown: HostKey) -> tuple[HostKey, ...]:
    """Return the keys that must not be revoked: that of the host, and the authority of its certificate.

    Raises `ValueError` for a certificate that cannot be read.
    """
    if not shown.is_certificate:
        return (shown,)
    certificate = read_certificate(shown)
    return certificate.key, certificate.authority


def judge(shown: HostKey, known: Known, host: str, now: float) -> Verdict:
    """Return the verdict on what a host showed, a key or a certificate. `host`: the name without a port, or its alias.

    What files know under the name without its port counts where nothing is known with it, as in OpenSSH. Raises
    `ValueError` for a certificate that cannot be read.
    """
    verdict = _judge(shown, known, host, now)
    if verdict.status == "unknown" and known.perhaps is not None:
        other = _judge(shown, known.perhaps, host, now)
        return other if other.status not in ("unknown", "changed") else verdict
    return verdict


def _judge(shown: HostKey, known: Known, host: str, now: float) -> Verdict:
    """Return the verdict by one set of entries: a revoked key or authority is refused whatever else is known.

    A certificate of an authority that is not known counts as its plain key, as in OpenSSH.
    """
    certificate = read_certificate(shown) if shown.is_certificate else None
    key = certificate.key if certificate else shown
    signers = keys_of(shown)
    for entry in known.of(REVOKED):
        if any(entry.key.blob == signer.blob for signer in signers):
            return Verdict("revoked", key, entry.place, () if entry.key.blob == key.blob else (entry,))
    problem = place = ""
    if certificate is not None:
        authority = next((e for e in known.of(AUTHORITY) if e.key.blob == certificate.authority.blob), None)
        if authority is not None:
            problem, place = problem_of(certificate, host, now), authority.place
            if not problem:
                return Verdict("authority", key, place)
    plain = known.of("")
    match = next((entry for entry in plain if entry.key.blob == key.blob), None)
    if match is not None:
        return Verdict("known", key, match.place)
    if problem:
        return Verdict("certificate", key, place, (), problem)
    return Verdict("changed", key, plain[0].place, plain) if plain else Verdict("unknown", key)


def algorithms(known: Known, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the algorithms for host keys to ask for, in their order, of those in `offered` (without certificates).

    Certificates only where an authority is known for the host, and first; then the types of which a key is known, so
    that a host with several keys shows the one that can be compared (`order_hostkeyalgs` of OpenSSH).
    """
    everything = known.entries + (known.perhaps.entries if known.perhaps else ())
    kinds = {entry.key.kind for entry in everything if not entry.marker}
    first = [name for name in offered if (("ssh-rsa" if name.startswith("rsa-") else name) in kinds)]
    plain = [*first, *(name for name in offered if name not in first)]
    certificates = [
        f"{name}-cert-v01@openssh.com" for name in offered if any(entry.marker == AUTHORITY for entry in everything)
    ]
    return (*certificates, *plain)
