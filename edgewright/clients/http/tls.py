"""TLS: which authorities are trusted, and failures are distinguished so that the user knows what to fix."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from edgewright.core import certificate_clock, times
from edgewright.core.certificate_clock import NOTHING, Evidence
from edgewright.core.errors import InvalidInput, Unreachable

_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN, _NO_ISSUER, _UNVERIFIED_LEAF = 18, 19, 20, 21
_NOT_YET, _EXPIRED = 9, 10
_NAME, _ADDRESS = 62, 64


def context(ca: Path | None) -> ssl.SSLContext:
    """Return a client context that believes `ca` alone, or the machine's own authorities when it is `None`.

    Raises `InvalidInput` when the file cannot be read or contains no certificate.
    """
    if ca is None:
        return ssl.create_default_context()
    try:
        made = ssl.create_default_context(cafile=str(ca))
    except FileNotFoundError:
        raise InvalidInput(
            f"The CA file {ca} is not there.", "Give the hub's DIR/ca.crt with --ca, or take it out of the context."
        ) from None
    except (ssl.SSLError, OSError) as error:
        raise InvalidInput(
            f"The CA file {ca} cannot be used: {_reason(error)}.",
            "It must contain one or more certificates in PEM form.",
        ) from None
    return made


def explain(
    error: BaseException, host: str, ca: Path | None, now: float | None = None, evidence: Evidence = NOTHING
) -> Unreachable | None:
    """Return the sentence for a TLS failure in the chain of causes of `error`; `None` when there is none.

    `evidence` decides whose clock is named when the dates of a certificate are the cause.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause, host, ca, times.now() if now is None else now, evidence)
        if isinstance(cause, ssl.SSLError):
            return _handshake(cause, host)
    return None


def concerns_clock(error: BaseException) -> bool:
    """Return whether the dates of a certificate are in the chain of causes of `error`."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in (_NOT_YET, _EXPIRED)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _certificate(
    error: ssl.SSLCertVerificationError, host: str, ca: Path | None, now: float, evidence: Evidence
) -> Unreachable:
    code = getattr(error, "verify_code", 0)
    if code in (_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN, _NO_ISSUER, _UNVERIFIED_LEAF):
        trusted = f"the CA in {ca}" if ca else "no authority that this machine trusts"
        sentence = f"The certificate of {host} was {'not ' if ca else ''}issued by {trusted}."
        return Unreachable(
            sentence, "Give the plane's own CA certificate with --ca (a hub's is DIR/ca.crt).", "UnknownCA"
        )
    if code in (_EXPIRED, _NOT_YET):
        early = code == _NOT_YET
        sentence, step = certificate_clock.explain(host, "this machine", now, early, evidence)
        return Unreachable(sentence, step, "CertificateNotYetValid" if early else "CertificateExpired")
    if code in (_NAME, _ADDRESS):
        return Unreachable(
            f"The certificate of the plane does not name {host}.",
            "Use a name or address that it names, or add this one with: edgewright hub serve --advertise.",
            "CertificateNameMismatch",
        )
    return Unreachable(
        f"The certificate of {host} is not accepted: {error.verify_message or _reason(error)}.",
        "Look at it with: openssl s_client -connect HOST:PORT -showcerts",
        "CertificateRefused",
    )


def _handshake(error: ssl.SSLError, host: str) -> Unreachable:
    reason = _reason(error)
    if "wrong version number" in reason or "record layer failure" in reason:
        return Unreachable(
            f"What listens at {host} does not speak TLS.", "Check the port, or whether the URL means http.", "NoTLS"
        )
    return Unreachable(f"TLS with {host} failed: {reason}.", "Try again; check what is between here and there.", "TLS")


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).replace("_", " ").lower()
