"""Certificates: their dates, who signed them, and whether the key beside them is theirs."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edgewright.clients.ssh.probes.parsing.lines import with_word
from edgewright.core.doctor.facts import Certificate
from edgewright.core.text import clean

Lines = Sequence[str]
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_AUTHORITIES = {"/etc/kubernetes/pki/etcd/": "/etc/kubernetes/pki/etcd/ca.crt"}
_KUBERNETES = "/etc/kubernetes/pki/ca.crt"
_SIGNED_OTHERWISE = {
    "/etc/kubernetes/pki/apiserver-etcd-client.crt": "/etc/kubernetes/pki/etcd/ca.crt",
    "/etc/kubernetes/pki/front-proxy-client.crt": "/etc/kubernetes/pki/front-proxy-ca.crt",
}
_OF_CLUSTER = (
    _KUBERNETES,
    "/var/lib/rancher/k3s/server/tls/server-ca.crt",
    "/var/lib/rancher/rke2/server/tls/server-ca.crt",
)
"""Files with the CA that signs for the API server."""
_MOST = 64
_MOST_OF_FILE = 8


def certificates(files: Lines, keys: Lines) -> dict[str, Any]:
    """Return the certificates of the host in the order of the probe."""
    parsed: dict[str, list[x509.Certificate | None]] = {}
    for place, pems in _blocks(files):
        parsed.setdefault(place, [_load(pem) for pem in pems[:_MOST_OF_FILE]] or [None])
    wrong = {row.strip(): "key" for word in ("differs", "bad-key", "no-key") for row in with_word(keys, word)}
    wrong.update({row.strip(): "unreadable" for row in with_word(keys, "bad-certificate")})
    wrong.update({row.strip(): "other-ca" for row in with_word(keys, "other-ca")})
    absent = {row.strip(): "missing" for row in with_word(keys, "missing")}
    absent.update({place: "key" for place in wrong if place.endswith("/sa.pub")})
    results = [_fact(place, parsed, wrong.get(place, "")) for place in list(parsed)[:_MOST]]
    return {
        "certificates": (*results, *(Certificate(place, fault=fault) for place, fault in absent.items())),
        "cluster_authorities": _authorities(files, parsed),
    }


def _authorities(files: Lines, parsed: dict[str, list[x509.Certificate | None]]) -> frozenset[str]:
    """Return hashes of the public keys of the cluster's CA: those of an agent of k3s and of a kubeconfig, too."""
    own = [each for place in _OF_CLUSTER for each in parsed.get(place, ())]
    texts = [row.replace(",", "\n").encode() for row in with_word(files, "authority")]
    for row in with_word(files, "authority-data"):
        with contextlib.suppress(binascii.Error, ValueError):
            texts.append(base64.b64decode(row.strip(), validate=True))
    for text in texts:
        with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
            own += x509.load_pem_x509_certificates(text)[:_MOST_OF_FILE]
    return frozenset(filter(None, map(_key_hash, own)))


def _key_hash(value: x509.Certificate | None) -> str:
    if value is None or not _is_authority(value):
        return ""
    try:
        key = value.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return ""
    return hashlib.sha256(key).hexdigest()


def _blocks(lines: Lines) -> list[tuple[str, list[bytes]]]:
    """Return place and PEM texts of the certificates of each file, none for a file without one."""
    blocks: list[tuple[str, list[bytes]]] = []
    place, body = "", None
    for line in lines:
        if line.startswith("file /"):
            place, body = line[5:].strip(), None
            blocks.append((place, []))
        elif line.startswith("conf /"):
            parts = line.split()
            if len(parts) == 3:
                try:
                    blocks.append((parts[1], [base64.b64decode(parts[2], validate=True)]))
                except (binascii.Error, ValueError):
                    blocks.append((parts[1], []))
        elif line == "unreadable" and blocks and blocks[-1] == (place, []):
            blocks.pop()  # not known rather than broken
        elif line.strip() == _BEGIN and place:
            body = [line.strip()]
        elif body is not None:
            body.append(line.strip())
            if line.strip() == _END:
                if blocks and blocks[-1][0] == place:
                    blocks[-1][1].append("\n".join(body).encode())
                body = None
    return blocks


def _load(pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _fact(place: str, parsed: dict[str, list[x509.Certificate | None]], wrong: str) -> Certificate:
    value = parsed[place][0]
    authority = value is not None and _is_authority(value)
    if authority:
        value = _counts(place, parsed)
    if value is None:
        return Certificate(place, fault="unreadable")
    try:
        subject, issuer = clean(value.subject.rfc4514_string(), 120), clean(value.issuer.rfc4514_string(), 120)
        begins, ends = value.not_valid_before_utc.timestamp(), value.not_valid_after_utc.timestamp()
    except (ValueError, OverflowError):
        return Certificate(place, fault="unreadable")
    fault = wrong
    if not fault and not authority:
        signers = [signer for signer in parsed.get(_authority_of(place), ()) if signer is not None]
        fault = "issuer" if signers and not any(_signed(value, signer) for signer in signers) else ""
    return Certificate(place, subject, issuer, begins, ends, fault, authority, _addresses(value))


def _counts(place: str, parsed: dict[str, list[x509.Certificate | None]]) -> x509.Certificate:
    """Return which certificate of a CA file counts: an old one may be beside the renewed one.

    Of those that signed the same certificate of this host the last to end, and of these the first to end; where none
    signed one, the last to end of all.
    """
    own = [value for value in parsed[place] if value is not None]
    issued = [
        values[0] for other, values in parsed.items()
        if values[0] is not None and other != place and _authority_of(other) == place
    ]  # fmt: skip
    signers = ([each for each in own if _signed(value, each)] for value in issued)
    return min((max(each, key=_end) for each in signers if each), key=_end, default=max(own, key=_end))


def _end(value: x509.Certificate) -> float:
    try:
        return value.not_valid_after_utc.timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _addresses(value: x509.Certificate) -> tuple[str, ...]:
    """Return the addresses that a certificate is for."""
    try:
        names = value.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(address) for address in names.get_values_for_type(x509.IPAddress))[:32]


def _authority_of(place: str) -> str:
    if place in _SIGNED_OTHERWISE:
        return _SIGNED_OTHERWISE[place]
    for start, authority in _AUTHORITIES.items():
        if place.startswith(start):
            return authority
    own = place == "/var/lib/kubelet/pki/kubelet.crt"  # signs itself
    return _KUBERNETES if place.startswith(("/etc/kubernetes/", "/var/lib/kubelet/")) and not own else ""


def _is_authority(value: x509.Certificate) -> bool:
    try:
        return bool(value.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _signed(value: x509.Certificate, signer: x509.Certificate) -> bool:
    """Return whether `signer` signed it; what cannot be checked counts as signed."""
    try:
        value.verify_directly_issued_by(signer)
    except (ValueError, InvalidSignature):
        return False
    except (TypeError, UnsupportedAlgorithm):
        return True
    return True
