"""TLS to the plane, always verified, and what went wrong with it in one sentence.

"Certificate verify failed" does not help at a site. The causes need different hands: a wrong CA file, a name that is
not in the certificate, a plane's certificate past its end, or this host's clock, which at a site is the usual one.
"""

from __future__ import annotations

import ssl
from typing import Any, Callable, List, Optional, Sequence, Tuple

from edgewright.core import certificate_clock
from edgewright.core.certificate_clock import NOTHING, Evidence
from edgewright.core.errors import EdgewrightError, Failed, Unreachable

_UNKNOWN_CA = (2, 18, 19, 20, 21)  # X509_V_ERR_*: issuer missing, self-signed, unverified leaf
_NOT_YET = 9
_EXPIRED = 10
_WRONG_NAME = (62, 64)  # host name, IP address
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: chain, name and signatures are verified as ever, the dates are not."""
_DER = 2
_MOST_CERTIFICATES = 16


def make_context(ca_file: str, ca_pems: Sequence[str] = (), timeless: bool = False) -> ssl.SSLContext:
    """Return a verifying TLS context that trusts `ca_file` and `ca_pems`, or the system's store when both are empty.

    With `timeless` it does not look at dates: only for a client that has a floor, which does (P137). Raises `Failed`
    when a CA file cannot be read or contains no certificate.
    """
    if not ca_file and not ca_pems:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if ca_file:
                context.load_verify_locations(cafile=ca_file)
        except ssl.SSLError:
            raise Failed(
                f"The CA file {ca_file} contains no readable certificate.",
                "Copy the plane's ca.crt there again (a PEM file).",
                code="BadCaFile",
            ) from None
        except OSError as error:
            raise Failed(
                f"Cannot read the CA file {ca_file}: {(error.strerror or str(error)).lower()}.",
                "Copy the plane's ca.crt there.",
                code="BadCaFile",
            ) from None
        for pem in ca_pems:
            try:
                context.load_verify_locations(cadata=pem)
            except (ssl.SSLError, ValueError):
                raise Failed(
                    "A certificate in stylus.site.caCerts of the user-data cannot be read.",
                    "Write it as a PEM block or as base64 of one.",
                    code="BadCaFile",
                ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if timeless:
        context.verify_flags |= _NO_CHECK_TIME
    return context


def verified_chain(link: Any) -> List[bytes]:
    """Return the certificates (DER) by which a connection was verified, the server's first.

    Python shows them from 3.10 on. Below, the issuers are looked up by name among the trusted certificates: all that
    have the name, so that the dates of one too many are checked rather than one too few. Raises `Unreachable` where
    one is missing, as an intermediate is.
    """
    for place in (link, link._sslobj):
        get = getattr(place, "get_verified_chain", None)
        if get is not None:
            return [part if isinstance(part, bytes) else part.public_bytes(_DER) for part in get()]
    chain = [link.getpeercert(True)]
    trusted = [(der, certificate_clock.names(der)) for der in link.context.get_ca_certs(True)]
    for der in chain:
        own = certificate_clock.names(der)
        if own.issuer != own.subject or not own.issuer:
            above = [other for other, theirs in trusted if own.by(theirs) and other not in chain]
            chain += above
            if not above or len(chain) > _MOST_CERTIFICATES:
                raise Unreachable(
                    "This host's clock is wrong, and its Python (3.9) does not show the dates of all certificates.",
                    "Set the clock of this host, or install Python 3.10 or later.",
                    code="CertificateUnreadable",
                )
    return chain


def verified_dates(link: Any) -> List[Tuple[Optional[float], Optional[float]]]:
    """Return from when to when the certificates of `verified_chain` are valid; `None` where unreadable.

    OpenSSL takes any certificate of a CA that has several (it was renewed with its key) where it does not look at
    dates, so those of all that are trusted count together.
    """
    chain = verified_chain(link)
    spans = [certificate_clock.validity(chain[0])]
    for der in chain[1:]:
        holder = certificate_clock.names(der).holder
        trusted = link.context.get_ca_certs(True)
        same = [der, *(other for other in trusted if certificate_clock.names(other).holder == holder)]
        begins, ends = zip(*map(certificate_clock.validity, same))
        spans.append((None, None) if None in begins + ends else (min(begins), max(ends)))
    return spans


def concerns_clock(error: BaseException) -> bool:
    """Return whether a handshake failed for the dates of a certificate."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in (_NOT_YET, _EXPIRED)


def unverified() -> ssl.SSLContext:
    """Return a context that verifies nothing, to look at a certificate that was refused; never for a request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def explain(
    error: ssl.SSLError,
    host: str,
    ca_file: str,
    now: float,
    evidence: Optional[Callable[[], Evidence]] = None,
) -> EdgewrightError:
    """Return the failure of a TLS handshake as a sentence that names the thing and the next step.

    `evidence` is asked only when the dates of a certificate are the cause; it may take a few seconds.
    """
    code = getattr(error, "verify_code", None) if isinstance(error, ssl.SSLCertVerificationError) else None
    trusted = ca_file or "the system's certificate store"
    if code in _UNKNOWN_CA:
        return Unreachable(
            f"The certificate of {host} was not signed by a CA in {trusted}.",
            "Copy the plane's own ca.crt to this host and name it with --ca or stylus.site.caCerts.",
            code="UnknownCa",
        )
    if code in (_NOT_YET, _EXPIRED):
        early = code == _NOT_YET
        sentence, step = certificate_clock.explain(host, "this host", now, early, evidence() if evidence else NOTHING)
        return Unreachable(sentence, step, code="CertificateNotYetValid" if early else "CertificateExpired")
    if code in _WRONG_NAME:
        return Unreachable(
            f"The certificate of the plane is not for {host}.",
            "Use a name or address that is in it, or start the hub with --advertise " + host + ".",
            code="WrongHostName",
        )
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Unreachable(
            f"{host} broke the connection off while it was being made secure.",
            "Check that the plane runs and that nothing on the way cuts connections.",
            code="BrokenAnswer",
        )
    reason = (error.reason or str(error)).partition(" (_ssl")[0]
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"):
        return Unreachable(
            f"What answers at {host} does not speak TLS.", "Check the port of the endpoint.", code="NoTls"
        )
    return Unreachable(
        f"TLS with {host} failed: {reason.replace('_', ' ').lower()}.",
        "Check that the endpoint is the plane and not something in between.",
        code="TlsFailed",
    )
