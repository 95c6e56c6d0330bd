"""Responses of a registry that are not success, and connections that fail, as one sentence and one next step."""

from __future__ import annotations

import json
import re
import ssl
from typing import Any

from edgewright.core.errors import (
    Conflict,
    EdgewrightError,
    Failed,
    InvalidInput,
    NotFound,
    Refused,
    TimedOut,
    Unreachable,
)
from edgewright.core.text import clean
from edgewright.oci.address import BadAddress
from edgewright.oci.credentials import Login
from edgewright.oci.guard import AddressRefused
from edgewright.oci.link import NoConnection
from edgewright.oci.pace import TooSlow
from edgewright.oci.redirects import BadRedirect
from edgewright.oci.reply import TooLong


def from_response(status: int, body: bytes, what: str, registry: str, login: Login | None) -> EdgewrightError:
    """Return the error for a response; `what` names the thing (`the manifest of ...`, `pushing to ...`)."""
    code, message = first_error(body)
    detail = f" Its message: {message}." if message else ""
    if status == 401:
        return _unauthorized(registry, login)
    if status == 403:
        who = f"the login {login.user or 'by token'} (from {login.source})" if login else "an anonymous client"
        return Refused(
            f"The registry {registry} does not allow {who} {what}.{detail}",
            "Ask for the right, or push elsewhere.",
            "Denied",
        )
    if status == 404:
        return _not_there(code, what, registry)
    if status == 405:
        return Refused(f"The registry {registry} does not do this ({what}).", "It may be read-only: ask its owner.")
    if status == 409:
        return Conflict(f"The registry {registry} refuses {what}.{detail}", "Its tags may be immutable: use another.")
    if status == 413:
        return Failed(f"The registry {registry} takes nothing of this size ({what}).", "Raise the limit of its proxy.")
    if status == 429:
        return TimedOut(
            f"The registry {registry} limits requests and refused every try ({what}).",
            "Wait a while; a login often raises the limit.",
            "TooManyRequests",
        )
    if status == 507:
        return Failed(f"The registry {registry} has no room left ({what}).", "Free some, then run it again.")
    if status >= 500:
        return Unreachable(
            f"The registry {registry} answers with an error of its own, {status} ({what}).{detail}",
            "Try again later; its log has the reason.",
            "RegistryError",
        )
    if status in (400, 416, 422):
        return InvalidInput(f"The registry {registry} does not take {what} ({status}).{detail}", "", code or None)
    return Failed(f"The registry {registry} answered {status} ({what}).{detail}", "", code or None)


def _not_there(code: str, what: str, registry: str) -> NotFound:
    if code == "NAME_UNKNOWN":
        return NotFound(f"The registry {registry} has no such repository ({what}).", "Check its name.", code)
    if code == "MANIFEST_UNKNOWN":
        sentence = f"{what[:1].upper()}{what[1:]} is not at the registry {registry}."
        return NotFound(sentence, "Check name and tag.", code)
    return NotFound(f"The registry {registry} does not have it ({what}).", "Check its name.", code or None)


def _unauthorized(registry: str, login: Login | None) -> Refused:
    hint = f"Log in: skopeo login {registry} (docker, podman and buildah write the same files)."
    if login is None:
        return Refused(f"The registry {registry} wants a login, and none of the usual files has one.", hint, "NoLogin")
    who = f"of {login.user} " if login.user else ""
    return Refused(f"The registry {registry} does not accept the login {who}from {login.source}.", hint, "WrongLogin")


def first_error(body: bytes) -> tuple[str, str]:
    """Return code and message of the first error in a response; empty when it has none."""
    try:
        document: Any = json.loads(body)
        first = document["errors"][0]
        code, message = str(first.get("code") or ""), str(first.get("message") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return "", ""
    return clean(code, limit=80), clean(message, limit=200).rstrip(".")


def lost(error: BaseException, registry: str, what: str) -> EdgewrightError:
    """Return the error for a connection that could not be made or broke off, or a reply that exceeds its bounds."""
    guarded = cause_of(error, AddressRefused)
    if guarded is not None:
        message = f"The registry {registry} is at an address that is not allowed: {guarded} ({what})."
        return Refused(message, "Link-local addresses never are; an admin can allow private ones.", "AddressRefused")
    tls = _tls(error, registry)
    if tls is not None:
        return tls
    if isinstance(error, BadRedirect):
        hint = "Check the registry, and the proxy in front of it (X-Forwarded-Proto)."
        return Refused(f"The registry {registry} redirects {error} ({what}).", hint, "BadRedirect")
    if isinstance(error, BadAddress):
        message = f"The registry {registry} refers to an address that cannot be used: {clean(error, 200)} ({what})."
        return Failed(message, "Check the proxy in front of it.", "BadAddress")
    if isinstance(error, TooLong):
        message = f"The registry {registry} sends more than it may: {error} ({what})."
        return Failed(message, "Do not trust this registry.", "ReplyTooLong")
    if isinstance(error, TooSlow):
        return TimedOut(f"The registry {registry} stopped answering or is too slow ({what}).", "Try again.")
    if isinstance(error, NoConnection):
        return _no_connection(error, registry)
    return Unreachable(
        f"The registry {registry} broke the connection off ({what}).",
        "Nothing was tagged. Run it again: what has arrived is not sent twice.",
        "ConnectionLost",
    )


def _no_connection(error: NoConnection, registry: str) -> Unreachable:
    cause = error.__cause__ or error
    reason = re.sub(r"^\[Errno -?\d+\] ", "", clean(str(cause), limit=120)).rstrip(".") or "no answer"
    if error.proxy is not None and reason.startswith("Tunnel connection failed"):
        return Unreachable(
            f"The proxy {error.proxy.name} refused to connect to the registry {registry}:{reason.partition(':')[2]}.",
            "Check what the proxy allows; NO_PROXY lists hosts that are reached directly.",
            "ProxyRefused",
        )
    if error.proxy is not None:
        return Unreachable(
            f"The registry {registry} cannot be reached through the proxy {error.proxy.name}: {reason}.",
            "Check HTTPS_PROXY and HTTP_PROXY; NO_PROXY lists hosts that are reached directly.",
            "ProxyUnreachable",
        )
    return Unreachable(f"The registry {registry} cannot be reached: {reason}.", "Check its name, port and the network.")


def speaks_no_tls(error: BaseException) -> bool:
    """Whether a failure means that the other end speaks plain http."""
    cause = cause_of(error, ssl.SSLError)
    reason = str(getattr(cause, "reason", "") or "")
    return cause is not None and any(
        w in reason for w in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
    )


def _tls(error: BaseException, registry: str) -> Unreachable | None:
    if speaks_no_tls(error):
        return Unreachable(
            f"The registry {registry} does not speak TLS.",
            "Give it a certificate; or, if plain http is meant, write insecure = true for it in registries.conf.",
            "NoTLS",
        )
    refused = cause_of(error, ssl.SSLCertVerificationError)
    if isinstance(refused, ssl.SSLCertVerificationError):
        return Unreachable(
            f"The certificate of the registry {registry} is not accepted: {refused.verify_message}.",
            f"Give its CA with --ca FILE, or put it to /etc/containers/certs.d/{registry}/ca.crt.",
            "CertificateRefused",
        )
    other = cause_of(error, ssl.SSLError)
    if other is not None:
        return Unreachable(f"TLS with the registry {registry} failed.", "Check what is between here and there.", "TLS")
    return None


def cause_of(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the first exception of a kind in a chain of causes, or None."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def repeatable(error: BaseException) -> bool:
    """Whether a failed exchange is worth another try: not when the reply itself breaks a rule."""
    if cause_of(error, AddressRefused) is not None:
        return False
    return isinstance(error, OSError) or not isinstance(error, ValueError)


def mismatch(what: str, digest: str) -> EdgewrightError:
    """Return the error for content that does not have its digest."""
    message = f"{what[:1].upper()}{what[1:]} does not have the digest {digest}."
    return Failed(message, "Do not trust this registry.", "DigestMismatch")
