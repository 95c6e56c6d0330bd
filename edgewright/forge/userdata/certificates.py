"""Certificates of a user-data, read for their content: dates, and whether they can serve as an authority."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edgewright.core.certificate_clock import names, validity
from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import at, items
from edgewright.core.cloudconfig.pem import certificates
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.text import clean
from edgewright.core.times import DAY, duration

SOON = 30 * DAY
"""A certificate that ends within this time is reported."""
MOST = 100


def ca_texts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of each certificate of a document, wherever one may be."""
    places: list[tuple[str, Any]] = [
        ("stylus.site.caCerts", at(document, "stylus", "site", "caCerts")),
        ("cluster.ca_certs", at(document, "cluster", "ca_certs")),
    ]
    for place, item in enumerate(items(at(document, "stylus", "externalRegistries", "registries"))[:MOST]):
        places.append((f"stylus.externalRegistries.registries[{place}].certificates", at(item, "certificates")))
    for path, value in places:
        for place, item in enumerate(items(value)[:MOST]):
            if isinstance(item, str) and not is_template(item):
                yield f"{path}[{place}]", item


def pem_of(texts: list[Any]) -> str:
    """Return the certificates of several texts (PEM or base64 of it) as one PEM; broken ones are left out."""
    matches = []
    for text in texts:
        try:
            for der in certificates(text) if isinstance(text, str) else ():
                matches.append(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode())
        except ValueError:
            continue
    return "".join(matches)


def check_certificates(document: Mapping[str, Any], now: float) -> list[Finding]:
    """Return what is wrong with the certificates of a document at `now` (epoch seconds).

    What is not a certificate by its form alone is reported by the check of the core.
    """
    texts = []
    for path, text in ca_texts(document):
        try:
            texts.append((path, certificates(text)))
        except ValueError:
            continue
    last = _last_ends(texts, now)
    return [finding for path, ders in texts for der in ders for finding in _check(path, der, now, last)]


def _last_ends(texts: list[tuple[str, list[bytes]]], now: float) -> dict[tuple[str, bytes], float]:
    """Return when trust in a name of a list ends, by the certificates that are valid now: a CA may be renewed."""
    last: dict[tuple[str, bytes], float] = {}
    for path, ders in texts:
        for der in ders:
            begins, ends = validity(der)
            if begins is not None and ends is not None and begins <= now < ends:
                key = _key(path, der)
                last[key] = max(last.get(key, 0.0), ends)
    return last


def _key(path: str, der: bytes) -> tuple[str, bytes]:
    return path.rpartition("[")[0], names(der).subject


def _check(path: str, der: bytes, now: float, last: dict[tuple[str, bytes], float]) -> list[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            subject = clean(certificate.subject.rfc4514_string(), 80) or "a certificate without a name"
            begins = certificate.not_valid_before_utc.timestamp()
            ends = certificate.not_valid_after_utc.timestamp()
            authority = _is_authority(certificate)
    except (ValueError, TypeError, OverflowError, NotImplementedError, x509.InvalidVersion):
        return [error(path, f"{path} contains a certificate that cannot be read.", "Copy it again.", "Certificate")]
    matches = []
    trusted = last.get(_key(path, der), 0.0)
    if ends <= now:
        message = f"The certificate {subject} in {path} ended {duration(now - ends)} ago."
        if trusted:
            hint = "One of the same name beside it is valid: the old one can be taken out."
            matches.append(warning(path, message, hint, "CertificateExpired"))
        else:
            matches.append(error(path, message, "Put the present one there.", "CertificateExpired"))
    elif ends - now < SOON and trusted - now < SOON:
        message = f"The certificate {subject} in {path} ends in {duration(ends - now)}: hosts lose the plane then."
        matches.append(
            warning(path, message, "Add its successor too; both may be there side by side.", "CertificateEnds")
        )
    if begins > now:
        message = f"The certificate {subject} in {path} is valid only in {duration(begins - now)}."
        level = warning if trusted else error
        matches.append(
            level(path, message, "Look at the clock here, and at that of who made it.", "CertificateNotYetValid")
        )
    if not authority:
        message = f"The certificate {subject} in {path} is not an authority: it is self-signed at most."
        hint = "Put the CA there that issued it; a server's own certificate changes with each renewal."
        matches.append(warning(path, message, hint, "NoAuthority"))
    return matches


def _is_authority(certificate: Any) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return bool(certificate.version == x509.Version.v1)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
