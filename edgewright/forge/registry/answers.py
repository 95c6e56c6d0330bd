"""Answers of a registry that are not success, and connections that fail, as one sentence and one next step."""

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
from edgewright.forge.registry.credentials import Login


def from_answer(status: int, body: bytes, what: str, registry: str, login: Login | None) -> EdgewrightError:
    """Return the error for an answer; `what` names the thing (`the manifest of ...`, `pushing to ...`)."""
    code, message = words(body)
    told = f" It says: {message}." if message else ""
    if status == 401:
        return _unauthorized(registry, login)
    if status == 403:
        who = f"the login {login.user or 'by token'} (from {login.source})" if login else "somebody without a login"
        return Refused(
            f"The registry {registry} does not allow {who} {what}.{told}",
            "Ask for the right, or push elsewhere.",
            "Denied",
        )
    if status == 404:
        return _not_there(code, what, registry)
    if status == 405:
        return Refused(f"The registry {registry} does not do this ({what}).", "It may be read-only: ask its keeper.")
    if status == 409:
        return Conflict(f"The registry {registry} refuses {what}.{told}", "Its tags may be immutable: use another.")
    if status == 413:
        return Failed(f"The registry {registry} takes nothing of this size ({what}).", "Raise the limit of its proxy.")
    if status == 429:
        return TimedOut(
            f"The registry {registry} is asked too much and put us off again and again ({what}).",
            "Wait a while; a login often raises the limit.",
            "TooManyRequests",
        )
    if status == 507:
        return Failed(f"The registry {registry} has no room left ({what}).", "Free some, then run it again.")
    if status >= 500:
        return Unreachable(
            f"The registry {registry} answers with an error of its own, {status} ({what}).{told}",
            "Try again later; its log tells more.",
            "RegistryError",
        )
    if status in (400, 416, 422):
        return InvalidInput(f"The registry {registry} does not take {what} ({status}).{told}", "", code or None)
    return Failed(f"The registry {registry} answered {status} ({what}).{told}", "", code or None)


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


def words(body: bytes) -> tuple[str, str]:
    """Return code and message of the first error in an answer; empty when it has none."""
    try:
        document: Any = json.loads(body)
        first = document["errors"][0]
        code, message = str(first.get("code") or ""), str(first.get("message") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""
    return clean(code, limit=80), clean(message, limit=200).rstrip(".")


def lost(error: BaseException, registry: str, what: str, *, connecting: bool = False) -> EdgewrightError:
    """Return the error for a connection that could not be made or broke off."""
    tls = _tls(error, registry)
    if tls is not None:
        return tls
    name = type(error).__name__
    if "Timeout" in name and "Connect" not in name:
        return TimedOut(f"The registry {registry} stopped answering ({what}).", "Try again.")
    if connecting or "Connect" in name:
        reason = re.sub(r"^\[Errno -?\d+\] ", "", clean(str(error), limit=120)).rstrip(".") or "no answer"
        return Unreachable(
            f"The registry {registry} cannot be reached: {reason}.", "Check its name, port and the way there."
        )
    return Unreachable(
        f"The registry {registry} broke the connection off ({what}).",
        "Nothing was tagged. Run it again: what has arrived is not sent twice.",
        "ConnectionLost",
    )


def speaks_no_tls(error: BaseException) -> bool:
    """Whether a failure means that the other end speaks plain http."""
    cause = _cause(error, ssl.SSLError)
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
    refused = _cause(error, ssl.SSLCertVerificationError)
    if isinstance(refused, ssl.SSLCertVerificationError):
        return Unreachable(
            f"The certificate of the registry {registry} is not accepted: {refused.verify_message}.",
            f"Give its CA with --ca FILE, or put it to /etc/containers/certs.d/{registry}/ca.crt.",
            "CertificateRefused",
        )
    other = _cause(error, ssl.SSLError)
    if other is not None:
        return Unreachable(f"TLS with the registry {registry} failed.", "Check what is between here and there.", "TLS")
    return None


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
