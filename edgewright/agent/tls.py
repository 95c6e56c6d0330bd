"""TLS to the plane, always verified, and what went wrong with it in one sentence.

"Certificate verify failed" helps nobody at a site. The causes need different hands: a wrong CA file, a name that is not
in the certificate, a plane's certificate past its end, or this host's clock, which at a site is the usual one.
"""

from __future__ import annotations

import ssl
from typing import List, Optional, Sequence, Tuple

from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, Unreachable

MADE = 1793491200.0
"""2026-11-01T00:00:00Z: this agent was made after it, so a clock that says less is wrong."""

_UNKNOWN_CA = (2, 18, 19, 20, 21)  # X509_V_ERR_*: issuer missing, self-signed, unverified leaf
_NOT_YET = 9
_EXPIRED = 10
_WRONG_NAME = (62, 64)  # host name, IP address


def make_context(ca_file: str, ca_pems: Sequence[str] = ()) -> ssl.SSLContext:
    """Return a verifying TLS context that trusts `ca_file` and `ca_pems`, or the system's store when both are empty.

    Raises `Failed` when a CA file cannot be read or holds no certificate.
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
                f"The CA file {ca_file} holds no certificate that can be read.",
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
    return context


def clock_text(now: float) -> str:
    """Return the host's clock for a sentence, e.g. `1976-11-23 11:00 UTC`."""
    text = times.rfc3339(now)
    return f"{text[:10]} {text[11:16]} UTC"


def explain(error: ssl.SSLError, host: str, context: ssl.SSLContext, ca_file: str, now: float) -> EdgewrightError:
    """Return the failure of a TLS handshake as a sentence that names the thing and the next step."""
    code = getattr(error, "verify_code", None) if isinstance(error, ssl.SSLCertVerificationError) else None
    trusted = ca_file or "the system's certificate store"
    if code in _UNKNOWN_CA:
        return Unreachable(
            f"The certificate of {host} was not signed by a CA in {trusted}.",
            "Copy the plane's own ca.crt to this host and name it with --ca or stylus.site.caCerts.",
            code="UnknownCa",
        )
    if code in (_NOT_YET, _EXPIRED):
        return _outside_validity(code == _NOT_YET, host, context, now)
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


def _outside_validity(early: bool, host: str, context: ssl.SSLContext, now: float) -> EdgewrightError:
    words = "is not valid yet" if early else "has expired"
    first, last = _bounds(context)
    span = ""
    if first is not None and early and now < first:
        span = f" (its CA is valid from {clock_text(first)})"
    elif last is not None and not early and now > last:
        span = f" (its CA is valid until {clock_text(last)})"
    wrong = "; this clock is wrong, it is before this agent was made" if now < MADE else ""
    step = (
        "Set the clock of this host or let it reach a time server."
        if early or wrong
        else "If that clock is right, renew the plane's certificate; else set the clock of this host."
    )
    return Unreachable(
        f"The certificate of {host} {words}{span}, by this host's clock, which says {clock_text(now)}{wrong}.",
        step,
        code="CertificateNotYetValid" if early else "CertificateExpired",
    )


def _bounds(context: ssl.SSLContext) -> Tuple[Optional[float], Optional[float]]:
    """Return from when to when the loaded CAs are all valid; `None` when many are loaded or a date is unreadable."""
    loaded = context.get_ca_certs()
    if not 0 < len(loaded) <= 4:
        return None, None
    first: List[float] = []
    last: List[float] = []
    for certificate in loaded:
        try:
            first.append(float(ssl.cert_time_to_seconds(str(certificate["notBefore"]))))
            last.append(float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))))
        except (KeyError, ValueError):
            return None, None
    return max(first), min(last)
