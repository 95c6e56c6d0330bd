"""One delivery by webhook: signed, bounded in time and size, no redirects."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import ssl
from typing import Any

import httpx

from edgewright.core import times
from edgewright.core.text import clean
from edgewright.hub.db.records import dump
from edgewright.hub.resources.alerts import template
from edgewright.hub.resources.alerts.failure import DeliveryFailed
from edgewright.hub.resources.alerts.message import flat

WITHIN = 20.0
"""Seconds for one delivery, from the name of the server to its answer."""
ANSWER = 4_096
"""Bytes of an answer that are read."""
H_SIGNATURE, H_DELIVERY, H_EVENT = "Edgewright-Signature", "Edgewright-Delivery", "Edgewright-Event"
_REJECTED = frozenset({400, 405, 406, 409, 411, 413, 414, 415, 422, 431})
"""Answers that reject this very message: the same message again gets the same answer."""


def signature(key: str, sent: int, body: bytes) -> str:
    """Return the value of `Edgewright-Signature`: time of sending, and HMAC-SHA256 of `TIME.BODY` in hex."""
    mac = hmac.new(key.encode(), b"%d." % sent + body, hashlib.sha256).hexdigest()
    return f"t={sent},v1={mac}"


def body_of(secret: dict[str, Any], doc: dict[str, Any]) -> bytes:
    """Return the body: the receiver's own JSON with its fields filled in, else the complete document."""
    own = secret["body"]
    return template.fill(own, flat(doc)) if own else dump(doc).encode()


async def send(config: dict[str, Any], secret: dict[str, Any], doc: dict[str, Any]) -> None:
    """Deliver one message; raises `DeliveryFailed`."""
    body = body_of(secret, doc)
    headers = {
        **secret["headers"],
        "Content-Type": "application/json",
        "User-Agent": "edgewright-hub",
        H_DELIVERY: doc["deliveryId"],
        H_EVENT: doc["event"],
    }
    if secret["key"]:
        headers[H_SIGNATURE] = signature(secret["key"], int(times.now()), body)
    status = 0
    try:
        async with asyncio.timeout(WITHIN):
            verify = await asyncio.to_thread(tls_context, config.get("ca", ""))
            async with (
                httpx.AsyncClient(verify=verify, timeout=WITHIN, follow_redirects=False) as client,
                client.stream("POST", secret["url"], content=body, headers=headers) as answer,
            ):
                status, read = answer.status_code, 0  # the status decides, whatever becomes of the rest
                async for piece in answer.aiter_raw():
                    read += len(piece)
                    if read >= ANSWER:
                        break
    except TimeoutError:
        if not status:
            raise DeliveryFailed(f"{config['target']} has not answered within {WITHIN:g} s.") from None
    except (httpx.HTTPError, OSError, ValueError, ssl.SSLError) as error:
        if not status:
            raise DeliveryFailed(f"{config['target']}: {_reason(error)}.") from None
    if 300 <= status < 400:
        raise DeliveryFailed(f"{config['target']} answers with a redirect ({status}), which is not followed.")
    if not 200 <= status < 300:
        raise DeliveryFailed(f"{config['target']} answers with status {status}.", rejected=status in _REJECTED)


def tls_context(ca: str) -> ssl.SSLContext:
    """Return what verifies the other end: by the system's authorities and those in the PEM text `ca`."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def _reason(error: BaseException) -> str:
    """Return the cause in one line; never the URL, which may contain a secret."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({clean(cause.verify_message, 120)})"
    if isinstance(cause, OSError):
        return clean(os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror, 120)
    return {"ConnectError": "cannot be reached", "ReadError": "the connection broke"}.get(
        type(error).__name__, f"the request failed ({type(error).__name__})"
    )
